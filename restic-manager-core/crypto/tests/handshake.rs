use proptest::prelude::*;
use restic_manager_crypto::{
    AgentHandshake, Challenge, ChannelContext, ChannelKeys, Ephemeral, EphemeralPublic, Identity, Label,
    SeededRandom, ServerHandshake, Side, Signature, Transcript,
};

const HELLO: &[u8] = b"the first message";

fn agent() -> Identity {
    Identity::generate(&SeededRandom::new(1))
}

fn server() -> Identity {
    Identity::generate(&SeededRandom::new(2))
}

fn stranger() -> Identity {
    Identity::generate(&SeededRandom::new(3))
}

fn connect() -> (ChannelKeys, ChannelKeys) {
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
    let (proof, agent_keys) = at_agent.answer(&agent(), HELLO, &server().public_key(), &challenge).unwrap();
    (agent_keys, at_server.accept(&agent().public_key(), &proof).unwrap())
}

#[test]
fn an_agent_answers_its_pinned_server_alone() {
    let answered = |server: &Identity, hello: &[u8], change: fn(&mut Challenge)| {
        let (at_agent, ephemeral) = AgentHandshake::start();
        let (_, mut challenge) = ServerHandshake::challenge(server, hello, ephemeral);
        change(&mut challenge);
        at_agent.answer(&agent(), HELLO, &self::server().public_key(), &challenge).is_ok()
    };
    assert!(answered(&server(), HELLO, |_| {}));
    assert!(!answered(&stranger(), HELLO, |_| {}));
    assert!(!answered(&server(), b"another first message", |_| {}));
    assert!(!answered(&server(), HELLO, |challenge| challenge.ephemeral = Ephemeral::generate().1));
    assert!(!answered(&server(), HELLO, |challenge| challenge.signature = Signature::from_bytes([0; 64])));
}

#[test]
fn an_old_challenge_is_worth_nothing() {
    let (_, ephemeral) = AgentHandshake::start();
    let (_, old) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
    let (at_agent, _) = AgentHandshake::start();
    assert!(at_agent.answer(&agent(), HELLO, &server().public_key(), &old).is_err());
}

#[test]
fn a_server_accepts_the_known_agent_alone() {
    let accepted = |answers: &Identity, change: fn(&mut Signature)| {
        let (at_agent, ephemeral) = AgentHandshake::start();
        let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
        let (mut proof, _) = at_agent.answer(answers, HELLO, &server().public_key(), &challenge).unwrap();
        change(&mut proof);
        at_server.accept(&agent().public_key(), &proof).is_ok()
    };
    assert!(accepted(&agent(), |_| {}));
    assert!(!accepted(&stranger(), |_| {}));
    assert!(!accepted(&agent(), |proof| *proof = Signature::from_bytes([0; 64])));
}

#[test]
fn an_old_proof_is_worth_nothing() {
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (_, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
    let (old, _) = at_agent.answer(&agent(), HELLO, &server().public_key(), &challenge).unwrap();
    // The same first message again, word for word.
    let (at_server, _) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
    assert!(at_server.accept(&agent().public_key(), &old).is_err());
}

#[test]
fn a_proof_for_one_server_is_none_for_another() {
    // A server that the agent trusts passes its challenge on as if it came from the real one.
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (at_victim, victims) = ServerHandshake::challenge(&server(), HELLO, ephemeral);
    let relayed = Challenge { ephemeral: victims.ephemeral, signature: victims.signature };
    assert!(at_agent.answer(&agent(), HELLO, &stranger().public_key(), &relayed).is_err());
    let proof = agent().sign(Label::AgentProof, b"something else");
    assert!(at_victim.accept(&agent().public_key(), &proof).is_err());
}

#[test]
fn keys_without_a_secret_are_refused() {
    // Points of low order, for which everybody knows the outcome.
    let one = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes
    };
    let minus_one = {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xec, 0x7f);
        bytes
    };
    for weak in [[0; 32], one, minus_one] {
        let (at_server, _) = ServerHandshake::challenge(&server(), HELLO, EphemeralPublic::from_bytes(weak));
        assert!(format!("{at_server:?}").contains("ServerHandshake"));
        let (private, _) = Ephemeral::generate();
        let transcript = Transcript::new("test").finish();
        assert!(private.agree(&EphemeralPublic::from_bytes(weak), &transcript, Side::Agent).is_err());
    }
}

#[test]
fn different_transcripts_give_different_keys() {
    let ((left, left_public), (right, right_public)) = (Ephemeral::generate(), Ephemeral::generate());
    let transcript = |text: &[u8]| Transcript::new("test").frame(text).finish();
    let left = left.agree(&right_public, &transcript(b"one"), Side::Agent).unwrap();
    let right = right.agree(&left_public, &transcript(b"two"), Side::Server).unwrap();
    let context = ChannelContext::job_secrets(&[7; 16]);
    assert!(right.open(&context, &left.seal(&context, b"secret")).is_err());
}

#[test]
fn both_ends_read_each_other_and_nobody_else_does() {
    let ((agent, server), (other_agent, other_server)) = (connect(), connect());
    let context = ChannelContext::job_secrets(&[7; 16]);
    for (from, to) in [(&agent, &server), (&server, &agent)] {
        let sealed = from.seal(&context, b"open sesame");
        assert_eq!(to.open(&context, &sealed).unwrap().expose(), b"open sesame");
        assert!(from.open(&context, &sealed).is_err(), "sent back to where it came from");
        assert!(other_agent.open(&context, &sealed).is_err(), "another connection");
        assert!(other_server.open(&context, &sealed).is_err(), "another connection");
    }
}

#[test]
fn a_message_opens_for_its_purpose_alone() {
    let (agent, server) = connect();
    let sealed = server.seal(&ChannelContext::job_secrets(&[7; 16]), b"open sesame");
    for elsewhere in [
        ChannelContext::job_secrets(&[8; 16]),
        ChannelContext::agent_token(&[7; 16]),
        ChannelContext::new("job secret", [&b"s"[..], &[7; 16]].concat()),
        ChannelContext::new("job secrets", ""),
    ] {
        assert!(agent.open(&elsewhere, &sealed).is_err(), "{elsewhere:?}");
    }
}

#[test]
fn no_two_messages_are_alike_and_order_does_not_matter() {
    let (agent, server) = connect();
    let context = ChannelContext::job_secrets(&[7; 16]);
    let (one, two) = (server.seal(&context, b"same"), server.seal(&context, b"same"));
    assert_ne!(one, two);
    assert!(agent.open(&context, &two).is_ok());
    assert!(agent.open(&context, &one).is_ok());
}

#[test]
fn every_shortened_or_changed_message_is_refused() {
    let (agent, server) = connect();
    let context = ChannelContext::job_secrets(&[7; 16]);
    let sealed = server.seal(&context, b"open sesame");
    for at in 0..sealed.len() {
        assert!(agent.open(&context, &sealed[..at]).is_err());
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(agent.open(&context, &changed).is_err(), "{at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_secret_arrives_and_any_bytes_get_an_answer(secret: Vec<u8>, noise: Vec<u8>) {
        let (agent, server) = connect();
        let context = ChannelContext::agent_token(&[7; 16]);
        let opened = server.open(&context, &agent.seal(&context, &secret)).unwrap();
        prop_assert_eq!(opened.expose(), secret);
        prop_assert!(server.open(&context, &noise).is_err());
    }
}
