//! The handshake of one connection, in the types of the wire: what [`restic_manager_crypto`] signs and seals, what
//! [`restic_manager_proto::agent`] carries, joined in one place so that the two ends cannot disagree.
//!
//! ```
//! use restic_manager_core::handshake::{AgentSide, ServerSide, agent_token_context};
//! use restic_manager_crypto::{Identity, SecretString, SystemRandom};
//! use restic_manager_proto::{HostFacts, HostId, agent::Intent};
//!
//! let random = SystemRandom::new();
//! let (agent, server) = (Identity::generate(&random), Identity::generate(&random));
//! let host = HostId::from_bytes([7; 16]);
//! let token = SecretString::new("rma_...");
//!
//! let (at_agent, hello) = AgentSide::start(Intent::Connect { host }, &agent, "1.0.0", &random);
//! # let hello_frame = "the hello as it was sent";
//! let (at_server, challenge) = ServerSide::challenge(&server, &hello, hello_frame, 1, &random)?;
//! let trusting = at_agent.check(hello_frame, &challenge, &server.public_key().fingerprint())?;
//! let (proof, agent_keys) = trusting.prove(&agent, &agent_token_context(host), &token, HostFacts::default());
//! let (shown, server_keys) = at_server.accept(&agent.public_key(), &agent_token_context(host), &proof)?;
//! assert!(shown == token);
//! # let _ = (agent_keys, server_keys);
//! # Ok::<(), restic_manager_crypto::OpenError>(())
//! ```

use restic_manager_crypto::{
    AgentHandshake, Challenge, ChannelContext, ChannelKeys, EphemeralPublic, Fingerprint, Identity,
    OpenError, PublicKey, Random, SecretString, ServerHandshake, Signature, TrustingAgent,
};
use restic_manager_proto::{
    HostFacts, HostId, JobId, Opaque, QuestionId, RepositoryId, SourceGroupId,
    agent::{self as wire, Hello, Intent, Proof},
    capability::Capabilities,
};

/// The agent's end, before the challenge.
#[derive(Debug)]
pub struct AgentSide(AgentHandshake);

impl AgentSide {
    /// Makes the hello.
    #[must_use]
    pub fn start(
        intent: Intent,
        agent: &Identity,
        agent_version: &str,
        random: &dyn Random,
    ) -> (Self, Hello) {
        let (handshake, ephemeral) = AgentHandshake::start();
        let mut nonce = [0; 32];
        random.fill(&mut nonce);
        let hello = Hello::new(
            intent,
            opaque(agent.public_key().as_bytes()),
            opaque(ephemeral.as_bytes()),
            opaque(&nonce),
            agent_version,
        );
        (Self(handshake), hello.with_capabilities(Capabilities::of_agent()))
    }

    /// Checks that the server with the pinned fingerprint answered this hello; `hello_frame` is the frame as it
    /// was sent.
    ///
    /// # Errors
    /// When another server answered, or another hello was answered.
    pub fn check(
        self,
        hello_frame: &str,
        challenge: &wire::Challenge,
        pinned: &Fingerprint,
    ) -> Result<TrustingSide, OpenError> {
        let challenge = Challenge {
            version: challenge.version,
            identity: PublicKey::from_bytes(exact(&challenge.identity)?),
            ephemeral: EphemeralPublic::from_bytes(exact(&challenge.ephemeral)?),
            nonce: exact(&challenge.nonce)?,
            signature: Signature::from_bytes(exact(&challenge.signature)?),
        };
        self.0.check(hello_frame.as_bytes(), &challenge, pinned).map(TrustingSide)
    }
}

/// The agent's end, once it trusts the server.
#[derive(Debug)]
pub struct TrustingSide(TrustingAgent);

impl TrustingSide {
    /// Seals the token, signs everything; gives the keys for what follows.
    #[must_use]
    pub fn prove(
        self,
        agent: &Identity,
        context: &ChannelContext,
        token: &SecretString,
        facts: HostFacts,
    ) -> (Proof, ChannelKeys) {
        let sealed = self.0.keys().seal(context, token.expose().as_bytes());
        let (signature, keys) = self.0.prove(agent, &sealed);
        (Proof::new(Opaque::new(sealed), opaque(signature.as_bytes()), facts), keys)
    }
}

/// The server's end of a handshake.
#[derive(Debug)]
pub struct ServerSide(ServerHandshake);

impl ServerSide {
    /// Answers a hello; `hello_frame` is the frame as it arrived.
    ///
    /// # Errors
    /// When the hello's ephemeral key has another length than a key has.
    pub fn challenge(
        server: &Identity,
        hello: &Hello,
        hello_frame: &str,
        version: u16,
        random: &dyn Random,
    ) -> Result<(Self, wire::Challenge), OpenError> {
        let agent = EphemeralPublic::from_bytes(exact(&hello.ephemeral)?);
        let (handshake, challenge) =
            ServerHandshake::challenge(server, hello_frame.as_bytes(), agent, version, random);
        let challenge = wire::Challenge::new(
            challenge.version,
            opaque(challenge.identity.as_bytes()),
            opaque(challenge.ephemeral.as_bytes()),
            opaque(&challenge.nonce),
            opaque(challenge.signature.as_bytes()),
        );
        Ok((Self(handshake), challenge))
    }

    /// Checks that the agent with this key answered; gives the token that it shows, and the keys for what follows.
    ///
    /// The key is the one on record for an enrolled host, the hello's own for a host that enrols. Whether the token
    /// is good is the caller's to find out.
    ///
    /// # Errors
    /// When somebody else answered, or the token is not sealed for this place.
    pub fn accept(
        self,
        agent: &PublicKey,
        context: &ChannelContext,
        proof: &Proof,
    ) -> Result<(SecretString, ChannelKeys), OpenError> {
        let signature = Signature::from_bytes(exact(&proof.signature)?);
        let keys = self.0.accept(agent, proof.token.as_bytes(), &signature)?;
        let token = keys.open(context, proof.token.as_bytes())?.into_string()?;
        Ok((token, keys))
    }
}

