//! Two sessions joined in memory: order, loss and time are the test's.

use restic_manager_proto::{
    HostFacts, HostId, JobId, Opaque, Timestamp,
    agent::{
        Challenge, ErrorCode, Hello, Intent, Message, Pending, Proof, Refusal, RefusalCode, Reply, Welcome,
    },
    frame::MAX_FRAME_BYTES,
    session::{Close, Event, Limits, Output, SendError, Session},
};
use std::time::Duration;

pub(crate) fn key() -> Opaque {
    Opaque::new([7; 32])
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

fn hello() -> Hello {
    Hello::new(Intent::Enrol {}, key(), key(), key(), "0.1.0")
}

fn job() -> JobId {
    JobId::from_parts(at(1), [1; 10])
}

/// What one side wants, sorted.
#[derive(Debug, Default)]
struct Wants {
    frames: Vec<String>,
    events: Vec<Event>,
    close: Option<Close>,
}

fn drain(session: &mut Session) -> Wants {
    let mut wants = Wants::default();
    while let Some(output) = session.poll() {
        assert_eq!(wants.close, None, "nothing follows the end");
        match output {
            Output::Send(frame) => wants.frames.push(frame),
            Output::Event(event) => wants.events.push(event),
            Output::Close(close) => wants.close = Some(close),
            other => panic!("{other:?}"),
        }
    }
    wants
}

/// Hands everything that `from` wants to send to `to`, and gives what `from` and then `to` report.
fn pass(now: Timestamp, from: &mut Session, to: &mut Session) -> (Wants, Wants) {
    let sent = drain(from);
    for frame in &sent.frames {
        to.receive(now, frame);
    }
    let heard = drain_events(to);
    (sent, heard)
}

/// Only events and the end; frames stay queued in order.
fn drain_events(session: &mut Session) -> Wants {
    drain(session)
}

fn established() -> (Session, Session) {
    let now = at(0);
    let mut agent = Session::connect(now, hello(), Limits::default());
    let mut server = Session::accept(now, Limits::default());
    let (_, heard) = pass(now, &mut agent, &mut server);
    assert!(matches!(&heard.events[..], [Event::Hello { version: 1, .. }]));
    server.challenge(now, Challenge::new(1, key(), key(), key(), key()));
    let (_, heard) = pass(now, &mut server, &mut agent);
    assert!(matches!(&heard.events[..], [Event::Challenge { .. }]));
    agent.prove(now, Proof::new(key(), key(), HostFacts::default()));
    let (_, heard) = pass(now, &mut agent, &mut server);
    assert!(matches!(&heard.events[..], [Event::Proof(_)]));
    server.welcome(now, Welcome::new(HostId::from_parts(now, [1; 10]), "web-01", 1));
    let (sent, heard) = pass(now, &mut server, &mut agent);
    assert!(matches!(&sent.events[..], [Event::Established(None)]));
    assert!(matches!(&heard.events[..], [Event::Established(Some(_))]));
    (agent, server)
}

#[test]
fn both_sign_the_hello_as_it_was_sent() {
    let now = at(0);
    let mut agent = Session::connect(now, hello(), Limits::default());
    let mut server = Session::accept(now, Limits::default());
    let (sent, heard) = pass(now, &mut agent, &mut server);
    let Some(Event::Hello { frame, .. }) = heard.events.first() else { panic!("{heard:?}") };
    assert_eq!(frame, &sent.frames[0]);
    server.challenge(now, Challenge::new(1, key(), key(), key(), key()));
    let (_, heard) = pass(now, &mut server, &mut agent);
    let Some(Event::Challenge { hello_frame, .. }) = heard.events.first() else { panic!("{heard:?}") };
    assert_eq!(hello_frame, &sent.frames[0]);
}

#[test]
fn a_request_is_answered_by_its_number() {
    let (mut agent, mut server) = established();
    let first = server.request(at(1), Message::CancelJob { job: job() }).unwrap();
    let second = server.request(at(1), Message::CancelJob { job: job() }).unwrap();
    let (_, heard) = pass(at(1), &mut server, &mut agent);
    let numbers: Vec<_> = heard
        .events
        .iter()
        .map(|event| match event {
            Event::Message { number, .. } => *number,
            other => panic!("{other:?}"),
        })
        .collect();
    let no = Reply::Error { code: ErrorCode::UnknownJob, message: String::new() };
    agent.reply(at(1), numbers[1], no.clone()).unwrap();
    agent.reply(at(1), numbers[0], Reply::Ok {}).unwrap();
    let (_, heard) = pass(at(1), &mut agent, &mut server);
    assert_eq!(
        heard.events,
        [Event::Reply { number: second, reply: no }, Event::Reply { number: first, reply: Reply::Ok {} }]
    );
}

#[test]
fn a_reply_nobody_asked_for_is_ignored() {
    let (mut agent, mut server) = established();
    let number = server.request(at(1), Message::CancelJob { job: job() }).unwrap();
    agent.reply(at(1), number, Reply::Ok {}).unwrap();
    agent.reply(at(1), number, Reply::Ok {}).unwrap();
    drain(&mut server);
    let (_, heard) = pass(at(1), &mut agent, &mut server);
    assert_eq!(heard.events.len(), 1);
    assert_eq!(heard.close, None);
}

#[test]
fn a_request_without_reply_is_reported_once() {
    let (_agent, mut server) = established();
    let number = server.request(at(1), Message::CancelJob { job: job() }).unwrap();
    drain(&mut server);
    server.expire(at(60));
    assert!(!drain(&mut server).events.contains(&Event::Unanswered { number }));
    server.receive(at(60), r#"{"type":"heartbeat","id":9}"#);
    assert_eq!(drain(&mut server).events, [Event::Heartbeat]);
    server.expire(at(61));
    assert_eq!(drain(&mut server).events, [Event::Unanswered { number }]);
    server.expire(at(62));
    assert_eq!(drain(&mut server).events, []);
}

#[test]
fn requests_are_bounded() {
    let (_agent, mut server) = established();
    for _ in 0..Limits::default().requests {
        server.request(at(1), Message::CancelJob { job: job() }).unwrap();
    }
    assert_eq!(server.request(at(1), Message::CancelJob { job: job() }), Err(SendError::TooManyRequests));
}

#[test]
fn silence_is_filled_with_heartbeats_and_then_ends() {
    let (mut agent, mut server) = established();
    assert_eq!(agent.deadline(), Some(at(30)));
    agent.expire(at(29));
    assert!(drain(&mut agent).frames.is_empty());
    agent.expire(at(30));
    let beat = drain(&mut agent);
    assert_eq!(beat.frames.len(), 1);
    server.receive(at(30), &beat.frames[0]);
    assert_eq!(drain(&mut server).events, [Event::Heartbeat]);
    server.expire(at(89));
    assert_eq!(drain(&mut server).close, None);
    server.expire(at(120));
    assert_eq!(drain(&mut server).close, Some(Close::Silence));
    assert_eq!(server.deadline(), None);
}

#[test]
fn a_handshake_that_stalls_ends() {
    let mut server = Session::accept(at(0), Limits::default());
    assert_eq!(server.deadline(), Some(at(10)));
    server.expire(at(10));
    assert_eq!(drain(&mut server).close, Some(Close::HandshakeTimeout));
}

#[test]
fn an_agent_of_another_version_is_told_the_range() {
    let mut hello = hello();
    hello.versions.min = 8;
    hello.versions.max = 9;
    let mut agent = Session::connect(at(0), hello, Limits::default());
    let mut server = Session::accept(at(0), Limits::default());
    let (_, heard) = pass(at(0), &mut agent, &mut server);
    assert_eq!(heard.close, Some(Close::Refused(RefusalCode::Version)));
    agent.receive(at(0), &heard.frames[0]);
    let told = drain(&mut agent);
    let Some(Event::Refused(refusal)) = told.events.first() else { panic!("{told:?}") };
    assert_eq!(refusal.versions, Some(restic_manager_proto::SUPPORTED));
    assert!(refusal.code.is_final());
    assert!(refusal.message.contains("8 to 9"), "{}", refusal.message);
}

#[test]
fn nothing_is_accepted_before_its_turn() {
    let frames = [
        r#"{"type":"heartbeat","id":1}"#,
        r#"{"type":"inventory","id":1,"body":{"jobs":[]}}"#,
        r#"{"type":"proof","id":1,"body":{"token":"","signature":""}}"#,
        r#"{"type":"welcome","id":1,"body":{"host":"01932f6e-1c2d-7a4b-8e9f-0123456789ab","host_name":"x","generation":1}}"#,
        "not json",
    ];
    for frame in frames {
        let mut server = Session::accept(at(0), Limits::default());
        server.receive(at(0), frame);
        let wants = drain(&mut server);
        assert!(matches!(wants.close, Some(Close::OutOfOrder | Close::Malformed(_))), "{frame}: {wants:?}");
        assert!(wants.events.is_empty());
        server.receive(at(0), frame);
        assert!(drain(&mut server).frames.is_empty(), "nothing is answered after the end");
    }
}

#[test]
fn a_server_that_has_not_been_challenged_welcomes_nobody() {
    let mut server = Session::accept(at(0), Limits::default());
    server.welcome(at(0), Welcome::new(HostId::from_parts(at(0), [1; 10]), "x", 1));
    assert!(drain(&mut server).frames.is_empty());
    assert!(!server.is_established());
    assert_eq!(server.notify(at(0), Message::CancelJob { job: job() }), Err(SendError::NotEstablished));
}

#[test]
fn a_second_hello_ends_the_session() {
    let (_agent, mut server) = established();
    let mut other = Session::connect(at(1), hello(), Limits::default());
    server.receive(at(1), &drain(&mut other).frames[0]);
    assert_eq!(drain(&mut server).close, Some(Close::OutOfOrder));
}

#[test]
fn an_unknown_kind_is_answered_and_reported() {
    let (mut agent, mut server) = established();
    agent.receive(at(1), r#"{"type":"moon.phase","id":77,"body":{}}"#);
    let wants = drain(&mut agent);
    assert!(matches!(&wants.events[..], [Event::Message { message: Message::Unknown(_), .. }]));
    assert!(wants.frames[0].contains("unsupported"), "{wants:?}");
    server.receive(at(1), &wants.frames[0]);
    assert_eq!(drain(&mut server).close, None);
}

#[test]
fn an_oversize_frame_ends_the_session_with_the_code_for_it() {
    let (mut agent, _server) = established();
    agent.receive(at(1), &" ".repeat(MAX_FRAME_BYTES + 1));
    let close = drain(&mut agent).close.unwrap();
    assert_eq!(close.code(), 1009);
}

#[test]
fn a_refused_agent_ends_with_the_code() {
    let mut agent = Session::connect(at(0), hello(), Limits::default());
    let mut server = Session::accept(at(0), Limits::default());
    pass(at(0), &mut agent, &mut server);
    server.refuse(at(0), Refusal::new(RefusalCode::Busy, "come back later"));
    let (_, heard) = pass(at(0), &mut server, &mut agent);
    assert_eq!(heard.close, Some(Close::Refused(RefusalCode::Busy)));
    assert!(!RefusalCode::Busy.is_final());
}

#[test]
fn heartbeats_keep_a_session_for_ever() {
    let (mut agent, mut server) = established();
    for seconds in (1..100_000).step_by(7) {
        for (from, to) in [(0, 1), (1, 0)] {
            let ends = [&mut agent, &mut server];
            let [a, b] = ends;
            let (from, to) = if (from, to) == (0, 1) { (a, b) } else { (b, a) };
            from.expire(at(seconds));
            let (sent, heard) = pass(at(seconds), from, to);
            assert_eq!((sent.close, heard.close), (None, None));
        }
    }
    assert!(agent.deadline().unwrap() > at(100_000).before(Duration::from_secs(60)));
}

/// Both ends after the server has said that people decide.
fn pending() -> (Session, Session) {
    let now = at(0);
    let hello = Hello::new(Intent::Announce {}, key(), key(), key(), "0.1.0");
    let mut agent = Session::connect(now, hello, Limits::default());
    let mut server = Session::accept(now, Limits::default());
    pass(now, &mut agent, &mut server);
    server.challenge(now, Challenge::new(1, key(), key(), key(), key()));
    pass(now, &mut server, &mut agent);
    agent.prove(now, Proof::new(key(), key(), HostFacts::default()));
    pass(now, &mut agent, &mut server);
    server.pend(now, Pending::new(3600));
    let (_, heard) = pass(now, &mut server, &mut agent);
    assert_eq!(heard.events, [Event::Pending(Pending::new(3600))]);
    (agent, server)
}

#[test]
fn who_waits_for_people_stays_by_heartbeats_and_is_welcomed() {
    let (mut agent, mut server) = pending();
    for second in (30..=3600).step_by(30) {
        agent.expire(at(second));
        let (sent, heard) = pass(at(second), &mut agent, &mut server);
        assert_eq!((sent.frames.len(), heard.events.as_slice()), (1, &[Event::Heartbeat][..]), "at {second}");
        server.expire(at(second));
        let (_, heard) = pass(at(second), &mut server, &mut agent);
        assert_eq!(heard.close, None);
    }
    server.welcome(at(3600), Welcome::new(HostId::from_parts(at(0), [1; 10]), "web-01", 0).with_token(key()));
    let (_, heard) = pass(at(3600), &mut server, &mut agent);
    assert!(matches!(&heard.events[..], [Event::Established(Some(_))]), "{heard:?}");
}

#[test]
fn who_waits_for_people_is_told_the_verdict_and_nothing_else() {
    let (mut agent, mut server) = pending();
    let order = Message::CancelJob { job: job() };
    assert_eq!(server.notify(at(1), order.clone()), Err(SendError::NotEstablished));
    assert_eq!(agent.notify(at(1), order), Err(SendError::NotEstablished));
    server.refuse(at(1), Refusal::new(RefusalCode::Rejected, "no"));
    let (sent, heard) = pass(at(1), &mut server, &mut agent);
    assert_eq!(sent.close.map(|close| close.code()), Some(4001));
    assert!(matches!(&heard.events[..], [Event::Refused(refusal)] if refusal.code == RefusalCode::Rejected));
}

#[test]
fn who_waits_for_people_may_say_nothing_but_heartbeats() {
    let message = r#"{"type":"facts","id":9,"body":{}}"#;
    let (_, mut server) = pending();
    server.receive(at(1), message);
    assert_eq!(drain(&mut server).close, Some(Close::OutOfOrder));
    let (mut agent, _) = pending();
    agent.receive(at(1), message);
    assert_eq!(drain(&mut agent).close, Some(Close::OutOfOrder));
}

#[test]
fn silence_ends_the_wait_for_people() {
    let (mut agent, mut server) = pending();
    for session in [&mut agent, &mut server] {
        session.expire(at(90));
        assert_eq!(drain(session).close, Some(Close::Silence));
    }
}
