//! Staying connected: who is trusted, what is sent again, and how long it waits.

use core::time::Duration;

use restic_manager_agent::{
    files::StateFolder,
    link::IfEnrolled,
    outbox::OutboxLimits,
    state::Journal,
    status::{Connection, Status},
};
use restic_manager_crypto::{SeededRandom, Token, TokenKind};
use restic_manager_proto::{
    JobEnd, JobId, LogLine, OutboxId, Timestamp,
    agent::{ErrorCode, Message, OutboxPosition, RefusalCode, Reply, ReportItem},
    session::Close,
    vocabulary::{Cause, JobState, LogStream},
};
use tokio::time::Instant;

use crate::support::{TestHost, TestServer, strange};

fn log(count: usize) -> Vec<ReportItem> {
    let line = |sequence| LogLine {
        sequence,
        at: Timestamp::from_milliseconds(0),
        stream: LogStream::Stderr,
        text: "x".repeat(200),
    };
    (1..=count as u64)
        .map(|sequence| ReportItem::JobLog {
            job: JobId::from_bytes([1; 16]),
            lines: vec![line(sequence)],
            dropped: 0,
        })
        .collect()
}

/// Puts items into the outbox of a host whose agent does not run.
fn fill(host: &TestHost, items: &[ReportItem]) {
    let folder = StateFolder::open(&host.config.state_folder).expect("no agent runs");
    let now = Timestamp::from_milliseconds(0);
    let mut journal = Journal::open(&folder, OutboxLimits::default(), now, || OutboxId::from_bytes([5; 16]))
        .expect("the journal opens");
    journal.append(items).expect("there is room");
}

#[tokio::test(start_paused = true)]
async fn a_lost_server_is_tried_again_at_growing_distances() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let _agent = host.start(&server);
    let mut waits = Vec::new();
    drop(server.arrival().await);
    for _ in 0..9 {
        let before = Instant::now();
        drop(server.arrival().await);
        waits.push(before.elapsed());
    }
    for (attempt, wait) in waits.iter().enumerate() {
        let longest = Duration::from_secs(2 << attempt.min(5)).min(Duration::from_secs(60));
        let slack = Duration::from_millis(50);
        assert!(*wait >= longest / 2 && *wait <= longest + slack, "attempt {attempt} came after {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_refusal_is_shown_and_only_looked_after_now_and_then() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let _agent = host.start(&server);
    for code in [RefusalCode::EnrolmentClosed, RefusalCode::Version, RefusalCode::Untrusted] {
        server.arrival().await.refuse(code).await;
        let before = Instant::now();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let live = Status::read(&host.config).live.expect("the agent runs");
        assert!(
            matches!(&live.connection, Connection::Refused { reason, .. } if reason.contains("go away")),
            "{:?}",
            live.connection
        );
        let arrival = server.arrival().await;
        assert!(before.elapsed() >= Duration::from_secs(30 * 60), "{code:?}: {:?}", before.elapsed());
        drop(arrival);
    }
    server.arrival().await.refuse(RefusalCode::Busy).await;
    let before = Instant::now();
    server.accept().await;
    assert!(before.elapsed() <= Duration::from_secs(61), "a busy server is asked again soon");
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_another_server_is_not_talked_to() {
    let mut server = TestServer::new();
    let mut host = TestHost::enrolled(&mut server).await;
    host.config.server_fingerprint =
        restic_manager_crypto::Identity::generate(&SeededRandom::new(99)).public_key().fingerprint();
    let _agent = host.start(&server);
    let mut arrival = server.arrival().await;
    let (_, challenge) = restic_manager_core::handshake::ServerSide::challenge(
        &server.identity,
        &arrival.hello,
        &arrival.frame,
        1,
        &server.random,
    )
    .expect("a good hello");
    let now = arrival.link.now();
    arrival.link.session().challenge(now, challenge);
    let ended = arrival.link.next().await.expect_err("the agent hangs up");
    assert!(ended.to_string().contains("4003"), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_confirmed_comes_again_with_the_same_numbers() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    fill(&host, &log(5000));
    let _agent = host.start(&server);

    let mut peer = server.accept().await;
    peer.inventory().await;
    let first = peer.report().await;
    let second = peer.report().await;
    assert_eq!((first.first, second.first), (1, first.last() + 1));
    peer.acknowledge(&first);
    // The confirmation has arrived once the agent has answered what came after it.
    peer.ask(Message::CancelJob { job: JobId::from_bytes([4; 16]) }).await;
    let confirmed = first.last();
    drop(peer);

    let mut peer = server.accept().await;
    peer.inventory().await;
    let mut after = 0;
    while after < 5000 {
        let report = peer.report().await;
        if after == 0 {
            assert!(report.first > confirmed, "{} was confirmed already", report.first);
        }
        after = report.last();
        peer.acknowledge(&report);
    }
    peer.ask(Message::CancelJob { job: JobId::from_bytes([4; 16]) }).await;
    drop(peer);

    let mut peer = server.accept().await;
    peer.inventory().await;
    let reply = peer.ask(Message::CancelJob { job: JobId::from_bytes([4; 16]) }).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::UnknownJob, .. }));
    assert!(peer.heard.is_empty(), "everything was confirmed, and {} items came", peer.heard.len());
}