/// The seal of an enrolment token, which belongs to the key of the agent that spends it.
#[must_use]
pub fn enrolment_token_context(agent: &PublicKey) -> ChannelContext {
    ChannelContext::enrolment_token(agent)
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

/// The seal of the secrets of one question.
#[must_use]
pub fn question_secrets_context(question: QuestionId) -> ChannelContext {
    ChannelContext::question_secrets(question.as_bytes())
}

/// The seal of a repository's everyday secrets in a configuration.
#[must_use]
pub fn configured_secrets_context(repository: RepositoryId) -> ChannelContext {
    ChannelContext::configured_secrets(repository.as_bytes())
}

/// The seal of the scripts that run around one job.
#[must_use]
pub fn job_hooks_context(job: JobId) -> ChannelContext {
    ChannelContext::job_hooks(job.as_bytes())
}

/// The seal of a source group's scripts in a configuration.
#[must_use]
pub fn configured_hooks_context(group: SourceGroupId) -> ChannelContext {
    ChannelContext::configured_hooks(group.as_bytes())
}

/// The public key that a hello carries.
///
/// # Errors
/// When it has another length than a key has.
pub fn public_key(hello: &Hello) -> Result<PublicKey, OpenError> {
    exact(&hello.public_key).map(PublicKey::from_bytes)
}

fn exact<const N: usize>(value: &Opaque) -> Result<[u8; N], OpenError> {
    value.as_bytes().try_into().map_err(|_| OpenError::default())
}

fn opaque(bytes: &[u8]) -> Opaque {
    Opaque::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::SystemRandom;

    const FRAME: &str = "the hello as it was sent";

    struct Ends {
        agent: Identity,
        server: Identity,
        random: SystemRandom,
    }

    impl Ends {
        fn new() -> Self {
            let random = SystemRandom::new();
            Self { agent: Identity::generate(&random), server: Identity::generate(&random), random }
        }

        fn start(&self) -> (AgentSide, ServerSide, wire::Challenge) {
            let (at_agent, hello) = AgentSide::start(Intent::Enrol {}, &self.agent, "1.0.0", &self.random);
            assert_eq!(public_key(&hello), Ok(self.agent.public_key()));
            let (at_server, challenge) =
                ServerSide::challenge(&self.server, &hello, FRAME, 1, &self.random).expect("a good hello");
            (at_agent, at_server, challenge)
        }

        fn pinned(&self) -> Fingerprint {
            self.server.public_key().fingerprint()
        }

        fn context(&self) -> ChannelContext {
            enrolment_token_context(&self.agent.public_key())
        }
    }

    #[test]
    fn the_token_arrives_and_the_keys_fit() {
        let ends = Ends::new();
        let (at_agent, at_server, challenge) = ends.start();
        let trusting = at_agent.check(FRAME, &challenge, &ends.pinned()).expect("the pinned server");
        let token = SecretString::new("rme_token");
        let (proof, agent_keys) = trusting.prove(&ends.agent, &ends.context(), &token, HostFacts::default());
        let (shown, server_keys) =
            at_server.accept(&ends.agent.public_key(), &ends.context(), &proof).expect("the right agent");
        assert_eq!(shown, token);

        let context = job_secrets_context(JobId::from_bytes([7; 16]));
        let sealed = server_keys.seal(&context, b"secret");
        assert_eq!(agent_keys.open(&context, &sealed).expect("keys fit").expose(), b"secret");
    }

    #[test]
    fn a_token_for_another_place_is_refused() {
        let ends = Ends::new();
        let (at_agent, at_server, challenge) = ends.start();
        let trusting = at_agent.check(FRAME, &challenge, &ends.pinned()).expect("the pinned server");
        let token = SecretString::new("rme_token");
        let (proof, _) = trusting.prove(&ends.agent, &ends.context(), &token, HostFacts::default());
        let elsewhere = agent_token_context(HostId::from_bytes([7; 16]));
        assert!(at_server.accept(&ends.agent.public_key(), &elsewhere, &proof).is_err());
    }

    #[test]
    fn parts_of_another_length_are_refused() {
        let ends = Ends::new();
        let changes: [fn(&mut wire::Challenge); 4] = [
            |challenge| challenge.identity = Opaque::new([0; 31]),
            |challenge| challenge.ephemeral = Opaque::new([0; 33]),
            |challenge| challenge.nonce = Opaque::new([]),
            |challenge| challenge.signature = Opaque::new([0; 63]),
        ];
        for change in changes {
            let (at_agent, _, mut challenge) = ends.start();
            change(&mut challenge);
            assert!(at_agent.check(FRAME, &challenge, &ends.pinned()).is_err());
        }
        let (_, mut hello) = AgentSide::start(Intent::Enrol {}, &ends.agent, "1.0.0", &ends.random);
        hello.ephemeral = Opaque::new([0; 31]);
        hello.public_key = Opaque::new([0; 31]);
        assert!(ServerSide::challenge(&ends.server, &hello, FRAME, 1, &ends.random).is_err());
        assert!(public_key(&hello).is_err());
    }

    #[test]
    fn another_server_and_another_hello_are_refused() {
        let (ends, others) = (Ends::new(), Ends::new());
        let (at_agent, _, challenge) = ends.start();
        assert!(at_agent.check(FRAME, &challenge, &others.pinned()).is_err());
        let (at_agent, _, challenge) = ends.start();
        assert!(at_agent.check("another hello", &challenge, &ends.pinned()).is_err());
    }
}
