//! What the two ends of a connection sign and seal, in one place, so that they cannot disagree.
//!
//! The order of the messages is documented in [`restic_manager_proto::agent`]; here is what they cover:
//!
//! 1. The server signs the [`challenge_transcript`] with [`Label::ServerChallenge`].
//! 2. Both agree on keys: the other end's ephemeral key, and the same transcript.
//! 3. The agent seals its token, and signs the [`proof_transcript`] with [`Label::AgentProof`].
//!
//! [`Label::ServerChallenge`]: restic_manager_crypto::Label::ServerChallenge
//! [`Label::AgentProof`]: restic_manager_crypto::Label::AgentProof

use restic_manager_crypto::{
    ChannelContext, EphemeralPublic, PublicKey, Signature, Transcript, TranscriptHash,
};
use restic_manager_proto::{HostId, JobId, Opaque};

const PROTOCOL: &str = "restic-manager agent handshake";

/// Length of the nonce that each end adds.
pub const NONCE_BYTES: usize = 32;

/// All that was said up to the server's signature. Its hash is what the server signs, and what both ends derive
/// the keys of the connection from.
#[must_use]
pub fn challenge_transcript(
    hello_frame: &str,
    version: u16,
    identity: &PublicKey,
    ephemeral: &EphemeralPublic,
    nonce: &[u8; NONCE_BYTES],
) -> Transcript {
    Transcript::new(PROTOCOL)
        .frame(hello_frame.as_bytes())
        .frame(&version.to_be_bytes())
        .frame(identity.as_bytes())
        .frame(ephemeral.as_bytes())
        .frame(nonce)
}

/// All that was said up to the agent's signature: what the agent signs.
#[must_use]
pub fn proof_transcript(
    challenge: Transcript,
    server_signature: &Signature,
    sealed_token: &Opaque,
) -> TranscriptHash {
    challenge.frame(server_signature.as_bytes()).frame(sealed_token.as_bytes()).finish()
}

/// The seal of an enrolment token, which belongs to the key of the agent that spends it.
#[must_use]
pub fn enrolment_token_context(agent: &PublicKey) -> ChannelContext {
    ChannelContext::new("enrolment token", agent.as_bytes())
}

/// The seal of an agent's token: shown in a proof, or handed out in a welcome or a rotation.
#[must_use]
pub fn agent_token_context(host: HostId) -> ChannelContext {
    ChannelContext::agent_token(host.as_bytes())
}

/// The seal of the secrets of one job.
#[must_use]
pub fn job_secrets_context(job: JobId) -> ChannelContext {
    ChannelContext::job_secrets(job.as_bytes())
}

/// A key, a nonce or a signature out of a message; `None` when it has another length.
#[must_use]
pub fn exact<const N: usize>(value: &Opaque) -> Option<[u8; N]> {
    value.as_bytes().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::{Ephemeral, Identity, Label, Side, SystemRandom};

    #[test]
    fn both_ends_come_to_the_same_bytes_and_keys() {
        let (server, agent) =
            (Identity::generate(&SystemRandom::new()), Identity::generate(&SystemRandom::new()));
        let (server_private, server_ephemeral) = Ephemeral::generate();
        let (agent_private, agent_ephemeral) = Ephemeral::generate();
        let transcript =
            || challenge_transcript("hello", 1, &server.public_key(), &server_ephemeral, &[3; NONCE_BYTES]);

        let signature = server.sign(Label::ServerChallenge, transcript().finish().as_bytes());
        let agent_keys =
            agent_private.agree(&server_ephemeral, &transcript().finish(), Side::Agent).expect("keys agree");
        let server_keys =
            server_private.agree(&agent_ephemeral, &transcript().finish(), Side::Server).expect("keys agree");

        let context = enrolment_token_context(&agent.public_key());
        let sealed = Opaque::new(agent_keys.seal(&context, b"token"));
        let proof =
            agent.sign(Label::AgentProof, proof_transcript(transcript(), &signature, &sealed).as_bytes());

        let said = proof_transcript(transcript(), &signature, &sealed);
        assert!(agent.public_key().verify(Label::AgentProof, said.as_bytes(), &proof).is_ok());
        assert!(server_keys.open(&context, sealed.as_bytes()).is_ok_and(|token| token.expose() == b"token"));
    }

    #[test]
    fn every_part_counts() {
        let identity = PublicKey::from_bytes([1; 32]);
        let ephemeral = EphemeralPublic::from_bytes([2; 32]);
        let base = challenge_transcript("hello", 1, &identity, &ephemeral, &[3; 32]).finish();
        let others = [
            challenge_transcript("hallo", 1, &identity, &ephemeral, &[3; 32]),
            challenge_transcript("hello", 2, &identity, &ephemeral, &[3; 32]),
            challenge_transcript("hello", 1, &PublicKey::from_bytes([9; 32]), &ephemeral, &[3; 32]),
            challenge_transcript("hello", 1, &identity, &EphemeralPublic::from_bytes([9; 32]), &[3; 32]),
            challenge_transcript("hello", 1, &identity, &ephemeral, &[9; 32]),
        ];
        for other in others {
            assert_ne!(base, other.finish());
        }
    }
}
