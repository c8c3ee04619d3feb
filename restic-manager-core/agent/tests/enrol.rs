//! Enrolling: what is pinned, what is kept, and what is never sent to the wrong one.

use std::sync::Arc;

use restic_manager_agent::{
    AgentError,
    link::{ConnectError, EnrolError, IfEnrolled, LinkError, TcpDialer, enrol},
    vault,
};
use restic_manager_core::handshake::ServerSide;
use restic_manager_crypto::{Identity, SecretString, SeededRandom};
use restic_manager_proto::{
    Opaque,
    agent::{Intent, RefusalCode},
    session::Event,
};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{TestHost, TestServer, secret};

#[tokio::test(start_paused = true)]
async fn a_token_makes_a_host_that_comes_back_by_itself() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let enrolled = host.enrol(&mut server, IfEnrolled::Refuse).await.expect("the host enrols");
    assert_eq!((enrolled.host, enrolled.host_name.as_str()), (server.host, "web-1"));
    assert!(host.config_path().exists());

    let _agent = host.start(&server);
    let arrival = server.arrival().await;
    assert_eq!(arrival.hello.intent, Intent::Connect { host: server.host });
    let (shown, _peer) = server.admit(arrival).await;
    assert_eq!(shown.expose(), server.token.expose());
}

#[tokio::test(start_paused = true)]
async fn a_server_with_another_identity_gets_no_token() {
    let mut server = TestServer::new();
    let host = TestHost::new(Identity::generate(&SeededRandom::new(99)).public_key().fingerprint());
    let (dialer, clock, random) = (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
    let request = host.request(IfEnrolled::Refuse);
    let serving = async {
        let arrival = server.arrival().await;
        arrival.must_not_prove(&server).await;
    };
    let (enrolled, ()) = tokio::join!(enrol(request, secret(), &dialer, &clock, &random), serving);
    assert!(matches!(enrolled, Err(EnrolError::Link(LinkError::Untrusted))), "{enrolled:?}");
    assert!(!host.config_path().exists(), "a host that is not enrolled has no configuration");
}

#[tokio::test(start_paused = true)]
async fn a_forged_signature_gets_no_token() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let (dialer, clock, random) = (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
    let request = host.request(IfEnrolled::Refuse);
    let serving = async {
        let mut arrival = server.arrival().await;
        let (_, mut challenge) =
            ServerSide::challenge(&server.identity, &arrival.hello, &arrival.frame, 1, &server.random)
                .expect("a good hello");
        challenge.nonce = Opaque::new([0; 32]);
        let now = arrival.link.now();
        arrival.link.session().challenge(now, challenge);
        while let Ok(event) = arrival.link.next().await {
            assert!(!matches!(event, Event::Proof(_)), "the token was sent to a stranger");
        }
    };
    let (enrolled, ()) = tokio::join!(enrol(request, secret(), &dialer, &clock, &random), serving);
    assert!(matches!(enrolled, Err(EnrolError::Link(LinkError::Untrusted))), "{enrolled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_leaves_nothing_enrolled() {
    let mut server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let (dialer, clock, random) = (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
    let request = host.request(IfEnrolled::Refuse);
    let serving = async { server.arrival().await.refuse(RefusalCode::EnrolmentRefused).await };
    let (enrolled, ()) = tokio::join!(enrol(request, secret(), &dialer, &clock, &random), serving);
    let error = enrolled.expect_err("the token is spent");
    assert!(
        matches!(&error, EnrolError::Link(LinkError::Refused(refusal)) if refusal.code == RefusalCode::EnrolmentRefused)
    );
    assert!(error.to_string().contains("go away"), "{error}");
    assert!(!host.config_path().exists());
    assert!(matches!(host.try_start(&server), Err(AgentError::NotEnrolled { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_no_token_is_never_sent() {
    let server = TestServer::new();
    let host = TestHost::new(server.fingerprint());
    let (request, token) = (host.request(IfEnrolled::Refuse), SecretString::new("rme_short"));
    let enrolled = enrol(request, token, &server.dialer(), &server.clock, &server.random).await;
    assert!(matches!(enrolled, Err(EnrolError::Token(_))), "{enrolled:?}");
    assert!(!host.config.state_folder.exists());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_enrolled_stays_what_it_is_unless_told() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let again = host.enrol(&mut server, IfEnrolled::Refuse).await;
    assert!(
        matches!(&again, Err(EnrolError::AlreadyEnrolled { host_name }) if host_name == "web-1"),
        "{again:?}"
    );
    host.enrol(&mut server, IfEnrolled::Replace).await.expect("the host enrols again");
    assert!(host.config_path().exists());
}

#[tokio::test(start_paused = true)]
async fn a_lost_vault_key_is_an_error_and_not_a_new_key() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    std::fs::remove_file(host.config.state_folder.join("vault.key")).expect("the key is there");
    let error = host.try_start(&server).err().expect("the key is missing");
    assert!(error.to_string().contains("vault.key"), "{error}");
    assert!(!host.config.state_folder.join("vault.key").exists());
    let known = vault::enrolled_host(&host.config.state_folder).expect("the file reads");
    assert_eq!(known.map(|(id, _)| id), Some(server.host));
}

#[tokio::test(start_paused = true)]
async fn no_file_holds_the_token() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let secret = server.token.expose().as_bytes();
    for folder in [host.config.state_folder.clone(), host.folder.path().join("etc")] {
        for entry in std::fs::read_dir(folder).expect("the folder reads") {
            let path = entry.expect("the folder reads").path();
            if path.is_file() {
                let content = std::fs::read(&path).expect("the file reads");
                assert!(!content.windows(secret.len()).any(|window| window == secret), "{}", path.display());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn enrolling_again_mends_a_lost_key_and_forgets_what_the_old_host_did() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let state = host.config.state_folder.clone();
    std::fs::remove_file(state.join("vault.key")).expect("the key is there");
    std::fs::write(state.join("jobs.json"), "damaged").expect("the file writes");
    host.enrol(&mut server, IfEnrolled::Replace).await.expect("the host enrols again");

    let agent = host.start(&server);
    assert_eq!(server.accept().await.inventory().await, []);
    agent.crash().await;
}

/// What the old server told this machine is no business of the new one: nothing of it is fired.
#[tokio::test(start_paused = true)]
async fn enrolling_again_forgets_schedules_slots_and_marks() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let state = host.config.state_folder.clone();
    for name in ["configuration.json", "configuration.json.refused", "removed", "jobs.json"] {
        std::fs::write(state.join(name), "{}").expect("the file writes");
    }
    host.enrol(&mut server, IfEnrolled::Replace).await.expect("the host enrols again");
    let mut left: Vec<_> = std::fs::read_dir(&state)
        .expect("the folder reads")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    left.sort();
    assert_eq!(left, ["enrolment.json", "identity.pem", "lock", "running", "vault.key"]);
}

/// The file changes when the server has let the host in, and not before.
#[tokio::test(start_paused = true)]
async fn a_refused_enrolment_changes_no_configuration() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let before = std::fs::read_to_string(host.config_path()).expect("the file reads");
    let (dialer, clock, random) = (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
    let mut request = host.request(IfEnrolled::Replace);
    request.config.server = "http://elsewhere.test".parse().expect("an address");
    let serving = async { server.arrival().await.refuse(RefusalCode::EnrolmentRefused).await };
    let (enrolled, ()) = tokio::join!(enrol(request, secret(), &dialer, &clock, &random), serving);
    assert!(enrolled.is_err());
    assert_eq!(std::fs::read_to_string(host.config_path()).expect("the file reads"), before);
    let _agent = host.start(&server);
    server.accept().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_enrolment_is_told_from_a_host_that_never_was_one() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    std::fs::remove_file(host.config.state_folder.join("enrolment.json")).expect("it is there");
    let error = host.try_start(&server).err().expect("it is lost").to_string();
    for word in ["enrolment.json", "identity.pem", "vault.key", "this was a host before"] {
        assert!(error.contains(word), "{word} is missing: {error}");
    }
    let error =
        TestHost::new(server.fingerprint()).try_start(&server).err().expect("it never was").to_string();
    assert!(error.contains("state_folder in agent.toml"), "{error}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_server() {
    let mut host = TestHost::new(TestServer::new().fingerprint());
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = proxy.local_addr().expect("a port");
    host.config.server = "http://server.test:8443".parse().expect("an address");
    host.config.proxy = Some(format!("http://{address}").parse().expect("an address"));
    let server = TestServer::new();
    let answering = async {
        let (mut stream, _) = proxy.accept().await.expect("a connection");
        let mut buffer = [0; 2048];
        let length = stream.read(&mut buffer).await.expect("a request");
        assert!(buffer[..length].starts_with(b"CONNECT server.test:8443 HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("an answer");
        assert!(stream.read(&mut buffer).await.is_ok_and(|length| length > 0));
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.expect("an answer");
    };
    let (request, dialer) = (host.request(IfEnrolled::Refuse), TcpDialer::new(&host.config));
    let enrolling = enrol(request, secret(), &dialer, &server.clock, &server.random);
    let (enrolled, ()) = tokio::join!(enrolling, answering);
    let error = enrolled.expect_err("nobody is there").to_string();
    assert!(error.contains("404"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_no_server_is_told_in_plain_words() {
    let mut host = TestHost::new(TestServer::new().fingerprint());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a port");
    host.config.server = format!("http://{address}").parse().expect("an address");
    let server = TestServer::new();
    let answering = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut buffer = [0; 2048];
        assert!(stream.read(&mut buffer).await.is_ok_and(|length| length > 0));
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.expect("an answer");
    };
    let (request, dialer) = (host.request(IfEnrolled::Refuse), TcpDialer::default());
    let enrolling = enrol(request, secret(), &dialer, &server.clock, &server.random);
    let (enrolled, ()) = tokio::join!(enrolling, answering);
    let error = enrolled.expect_err("nobody is there").to_string();
    assert!(error.contains("404") && error.contains(&address.to_string()), "{error}");

    drop(listener);
    let request = host.request(IfEnrolled::Refuse);
    let enrolled = enrol(request, secret(), &TcpDialer::default(), &server.clock, &server.random).await;
    assert!(matches!(enrolled, Err(EnrolError::Link(LinkError::Connect(ConnectError::Network { .. })))));
}