#[tokio::test(start_paused = true)]
async fn everything_arrives_although_nothing_is_confirmed_meanwhile() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    fill(&host, &log(8000));
    let _agent = host.start(&server);
    let mut peer = server.accept().await;
    peer.inventory().await;
    let mut last = 0;
    while last < 8000 {
        let report = peer.report().await;
        assert_eq!(report.first, last + 1);
        last = report.last();
    }
}

#[tokio::test(start_paused = true)]
async fn no_report_comes_before_the_inventory_is_taken() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    fill(&host, &log(3));
    let _agent = host.start(&server);
    let mut peer = server.accept().await;
    let first = peer.event().await.expect("the session");
    assert!(
        matches!(
            first,
            restic_manager_proto::session::Event::Message { message: Message::Inventory { .. }, .. }
        ),
        "{first:?}"
    );
    let silence = tokio::time::timeout(Duration::from_secs(25), peer.event()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_kept_before_it_is_confirmed() {
    let mut server = TestServer::new();
    let (host, agent, mut peer) = TestHost::connected(&mut server).await;
    let token = Token::mint(TokenKind::Agent, &SeededRandom::new(42));
    assert_eq!(peer.rotate(&token).await, Reply::Ok {});
    agent.crash().await;
    drop(peer);

    let _agent = host.start(&server);
    let arrival = server.arrival().await;
    let (shown, _peer) = server.admit(arrival).await;
    assert_eq!(shown.expose(), token.expose());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_message_is_answered_and_harms_nobody() {
    let mut server = TestServer::new();
    let (_host, _agent, mut peer) = TestHost::connected(&mut server).await;
    let reply = peer.ask(strange("tea.make")).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Unsupported, .. }), "{reply:?}");
    let reply = peer.ask(Message::Inventory { jobs: Vec::new(), more: false }).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }));
}

#[tokio::test(start_paused = true)]
async fn two_agents_cannot_share_a_state_folder() {
    let mut server = TestServer::new();
    let (host, _agent, _peer) = TestHost::connected(&mut server).await;
    assert!(host.try_start(&server).is_err());
    assert!(host.enrol(&mut server, IfEnrolled::Replace).await.is_err());
    assert!(Status::read(&host.config).running);
}

