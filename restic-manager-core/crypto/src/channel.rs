//! Keys that live as long as one connection, and what is sealed with them. Whoever ends TLS in between
//! reads nothing: the keys follow from ephemeral X25519, and both identities sign the transcript.

use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};
use ring::{agreement, digest};

use crate::{
    OpenError, PublicKey, SecretBytes,
    aead::{Cipher, TAG_LEN},
    derive::{Label, derive_key},
    frame,
};

const VERSION: u8 = 1;

/// Which end of a connection this is; each direction has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Side {
    /// The end that accepts the connection.
    Server,
    /// The end that opens it.
    Agent,
}

/// A private key for one agreement; consumed by it.
pub struct Ephemeral(agreement::EphemeralPrivateKey);

impl Ephemeral {
    /// Makes a private key and the public part for the other end.
    ///
    /// It draws from the operating system alone, because ring accepts no other randomness here.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    #[must_use]
    pub fn generate() -> (Self, EphemeralPublic) {
        let random = ring::rand::SystemRandom::new();
        let private = agreement::EphemeralPrivateKey::generate(&agreement::X25519, &random)
            .expect("the operating system always has randomness once it has started");
        let public = private.compute_public_key().expect("each X25519 private key has a public one");
        let public = public.as_ref().try_into().expect("an X25519 public key has 32 bytes");
        (Self(private), EphemeralPublic(public))
    }

    /// Agrees on the keys of one connection.
    ///
    /// `transcript` must cover all that both ends said before, both public keys included, and each end
    /// must have checked the other's signature over it: the agreement itself says nothing about who the
    /// other end is. [`AgentHandshake`](crate::AgentHandshake) and
    /// [`ServerHandshake`](crate::ServerHandshake) do all of this.
    ///
    /// # Errors
    /// When the other end's public key leads to no secret.
    pub fn agree(
        self,
        peer: &EphemeralPublic,
        transcript: &TranscriptHash,
        side: Side,
    ) -> Result<ChannelKeys, OpenError> {
        let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, peer.0);
        agreement::agree_ephemeral(self.0, &peer, |shared| ChannelKeys::derive(shared, transcript, side))
            .map_err(|_| OpenError)
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ephemeral(…)")
    }
}

/// The public part of an [`Ephemeral`]: 32 bytes, fresh for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralPublic([u8; 32]);

impl EphemeralPublic {
    /// What the other end sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the other end is sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A running hash of all that both ends said, in order.
///
/// ```
/// use restic_manager_crypto::Transcript;
/// let one = Transcript::new("example").frame(b"ab").frame(b"c").finish();
/// let other = Transcript::new("example").frame(b"a").frame(b"bc").finish();
/// assert_ne!(one, other);
/// ```
#[derive(Clone)]
pub struct Transcript(digest::Context);

impl Transcript {
    /// Starts a transcript of one protocol.
    #[must_use]
    pub fn new(protocol: &'static str) -> Self {
        Self(digest::Context::new(&digest::SHA256)).frame(protocol.as_bytes())
    }

    /// Adds one message.
    #[must_use]
    pub fn frame(mut self, bytes: &[u8]) -> Self {
        frame::each(&[bytes], |bytes| self.0.update(bytes));
        self
    }

    /// What both ends compare.
    #[must_use]
    pub fn finish(self) -> TranscriptHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        TranscriptHash(hash)
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript(…)")
    }
}

/// The hash of a [`Transcript`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranscriptHash([u8; 32]);

impl TranscriptHash {
    /// The hash, to be signed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a sealed message is for: a kind, and the id of the thing it belongs to. Bound into the seal; a
/// message that is moved to another job or field does not open there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelContext(Vec<u8>);

impl ChannelContext {
    /// A purpose without a constructor of its own.
    #[must_use]
    pub fn new(kind: &'static str, id: impl AsRef<[u8]>) -> Self {
        Self(frame::join(&[kind.as_bytes(), id.as_ref()]))
    }

    /// The secrets that one job needs: the repository's password and credential.
    #[must_use]
    pub fn job_secrets(job: &[u8; 16]) -> Self {
        Self::new("job secrets", job)
    }

    /// The secrets that the answer to one question needs: the repository's password and credential.
    #[must_use]
    pub fn question_secrets(question: &[u8; 16]) -> Self {
        Self::new("question secrets", question)
    }

    /// What an agent keeps of a repository so that it needs no server at the time: password and everyday credential.
    #[must_use]
    pub fn configured_secrets(repository: &[u8; 16]) -> Self {
        Self::new("configured secrets", repository)
    }

    /// The scripts that run around one job.
    #[must_use]
    pub fn job_hooks(job: &[u8; 16]) -> Self {
        Self::new("job hooks", job)
    }

