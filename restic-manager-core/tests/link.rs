//! Two links over a pipe in memory.

use restic_manager_core::{
    clock::ManualClock,
    link::{Ended, Link, socket_settings},
};
use restic_manager_proto::{
    HostFacts, HostId, JobId, Opaque, OutboxId, Timestamp,
    agent::{Challenge, Hello, Intent, Message, Proof, Report, ReportItem, Welcome},
    session::{Close, Event, Limits, Session},
};
use std::{sync::Arc, time::Duration};
use tokio::io::DuplexStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

type TestLink = Link<DuplexStream>;

fn key() -> Opaque {
    Opaque::new([7; 32])
}

fn start() -> Timestamp {
    Timestamp::from_milliseconds(0)
}

async fn pair(buffer: usize) -> (TestLink, TestLink, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(start()));
    let (one, other) = tokio::io::duplex(buffer);
    let hello = Hello::new(Intent::Enrol {}, key(), key(), key(), "0.1.0");
    let settings = Some(socket_settings());
    let agent = Link::new(
        WebSocketStream::from_raw_socket(one, Role::Client, settings).await,
        Session::connect(start(), hello, Limits::default()),
        &*clock,
    );
    let server = Link::new(
        WebSocketStream::from_raw_socket(other, Role::Server, settings).await,
        Session::accept(start(), Limits::default()),
        &*clock,
    );
    (agent, server, clock)
}

async fn established(buffer: usize) -> (TestLink, TestLink, Arc<ManualClock>) {
    let (mut agent, mut server, clock) = pair(buffer).await;
    let accept = async {
        assert!(matches!(server.next().await, Ok(Event::Hello { .. })));
        server.session().challenge(start(), Challenge::new(1, key(), key(), key(), key()));
        assert!(matches!(server.next().await, Ok(Event::Proof(_))));
        server.session().welcome(start(), Welcome::new(HostId::from_parts(start(), [1; 10]), "web-01", 1));
        assert!(matches!(server.next().await, Ok(Event::Established(None))));
        // Sends the welcome; there is nothing to hear yet.
        assert!(tokio::time::timeout(Duration::from_millis(1), server.next()).await.is_err());
    };
    let connect = async {
        assert!(matches!(agent.next().await, Ok(Event::Challenge { .. })));
        agent.session().prove(start(), Proof::new(key(), key(), HostFacts::default()));
        assert!(matches!(agent.next().await, Ok(Event::Established(Some(_)))));
    };
    tokio::join!(accept, connect);
    (agent, server, clock)
}

fn big(number: u64) -> Message {
    let job = JobId::from_parts(start(), [1; 10]);
    let item = ReportItem::JobStarted { job, at: start(), command: "x".repeat(200_000) };
    Message::Report(Report::new(OutboxId::from_parts(start(), [2; 10]), number, vec![item]))
}

async fn exchange(link: &mut TestLink, count: u64) -> Vec<u64> {
    for number in 1..=count {
        link.session().notify(start(), big(number)).unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < usize::try_from(count).unwrap() || link.backlog() > 0 {
        // Each call is cut short now and then: what it had read or half written must not be lost.
        match tokio::time::timeout(Duration::from_micros(50), link.next()).await {
            Ok(Ok(Event::Message { message: Message::Report(report), .. })) => heard.push(report.first),
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    heard
}

#[tokio::test]
async fn two_ends_that_write_much_never_wait_for_each_other() {
    let (mut agent, mut server, _clock) = established(4096).await;
    let (one, other) = tokio::join!(exchange(&mut agent, 20), exchange(&mut server, 20));
    assert_eq!(one, (1..=20).collect::<Vec<_>>());
    assert_eq!(other, one);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut agent, _server, _clock) = established(4096).await;
    agent.session().notify(start(), big(1)).unwrap();
    let began = tokio::time::Instant::now();
    assert!(matches!(agent.next().await, Err(Ended::Stalled)));
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_link_on_time() {
    // The agent's end is alive but cut off: nothing of it arrives, because it is never driven.
    let (_agent, mut server, _clock) = established(64 * 1024).await;
    let ended = server.next().await;
    assert!(matches!(ended, Err(Ended::Closed(Close::Silence))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_makes_no_peer_silent() {
    let (mut agent, mut server, clock) = established(64 * 1024).await;
    for moment in ["2026-11-30T00:00:00Z", "1970-01-01T00:00:00Z"] {
        clock.set(moment.parse().unwrap());
        let quiet = Duration::from_secs(600);
        let both = async { tokio::join!(heartbeats(&mut agent), heartbeats(&mut server)) };
        assert!(tokio::time::timeout(quiet, both).await.is_err(), "{moment}: the link lasts");
    }
}

/// Hears nothing but heartbeats.
async fn heartbeats(link: &mut TestLink) {
    loop {
        let event = link.next().await;
        assert!(matches!(event, Ok(Event::Heartbeat)), "{event:?}");
    }
}

#[tokio::test]
async fn the_other_end_learns_the_reason() {
    let (mut agent, mut server, _clock) = established(64 * 1024).await;
    server.session().close(Close::Replaced);
    let (ended, told) = tokio::join!(server.next(), agent.next());
    assert!(matches!(ended, Err(Ended::Closed(Close::Replaced))), "{ended:?}");
    let Err(Ended::ClosedByPeer { code, reason }) = told else { panic!("{told:?}") };
    assert_eq!((code, reason.as_str()), (4004, "a newer connection of the same agent took over"));
}

#[tokio::test]
async fn an_oversize_frame_is_answered_with_its_reason() {
    use futures_util::{SinkExt as _, StreamExt as _};
    let clock = ManualClock::at(start());
    let (one, other) = tokio::io::duplex(1 << 22);
    let mut raw = WebSocketStream::from_raw_socket(one, Role::Client, None).await;
    let socket = WebSocketStream::from_raw_socket(other, Role::Server, Some(socket_settings())).await;
    let mut server = Link::new(socket, Session::accept(start(), Limits::default()), &clock);
    raw.send(tokio_tungstenite::tungstenite::Message::text(" ".repeat(1 << 21))).await.unwrap();
    let ended = server.next().await;
    assert!(matches!(ended, Err(Ended::Closed(Close::Malformed(_)))), "{ended:?}");
    let Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) = raw.next().await else {
        panic!("no closing frame")
    };
    assert_eq!(u16::from(frame.code), 1009);
}
