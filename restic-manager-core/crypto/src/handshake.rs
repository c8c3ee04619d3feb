//! How agent and server prove to each other who they are and agree on channel keys, in three messages. This
//! module makes and checks what they must carry, whoever carries it:
//!
//! 1. agent → server: hello, with an ephemeral key and whatever else the agent says first;
//! 2. server → agent: [`Challenge`], signed over the hello and itself;
//! 3. agent → server: its token, sealed with the keys agreed on, and a signature over all of it.
//!
//! Each signature covers both fresh ephemeral keys and both identities, so an old one is worth nothing and
//! none can be passed off as meant for somebody else. The agent says nothing worth stealing before it knows
//! that the server is the one it trusts.

use crate::{
    ChannelKeys, Ephemeral, EphemeralPublic, Fingerprint, Identity, Label, OpenError, PublicKey, Random,
    Side, Signature, Transcript,
};

const PROTOCOL: &str = "restic-manager v1 handshake";

/// What the server answers to a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "both ends make one from what the wire carries")]
pub struct Challenge {
    /// The protocol version that both will speak.
    pub version: u16,
    /// Who the server says it is.
    pub identity: PublicKey,
    /// The server's key for this connection.
    pub ephemeral: EphemeralPublic,
    /// Random, for this connection.
    pub nonce: [u8; 32],
    /// The server's signature, for [`Label::ServerChallenge`].
    pub signature: Signature,
}

/// The agent's end of one handshake, before the challenge.
///
/// ```
/// use restic_manager_crypto::{AgentHandshake, ChannelContext, Identity, ServerHandshake, SystemRandom};
/// let random = SystemRandom::new();
/// let (agent, server) = (Identity::generate(&random), Identity::generate(&random));
/// let pinned = server.public_key().fingerprint();
/// let token = ChannelContext::agent_token(&[7; 16]);
///
/// let (at_agent, ephemeral) = AgentHandshake::start();
/// let hello = b"the first message as it was sent";
/// let (at_server, challenge) = ServerHandshake::challenge(&server, hello, ephemeral, 1, &random);
/// let trusting = at_agent.check(hello, &challenge, &pinned)?;
/// let sealed = trusting.keys().seal(&token, b"rma_...");
/// let (proof, at_agent) = trusting.prove(&agent, &sealed);
/// let at_server = at_server.accept(&agent.public_key(), &sealed, &proof)?;
/// assert_eq!(at_server.open(&token, &sealed)?.expose(), b"rma_...");
///
/// let job = ChannelContext::job_secrets(&[8; 16]);
/// let secrets = at_server.seal(&job, b"open sesame");
/// assert_eq!(at_agent.open(&job, &secrets)?.expose(), b"open sesame");
/// # Ok::<(), restic_manager_crypto::OpenError>(())
/// ```
#[derive(Debug)]
pub struct AgentHandshake(Ephemeral);

impl AgentHandshake {
    /// Makes the key that the hello carries.
    #[must_use]
    pub fn start() -> (Self, EphemeralPublic) {
        let (private, public) = Ephemeral::generate();
        (Self(private), public)
    }

    /// Checks that the pinned server sent the challenge, in answer to this hello.
    ///
    /// `hello` is the first message as it was sent, ephemeral key included: it is signed too, so that
    /// nobody in between can change the versions that are offered.
    ///
    /// # Errors
    /// When another server sent the challenge, or it answers another hello.
    pub fn check(
        self,
        hello: &[u8],
        challenge: &Challenge,
        pinned: &Fingerprint,
    ) -> Result<TrustingAgent, OpenError> {
        if challenge.identity.fingerprint() != *pinned {
            return Err(OpenError);
        }
        let transcript = challenged(hello, challenge);
        let signed = transcript.clone().finish();
        challenge.identity.verify(Label::ServerChallenge, signed.as_bytes(), &challenge.signature)?;
        let keys = self.0.agree(&challenge.ephemeral, &signed, Side::Agent)?;
        Ok(TrustingAgent { keys, transcript: transcript.frame(challenge.signature.as_bytes()) })
    }
}

/// The agent's end of one handshake, once it knows the server: it may seal its token now.
#[derive(Debug)]
pub struct TrustingAgent {
    keys: ChannelKeys,
    transcript: Transcript,
}

impl TrustingAgent {
    /// The keys agreed on, to seal the token with.
    #[must_use]
    pub const fn keys(&self) -> &ChannelKeys {
        &self.keys
    }

    /// Signs all that was said and the sealed token; gives the keys for what follows.
    #[must_use]
    pub fn prove(self, agent: &Identity, sealed_token: &[u8]) -> (Signature, ChannelKeys) {
        let signed = proven(self.transcript, sealed_token, &agent.public_key());
        (agent.sign(Label::AgentProof, &signed), self.keys)
    }
}

/// The server's end of one handshake.
#[derive(Debug)]
pub struct ServerHandshake {
    keys: Result<ChannelKeys, OpenError>,
    transcript: Transcript,
}

impl ServerHandshake {
    /// Answers a hello: `hello` as it arrived, and the ephemeral key in it.
    #[must_use]
    pub fn challenge(
        server: &Identity,
        hello: &[u8],
        agent: EphemeralPublic,
        version: u16,
        random: &dyn Random,
    ) -> (Self, Challenge) {
        let (private, ephemeral) = Ephemeral::generate();
        let mut nonce = [0; 32];
        random.fill(&mut nonce);
        let unsigned = Signature::from_bytes([0; 64]);
        let mut challenge =
            Challenge { version, identity: server.public_key(), ephemeral, nonce, signature: unsigned };
        let transcript = challenged(hello, &challenge);
        let signed = transcript.clone().finish();
        challenge.signature = server.sign(Label::ServerChallenge, signed.as_bytes());
        let keys = private.agree(&agent, &signed, Side::Server);
        (Self { keys, transcript: transcript.frame(challenge.signature.as_bytes()) }, challenge)
    }

    /// Checks that the agent with this public key answered; gives the keys, which open its token.
    ///
    /// # Errors
    /// When somebody else answered, something else was answered, or the hello's key was no key.
    pub fn accept(
        self,
        agent: &PublicKey,
        sealed_token: &[u8],
        proof: &Signature,
    ) -> Result<ChannelKeys, OpenError> {
        let signed = proven(self.transcript, sealed_token, agent);
        agent.verify(Label::AgentProof, &signed, proof)?;
        self.keys
    }
}

fn challenged(hello: &[u8], challenge: &Challenge) -> Transcript {
    Transcript::new(PROTOCOL)
        .frame(hello)
        .frame(&challenge.version.to_be_bytes())
        .frame(challenge.identity.as_bytes())
        .frame(challenge.ephemeral.as_bytes())
        .frame(&challenge.nonce)
}

fn proven(transcript: Transcript, sealed_token: &[u8], agent: &PublicKey) -> [u8; 32] {
    *transcript.frame(sealed_token).frame(agent.as_bytes()).finish().as_bytes()
}