    /// The scripts that an agent keeps for a source group, so that it needs no server at the time.
    #[must_use]
    pub fn configured_hooks(group: &[u8; 16]) -> Self {
        Self::new("configured hooks", group)
    }

    /// The token of a host that enrols: it has no id yet, only its key.
    #[must_use]
    pub fn enrolment_token(agent: &PublicKey) -> Self {
        Self::new("enrolment token", agent.as_bytes())
    }

    /// The token of an enrolled agent: shown at connecting, or handed out anew.
    #[must_use]
    pub fn agent_token(host: &[u8; 16]) -> Self {
        Self::new("agent token", host)
    }
}

/// The keys of one connection.
///
/// Each message carries its number, which is its nonce; the counter never repeats, and the keys die with
/// the connection. Messages may be opened in any order and more than once: what must not happen twice is
/// told apart by the ids that [`ChannelContext`] binds, because a command for a known job is answered and
/// not run again. A message of another connection, direction or context never opens.
pub struct ChannelKeys {
    outgoing: Cipher,
    incoming: Cipher,
    sealed: AtomicU64,
}

impl ChannelKeys {
    /// Seals a secret for the other end.
    #[must_use]
    pub fn seal(&self, context: &ChannelContext, plaintext: &[u8]) -> Vec<u8> {
        let number = self.sealed.fetch_add(1, Ordering::Relaxed);
        let mut message = Vec::with_capacity(9 + plaintext.len() + TAG_LEN);
        message.push(VERSION);
        message.extend_from_slice(&number.to_be_bytes());
        let associated = frame::join(&[&message, &context.0]);
        self.outgoing.seal(number, &associated, plaintext, &mut message);
        message
    }

    /// Opens what the other end sealed.
    ///
    /// # Errors
    /// When it is damaged, was sealed for something else, on another connection or by this end.
    pub fn open(&self, context: &ChannelContext, message: &[u8]) -> Result<SecretBytes, OpenError> {
        let (header, ciphertext) = message.split_first_chunk::<9>().ok_or(OpenError)?;
        let [VERSION, number @ ..] = *header else { return Err(OpenError) };
        let associated = frame::join(&[header, &context.0]);
        self.incoming.open(u64::from_be_bytes(number), &associated, ciphertext)
    }

    fn derive(shared: &[u8], transcript: &TranscriptHash, side: Side) -> Self {
        let cipher = |label| Cipher::new(&derive_key(shared, &transcript.0, label));
        let (outgoing, incoming) = match side {
            Side::Server => (Label::ChannelToAgent, Label::ChannelToServer),
            Side::Agent => (Label::ChannelToServer, Label::ChannelToAgent),
        };
        Self { outgoing: cipher(outgoing), incoming: cipher(incoming), sealed: AtomicU64::new(0) }
    }
}

impl fmt::Debug for ChannelKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    //! Frozen format; the values come from an independent implementation.

    use super::{ChannelContext, ChannelKeys, Side, Transcript};

    const SHARED: &str = "272598516aa7dfe306920197d5300f7a1e592343a675f8721389568a05cb54f4";
    const TO_AGENT: [&str; 2] = [
        "010000000000000000199bacb9fed0dd43aca8994dd4f161f70ed3b6d67dfef16db5c48a",
        "0100000000000000017e6af750a63fc71b7f68c125820afb321f32494c87211faa274312",
    ];
    const TO_SERVER: &str = "010000000000000000bce16fd06398dbb6930508750e29d880972edaf3db71da8cf50688";

    fn keys(side: Side) -> ChannelKeys {
        ChannelKeys::derive(&hex(SHARED), &Transcript::new("test").frame(b"hello").finish(), side)
    }

    #[test]
    fn messages_of_version_1_are_frozen() {
        let (agent, server) = (keys(Side::Agent), keys(Side::Server));
        let context = ChannelContext::job_secrets(&[7; 16]);
        for message in TO_AGENT.map(hex) {
            assert_eq!(server.seal(&context, b"open sesame"), message);
            assert_eq!(agent.open(&context, &message).unwrap().expose(), b"open sesame");
            assert!(server.open(&context, &message).is_err());
        }
        assert_eq!(agent.seal(&context, b"open sesame"), hex(TO_SERVER));
    }

    #[test]
    fn transcripts_are_frozen() {
        let hash = Transcript::new("test").frame(b"hello").finish();
        let expected = hex("b51d1d86823c2dc36ff0b7a2acfd4d61949f801e439abdf00e06052fc5597a4a");
        assert_eq!(hash.as_bytes().as_slice(), expected);
    }

    fn hex(digits: &str) -> Vec<u8> {
        let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }
}