#[tokio::test(start_paused = true)]
async fn a_stop_says_goodbye_and_writes_it_down() {
    let mut server = TestServer::new();
    let (host, agent, peer) = TestHost::connected(&mut server).await;
    agent.shutdown.request();
    let ended = peer.farewell().await;
    assert!(ended.to_string().contains("1001"), "{ended}");
    agent.ended().await;
    let status = Status::read(&host.config);
    assert!(!status.running);
    assert_eq!(status.live.expect("it was written").connection, Connection::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_nonsense_is_left_and_tried_again() {
    let mut server = TestServer::new();
    let (_host, _agent, peer) = TestHost::connected(&mut server).await;
    let ended = peer.say("acknowledge").await;
    assert!(ended.to_string().contains("4002"), "{ended}");
    server.accept().await.inventory().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_the_same_agent_is_not_fought() {
    let mut server = TestServer::new();
    let (_host, _agent, peer) = TestHost::connected(&mut server).await;
    peer.close(Close::Replaced).await;
    let before = Instant::now();
    server.accept().await;
    assert!(before.elapsed() >= Duration::from_secs(60), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_people_and_programs_the_same() {
    let mut server = TestServer::new();
    let (host, agent, mut peer) = TestHost::connected(&mut server).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let status = Status::read(&host.config);
    assert!(status.is_connected());
    let text = status.to_string();
    for word in
        ["http://server.test", "web-1", "running", "connected since", "key file", "0 reports to confirm"]
    {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    let json = serde_json::to_value(&status).expect("a status is JSON");
    assert_eq!(json["live"]["connection"]["state"], "connected");
    assert_eq!(json["live"]["protection"], "key-file");
    assert_eq!(json["host_name"], "web-1");

    agent.crash().await;
    assert!(!Status::read(&host.config).is_connected(), "what a crashed agent wrote down is not believed");
    assert!(peer.event().await.is_err());

    std::fs::write(host.config.state_folder.join("status.json"), "{").expect("the file writes");
    let problems = Status::read(&host.config).problems;
    assert!(problems[0].contains("status.json") && problems[0].contains("remove it"), "{problems:?}");
}

/// A long outage: more jobs than one frame holds.
#[tokio::test(start_paused = true)]
async fn an_inventory_comes_in_as_many_parts_as_it_takes() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let job = |number: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        JobId::from_bytes(bytes)
    };
    let end = JobEnd::new(JobState::Succeeded, Cause::None);
    let at = Timestamp::from_milliseconds(0);
    let ends: Vec<_> =
        (0..20_000).map(|number| ReportItem::JobEnded { job: job(number), at, end: end.clone() }).collect();
    fill(&host, &ends);
    let _agent = host.start(&server);
    let mut peer = server.accept().await;
    let known = peer.inventory().await;
    assert_eq!(known.len(), 20_000);
    assert!((0..20_000).zip(&known).all(|(number, known)| known.job == job(number)));
    assert_eq!(peer.report().await.first, 1, "reports follow");
}

/// The machine was restored from a copy: nothing that it reports may be taken for what the server has already.
#[tokio::test(start_paused = true)]
async fn a_server_that_has_more_than_the_outbox_makes_it_begin_anew() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    fill(&host, &log(3));
    server.reported = Some(OutboxPosition { outbox: OutboxId::from_bytes([5; 16]), through: 40 });
    let _agent = host.start(&server);
    let mut peer = server.accept().await;
    peer.inventory().await;
    let report = peer.report().await;
    assert_ne!(report.outbox, OutboxId::from_bytes([5; 16]));
    let kinds: Vec<_> = report.items.iter().map(ReportItem::kind).collect();
    assert_eq!(kinds, ["job-log", "job-log", "job-log", "outbox-began"]);
}

/// The server says that the host is removed, and the agent believes it from nobody else.
#[tokio::test(start_paused = true)]
async fn a_removed_host_fires_nothing_until_its_server_knows_it_again() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let removed = host.config.state_folder.join("removed");
    let agent = host.start(&server);
    server.arrival().await.refuse(RefusalCode::Removed).await;
    let mut peer = server.accept().await;
    peer.inventory().await;
    assert!(!removed.exists(), "whoever has not proven who it is removes nobody");
    peer.close(Close::Removed).await;
    // It looks again within the hour, and is told again; by then it has noted the first word.
    server.send_away(RefusalCode::Removed).await;
    assert!(removed.exists());
    agent.crash().await;

    let _agent = host.start(&server);
    server.accept().await.inventory().await;
    assert!(!removed.exists());
}

/// A restic on a mount that hangs: it never says its version, and the host is there all the same.
#[tokio::test(start_paused = true)]
async fn a_restic_that_does_not_answer_keeps_nobody_from_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut server = TestServer::new();
    let mut host = TestHost::enrolled(&mut server).await;
    let restic = host.folder.path().join("restic");
    std::fs::write(&restic, "#!/bin/sh\ntrap '' INT TERM\nsleep 600\n").expect("the file writes");
    std::fs::set_permissions(&restic, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    host.config.restic = Some(restic);
    let before = Instant::now();
    let _agent = host.start(&server);
    server.accept().await.inventory().await;
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
}
