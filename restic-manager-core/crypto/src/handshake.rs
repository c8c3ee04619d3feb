//! How agent and server prove to each other who they are and agree on channel keys. Three messages; this
//! module makes and checks what they must carry, whoever carries it:
//!
//! 1. agent → server: an ephemeral key, beside whatever else it says first;
//! 2. server → agent: [`Challenge`], the server's ephemeral key and its signature over both messages;
//! 3. agent → server: the agent's signature over all of it.
//!
//! Each signature covers both fresh ephemeral keys and both identities, so an old one is worth nothing and
//! none can be passed off as meant for somebody else.

use crate::{
    ChannelKeys, Ephemeral, EphemeralPublic, Identity, Label, OpenError, PublicKey, Side, Signature,
    Transcript,
};

const PROTOCOL: &str = "restic-manager v1 handshake";

/// What the server answers to the agent's first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "both ends make one from what the wire carries")]
pub struct Challenge {
    /// The server's key for this connection.
    pub ephemeral: EphemeralPublic,
    /// The server's signature, for [`Label::ServerChallenge`].
    pub signature: Signature,
}

/// The agent's end of one handshake.
///
/// ```
/// use restic_manager_crypto::{AgentHandshake, ChannelContext, Identity, ServerHandshake, SystemRandom};
/// let (agent, server) = (Identity::generate(&SystemRandom::new()), Identity::generate(&SystemRandom::new()));
/// let hello = b"versions, names: the first message as it was sent";
///
/// let (at_agent, ephemeral) = AgentHandshake::start();
/// let (at_server, challenge) = ServerHandshake::challenge(&server, hello, ephemeral);
/// let (proof, agent_keys) = at_agent.answer(&agent, hello, &server.public_key(), &challenge)?;
/// let server_keys = at_server.accept(&agent.public_key(), &proof)?;
///
/// let context = ChannelContext::job_secrets(&[7; 16]);
/// let sealed = server_keys.seal(&context, b"open sesame");
/// assert_eq!(agent_keys.open(&context, &sealed)?.expose(), b"open sesame");
/// # Ok::<(), restic_manager_crypto::OpenError>(())
/// ```
#[derive(Debug)]
pub struct AgentHandshake {
    private: Ephemeral,
    public: EphemeralPublic,
}

impl AgentHandshake {
    /// Makes the key that the first message carries.
    #[must_use]
    pub fn start() -> (Self, EphemeralPublic) {
        let (private, public) = Ephemeral::generate();
        (Self { private, public }, public)
    }

    /// Checks that the pinned server sent the challenge; gives the signature for the server and the keys.
    ///
    /// `hello` is the first message as it was sent: it is signed too, so that nobody in between can
    /// change the versions that are offered.
    ///
    /// # Errors
    /// When another server sent the challenge, or it answers another first message.
    pub fn answer(
        self,
        agent: &Identity,
        hello: &[u8],
        server: &PublicKey,
        challenge: &Challenge,
    ) -> Result<(Signature, ChannelKeys), OpenError> {
        let transcript = challenged(hello, &self.public, &challenge.ephemeral, server);
        server.verify(
            Label::ServerChallenge,
            transcript.clone().finish().as_bytes(),
            &challenge.signature,
        )?;
        let transcript = proven(transcript, &agent.public_key());
        let proof = agent.sign(Label::AgentProof, transcript.as_bytes());
        let keys = self.private.agree(&challenge.ephemeral, &transcript, Side::Agent)?;
        Ok((proof, keys))
    }
}

/// The server's end of one handshake.
#[derive(Debug)]
pub struct ServerHandshake {
    private: Ephemeral,
    agent: EphemeralPublic,
    transcript: Transcript,
}

impl ServerHandshake {
    /// Answers an agent's first message: `hello` as it arrived, and the key that it carries.
    #[must_use]
    pub fn challenge(server: &Identity, hello: &[u8], agent: EphemeralPublic) -> (Self, Challenge) {
        let (private, ephemeral) = Ephemeral::generate();
        let transcript = challenged(hello, &agent, &ephemeral, &server.public_key());
        let signature = server.sign(Label::ServerChallenge, transcript.clone().finish().as_bytes());
        (Self { private, agent, transcript }, Challenge { ephemeral, signature })
    }

    /// Checks that the agent with this public key answered; gives the keys.
    ///
    /// # Errors
    /// When somebody else answered, or something else was answered.
    pub fn accept(self, agent: &PublicKey, proof: &Signature) -> Result<ChannelKeys, OpenError> {
        let transcript = proven(self.transcript, agent);
        agent.verify(Label::AgentProof, transcript.as_bytes(), proof)?;
        self.private.agree(&self.agent, &transcript, Side::Server)
    }
}

fn challenged(
    hello: &[u8],
    agent: &EphemeralPublic,
    server: &EphemeralPublic,
    identity: &PublicKey,
) -> Transcript {
    Transcript::new(PROTOCOL)
        .frame(hello)
        .frame(agent.as_bytes())
        .frame(server.as_bytes())
        .frame(identity.as_bytes())
}

fn proven(transcript: Transcript, agent: &PublicKey) -> crate::TranscriptHash {
    transcript.frame(agent.as_bytes()).finish()
}
