//! Announcing: what is told, what ends the wait, and what is kept.

use core::time::Duration;
use std::sync::Arc;

use restic_manager_agent::link::{Announcing, EnrolError, Enrolled, IfEnrolled, LinkError, announce};
use restic_manager_core::shutdown::Shutdown;
use restic_manager_crypto::{Identity, SeededRandom};
use restic_manager_proto::agent::{Intent, RefusalCode};
use tokio::time::Instant;

use crate::support::{TestHost, TestServer};

/// Announces a host to a server that does as `serving` says; gives the outcome, and what was told.
async fn announcing(
    host: &TestHost,
    server: &mut TestServer,
    shutdown: &Shutdown,
    serving: impl AsyncFnOnce(&mut TestServer),
) -> (Result<Enrolled, EnrolError>, Vec<Announcing>) {
    let (dialer, clock, random) = (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
    let mut told = Vec::new();
    let mut tell = |news| told.push(news);
    let request = host.request(IfEnrolled::Refuse);
    let waiting = announce(request, &mut tell, &dialer, &clock, &random, shutdown);
    let (outcome, ()) = tokio::join!(waiting, serving(server));
    (outcome, told)
}

#[tokio::test(start_paused = true)]
async fn an_accepted_host_is_as_one_that_enrolled() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let mut seen = None;
    let (outcome, told) = announcing(&host, &mut server, &Shutdown::new(), async |server| {
        let arrival = server.arrival().await;
        let guest = server.hold(arrival).await;
        seen = Some(guest.fingerprint());
        server.let_in(guest).await.farewell().await;
    })
    .await;
    let enrolled = outcome.expect("it was accepted");
    assert_eq!((enrolled.host, enrolled.host_name.as_str()), (server.host, "web-1"));
    let key = seen.expect("the server saw its key");
    assert_eq!(told, [Announcing::Key(key), Announcing::Waiting(Duration::from_secs(3600))]);
    assert!(host.config_path().exists());

    let _agent = host.start(&server);
    let arrival = server.arrival().await;
    assert_eq!(arrival.hello.intent, Intent::Connect { host: server.host });
    let (shown, _peer) = server.admit(arrival).await;
    assert_eq!(shown.expose(), server.token.expose());
}

#[tokio::test(start_paused = true)]
async fn a_verdict_against_it_ends_the_wait_and_leaves_nothing_enrolled() {
    for (code, wanted) in [
        (RefusalCode::Rejected, "rejected"),
        (RefusalCode::Expired, "nobody decided within an hour"),
        (RefusalCode::EnrolmentClosed, "go away"),
    ] {
        let mut server = TestServer::new();
        let host = TestHost::new(server.fingerprint());
        let (outcome, _) = announcing(&host, &mut server, &Shutdown::new(), async |server| {
            let arrival = server.arrival().await;
            server.hold(arrival).await.refuse(code).await;
        })
        .await;
        let error = outcome.expect_err("the verdict is no");
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(matches!(error, EnrolError::Rejected), code == RefusalCode::Rejected);
        assert!(!host.config_path().exists(), "a host that is none has no configuration");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_wait_goes_on_with_the_same_key() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let mut keys = Vec::new();
    let (outcome, told) = announcing(&host, &mut server, &Shutdown::new(), async |server| {
        let arrival = server.arrival().await;
        let guest = server.hold(arrival).await;
        keys.push(guest.fingerprint());
        drop(guest);
        let arrival = server.arrival().await;
        arrival.refuse(RefusalCode::Busy).await;
        let arrival = server.arrival().await;
        let guest = server.hold(arrival).await;
        keys.push(guest.fingerprint());
        server.let_in(guest).await.farewell().await;
    })
    .await;
    outcome.expect("it was accepted");
    assert_eq!(keys[0], keys[1]);
    let pauses = told.iter().filter(|news| matches!(news, Announcing::Again { .. })).count();
    assert_eq!(pauses, 2, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_told_to_stop_waits_no_longer() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let shutdown = Shutdown::new();
    let (outcome, _) = announcing(&host, &mut server, &shutdown, async |server| {
        let arrival = server.arrival().await;
        let _guest = server.hold(arrival).await;
        shutdown.request();
    })
    .await;
    assert!(matches!(outcome, Err(EnrolError::Stopped)), "{outcome:?}");
    assert!(!host.config_path().exists());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_left_and_sought_again() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let began = Instant::now();
    let (outcome, _) = announcing(&host, &mut server, &Shutdown::new(), async |server| {
        let arrival = server.arrival().await;
        let silent = server.hold(arrival).await;
        let arrival = server.arrival().await;
        assert!(began.elapsed() >= Duration::from_secs(90), "it gives the other end time");
        drop(silent);
        server.hold(arrival).await.refuse(RefusalCode::Rejected).await;
    })
    .await;
    assert!(matches!(outcome, Err(EnrolError::Rejected)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_told_nothing_of_the_host() {
    let mut server = TestServer::new();
    let host = TestHost::new(Identity::generate(&SeededRandom::new(99)).public_key().fingerprint());
    let (outcome, _) = announcing(&host, &mut server, &Shutdown::new(), async |server| {
        let arrival = server.arrival().await;
        arrival.must_not_prove(server).await;
    })
    .await;
    assert!(matches!(outcome, Err(EnrolError::Link(LinkError::Untrusted))), "{outcome:?}");
}
