use proptest::prelude::*;
use restic_manager_crypto::{
    AgentHandshake, Challenge, ChannelContext, ChannelKeys, Ephemeral, EphemeralPublic, Fingerprint,
    Identity, SeededRandom, ServerHandshake, Side, Signature, Transcript,
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

const TOKEN: &[u8] = b"a sealed token";

fn pinned() -> Fingerprint {
    server().public_key().fingerprint()
}

fn random() -> SeededRandom {
    SeededRandom::new(4)
}

fn connect() -> (ChannelKeys, ChannelKeys) {
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral, 1, &random());
    let (proof, agent_keys) = at_agent.check(HELLO, &challenge, &pinned()).unwrap().prove(&agent(), TOKEN);
    (agent_keys, at_server.accept(&agent().public_key(), TOKEN, &proof).unwrap())
}

#[test]
fn an_agent_trusts_its_pinned_server_alone() {
    let trusted = |server: &Identity, hello: &[u8], change: fn(&mut Challenge)| {
        let (at_agent, ephemeral) = AgentHandshake::start();
        let (_, mut challenge) = ServerHandshake::challenge(server, hello, ephemeral, 1, &random());
        change(&mut challenge);
        at_agent.check(HELLO, &challenge, &pinned()).is_ok()
    };
    assert!(trusted(&server(), HELLO, |_| {}));
    assert!(!trusted(&stranger(), HELLO, |_| {}));
    assert!(!trusted(&stranger(), HELLO, |challenge| challenge.identity = server().public_key()));
    assert!(!trusted(&server(), b"another hello", |_| {}));
    assert!(!trusted(&server(), HELLO, |challenge| challenge.version = 2));
    assert!(!trusted(&server(), HELLO, |challenge| challenge.identity = stranger().public_key()));
    assert!(!trusted(&server(), HELLO, |challenge| challenge.ephemeral = Ephemeral::generate().1));
    assert!(!trusted(&server(), HELLO, |challenge| challenge.nonce[0] ^= 1));
    assert!(!trusted(&server(), HELLO, |challenge| challenge.signature = Signature::from_bytes([0; 64])));
}

#[test]
fn an_old_challenge_is_worth_nothing() {
    let (_, ephemeral) = AgentHandshake::start();
    let (_, old) = ServerHandshake::challenge(&server(), b"an old hello", ephemeral, 1, &random());
    let (at_agent, _) = AgentHandshake::start();
    assert!(at_agent.check(HELLO, &old, &pinned()).is_err());
}

#[test]
fn a_server_accepts_the_known_agent_alone() {
    let accepted = |answers: &Identity, token: &[u8], change: fn(&mut Signature)| {
        let (at_agent, ephemeral) = AgentHandshake::start();
        let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral, 1, &random());
        let (mut proof, _) = at_agent.check(HELLO, &challenge, &pinned()).unwrap().prove(answers, TOKEN);
        change(&mut proof);
        at_server.accept(&agent().public_key(), token, &proof).is_ok()
    };
    assert!(accepted(&agent(), TOKEN, |_| {}));
    assert!(!accepted(&stranger(), TOKEN, |_| {}));
    assert!(!accepted(&agent(), b"another token", |_| {}));
    assert!(!accepted(&agent(), TOKEN, |proof| *proof = Signature::from_bytes([0; 64])));
}

#[test]
fn an_old_proof_is_worth_nothing() {
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (_, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral, 1, &random());
    let (old, _) = at_agent.check(HELLO, &challenge, &pinned()).unwrap().prove(&agent(), TOKEN);
    // The same hello again, word for word, and the same nonce.
    let (at_server, _) = ServerHandshake::challenge(&server(), HELLO, ephemeral, 1, &random());
    assert!(at_server.accept(&agent().public_key(), TOKEN, &old).is_err());
}

#[test]
fn a_copied_token_without_the_key_opens_nothing() {
    let (at_agent, ephemeral) = AgentHandshake::start();
    let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, ephemeral, 1, &random());
    let trusting = at_agent.check(HELLO, &challenge, &pinned()).unwrap();
    let sealed = trusting.keys().seal(&ChannelContext::agent_token(&[7; 16]), b"the right token");
    let (proof, _) = trusting.prove(&stranger(), &sealed);
    assert!(at_server.accept(&agent().public_key(), &sealed, &proof).is_err());
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
        let weak = EphemeralPublic::from_bytes(weak);
        let (at_server, challenge) = ServerHandshake::challenge(&server(), HELLO, weak, 1, &random());
        let (at_agent, _) = AgentHandshake::start();
        let (proof, _) = at_agent.check(HELLO, &challenge, &pinned()).unwrap().prove(&agent(), TOKEN);
        assert!(at_server.accept(&agent().public_key(), TOKEN, &proof).is_err());
        let (private, _) = Ephemeral::generate();
        let transcript = Transcript::new("test").finish();
        assert!(private.agree(&weak, &transcript, Side::Agent).is_err());
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
        ChannelContext::enrolment_token(&self::agent().public_key()),
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
