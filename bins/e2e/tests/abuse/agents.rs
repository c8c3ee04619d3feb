//! Agents that are not who they say.

use futures_util::{SinkExt as _, StreamExt as _};
use restic_manager_core::handshake::{AgentSide, agent_token_context};
use restic_manager_crypto::{Identity, SecretString, SystemRandom};
use restic_manager_e2e::{Failure, Outcome};
use restic_manager_proto::HostFacts;
use restic_manager_proto::agent::{Intent, RefusalCode};
use restic_manager_proto::frame::{Frame, MAX_FRAME_BYTES, Payload};
use restic_manager_testkit::{Persona, Remote, shake_hands};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::support::Fort;

type Socket = WebSocketStream<TcpStream>;

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_without_the_key() -> Outcome {
    let fort = Fort::start().await?;
    let (remote, persona, _agent) = fort.host("web-1", &[], &[]).await?;
    let thief = Identity::generate(&SystemRandom::new());
    let intent = Intent::Connect { host: persona.host };
    assert_eq!(refusal(&remote, &thief, intent, persona.token.expose()).await, RefusalCode::Untrusted);
    Ok(())
}

#[tokio::test]
async fn a_stolen_key_is_worth_nothing_without_the_token() -> Outcome {
    let fort = Fort::start().await?;
    let (remote, persona, _agent) = fort.host("web-1", &[], &[]).await?;
    let (_, other, _other_agent) = fort.host("web-2", &[], &[]).await?;
    let intent = Intent::Connect { host: persona.host };
    for token in ["rma_invented", "", other.token.expose()] {
        assert_eq!(refusal(&remote, &persona.identity, intent, token).await, RefusalCode::Untrusted);
    }
    // Nor does one host open another.
    let intent = Intent::Connect { host: other.host };
    let refused = refusal(&remote, &persona.identity, intent, persona.token.expose()).await;
    assert_eq!(refused, RefusalCode::Untrusted);
    Ok(())
}

#[tokio::test]
async fn a_recorded_handshake_opens_nothing_when_it_is_played_again() -> Outcome {
    let fort = Fort::start().await?;
    let (remote, persona, agent) = fort.host("web-1", &[], &[]).await?;
    drop(agent);
    let (hello, proof) = record(&remote, &persona).await?;
    let mut socket = connect(&remote).await?;
    socket.send(Message::text(hello)).await?;
    let Payload::Challenge(_) = frame(&mut socket).await?.1.payload else {
        return Err(Failure::new("no challenge"));
    };
    socket.send(Message::text(proof)).await?;
    match frame(&mut socket).await?.1.payload {
        Payload::Refusal(refusal) => assert_eq!(refusal.code, RefusalCode::Untrusted),
        other => return Err(Failure::new(format!("played again, it was answered {other:?}"))),
    }
    Ok(())
}

#[tokio::test]
async fn an_enrolment_token_is_for_the_first_who_spends_it() -> Outcome {
    let fort = Fort::start().await?;
    let invitation = fort.invite("web-1", &[], &[]).await?;
    let remote = fort.remote(&invitation)?;
    let random = SystemRandom::new();
    let (_first, _agent) =
        Persona::enrol(&remote, Identity::generate(&random), invitation.token.expose()).await;
    let late = Identity::generate(&random);
    for token in [invitation.token.expose(), "rme_invented", ""] {
        let refused = refusal(&remote, &late, Intent::Enrol {}, token).await;
        assert_eq!(refused, RefusalCode::EnrolmentRefused);
    }
    Ok(())
}

#[tokio::test]
async fn a_frame_that_is_too_long_or_nonsense_ends_the_connection_and_nothing_else() -> Outcome {
    let fort = Fort::start().await?;
    let (remote, persona, _agent) = fort.host("web-1", &[], &[]).await?;
    for text in ["x".repeat(MAX_FRAME_BYTES + 1), "[".repeat(20_000), "{}".to_owned(), "\u{0}".to_owned()] {
        let mut socket = connect(&remote).await?;
        // The server may hang up before it has read all of it.
        let _ = socket.send(Message::text(text)).await;
        let hung_up =
            async { while let Some(Ok(Message::Text(_) | Message::Ping(_))) = socket.next().await {} };
        tokio::time::timeout(core::time::Duration::from_secs(30), hung_up).await?;
    }
    let agent = persona.connect(&remote).await;
    assert_eq!(agent.welcome.host, persona.host);
    Ok(())
}

async fn refusal(remote: &Remote, identity: &Identity, intent: Intent, token: &str) -> RefusalCode {
    shake_hands(remote, identity, intent, token).await.expect_err("it was let in").code
}

/// A good handshake, and the two frames that the agent sent.
async fn record(remote: &Remote, persona: &Persona) -> Outcome<(String, String)> {
    let mut socket = connect(remote).await?;
    let intent = Intent::Connect { host: persona.host };
    let (side, hello) = AgentSide::start(intent, &persona.identity, "0.1.0", &SystemRandom::new());
    let hello = Frame::new(1, Payload::Hello(hello)).encode()?;
    socket.send(Message::text(hello.clone())).await?;
    let Payload::Challenge(challenge) = frame(&mut socket).await?.1.payload else {
        return Err(Failure::new("no challenge"));
    };
    let trusting = side.check(&hello, &challenge, &remote.fingerprint)?;
    let token = SecretString::new(persona.token.expose());
    let context = agent_token_context(persona.host);
    let (proof, _keys) = trusting.prove(&persona.identity, &context, &token, HostFacts::default());
    let proof = Frame::new(2, Payload::Proof(proof)).encode()?;
    socket.send(Message::text(proof.clone())).await?;
    match frame(&mut socket).await?.1.payload {
        Payload::Welcome(_) => Ok((hello, proof)),
        other => Err(Failure::new(format!("the recording is no good: {other:?}"))),
    }
}

async fn connect(remote: &Remote) -> Outcome<Socket> {
    let stream = TcpStream::connect(remote.address).await?;
    let url = format!("ws://{}/ws/agent", remote.address);
    Ok(tokio_tungstenite::client_async(url, stream).await?.0)
}

async fn frame(socket: &mut Socket) -> Outcome<(String, Frame)> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame = Frame::decode(&text)?;
                if frame.payload != Payload::Heartbeat {
                    return Ok((text.to_string(), frame));
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => return Err(Failure::new(format!("the server hung up: {other:?}"))),
        }
    }
}
