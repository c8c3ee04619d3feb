//! Who somebody is: Ed25519 identities, fingerprints and signatures that count for one purpose only.

use base64ct::{Base64, Encoding as _};
use core::{fmt, str::FromStr};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use std::path::Path;
use zeroize::Zeroizing;

use crate::{KeyFileError, KeyFileProblem, OpenError, Random, frame, key_file};

const SEED_LEN: usize = 32;
const KEY_LEN: usize = 32;
const SIGNATURE_LEN: usize = 64;

/// What a signature is for. A signature for one purpose is none for another. The texts are part of what
/// is signed: never edit one, add another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Label {
    /// The server's half of the handshake.
    ServerChallenge,
    /// The agent's half of the handshake.
    AgentProof,
    /// An agent that enrols or announces itself owns its key.
    Enrolment,
    /// The server answers an enrolment: this agent now belongs to it.
    EnrolmentAnswer,
    /// The audit log up to one entry.
    AuditCheckpoint,
    /// A build that agents may install.
    Release,
}

impl Label {
    const fn text(self) -> &'static [u8] {
        match self {
            Self::ServerChallenge => b"restic-manager v1 server challenge",
            Self::AgentProof => b"restic-manager v1 agent proof",
            Self::Enrolment => b"restic-manager v1 enrolment",
            Self::EnrolmentAnswer => b"restic-manager v1 enrolment answer",
            Self::AuditCheckpoint => b"restic-manager v1 audit checkpoint",
            Self::Release => b"restic-manager v1 release",
        }
    }
}

/// An Ed25519 key pair: the server's, or one agent's. It never leaves the machine that made it.
///
/// ```
/// use restic_manager_crypto::{Identity, Label, SystemRandom};
/// let agent = Identity::generate(&SystemRandom::new());
/// let signature = agent.sign(Label::AgentProof, b"what the server asked");
/// let public = agent.public_key();
/// assert!(public.verify(Label::AgentProof, b"what the server asked", &signature).is_ok());
/// assert!(public.verify(Label::Enrolment, b"what the server asked", &signature).is_err());
/// ```
pub struct Identity {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; SEED_LEN]>,
}

impl Identity {
    /// A new identity, in memory only.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        random.fill(seed.as_mut_slice());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("a seed has 32 bytes");
        Self { pair, seed }
    }

    /// Reads the identity's file: PKCS#8 version 2 in PEM.
    ///
    /// # Errors
    /// When it is missing, damaged, or others may read it.
    pub fn open_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = key_file::read(path)?;
        Self::from_pem(&text).ok_or_else(|| {
            let detail = "it is not an Ed25519 private key with its public part (PKCS#8 version 2, PEM)";
            KeyFileError::new(path, KeyFileProblem::Damaged { detail })
        })
    }

    /// Reads the identity's file; makes a new identity when there is none.
    ///
    /// # Errors
    /// When the file is damaged, others may read it, or it cannot be written.
    pub fn open_or_create(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        match Self::open_file(path) {
            Err(error) if *error.problem() == KeyFileProblem::Missing => {}
            opened => return opened,
        }
        let fresh = Self::generate(random);
        match key_file::create(path, &fresh.to_pem(), random) {
            // Another process was faster: its identity counts.
            Err(error) if *error.problem() == KeyFileProblem::AlreadyExists => Self::open_file(path),
            created => created.map(|()| fresh),
        }
    }

    /// What others know this identity by.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let mut key = [0; KEY_LEN];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    /// Signs a message for one purpose.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        let mut signature = [0; SIGNATURE_LEN];
        signature.copy_from_slice(self.pair.sign(&signed_bytes(label, message)).as_ref());
        Signature(signature)
    }

    fn to_pem(&self) -> Zeroizing<String> {
        let mut document = Zeroizing::new([0; pkcs8::LEN]);
        pkcs8::write(&self.seed, &self.public_key().0, &mut document);
        let body = Zeroizing::new(Base64::encode_string(document.as_slice()));
        let (first, second) = body.split_at(pem::LINE_LEN);
        Zeroizing::new([pem::BEGIN, first, second, pem::END, ""].join("\n"))
    }

    fn from_pem(text: &str) -> Option<Self> {
        let body = text.trim().strip_prefix(pem::BEGIN)?.strip_suffix(pem::END)?;
        let letters = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
        let mut document = Zeroizing::new([0; pkcs8::LEN]);
        let decoded = Base64::decode(letters.as_bytes(), document.as_mut_slice()).ok()?.len();
        let seed = Zeroizing::new(*pkcs8::seed(&document));
        // Fails when the public part does not belong to the private one.
        let pair = Ed25519KeyPair::from_pkcs8(document.get(..decoded)?).ok()?;
        Some(Self { pair, seed })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public_key().fingerprint())
    }
}

/// The public half of an [`Identity`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; KEY_LEN]);

impl PublicKey {
    /// A key as it is stored or sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The key as it is stored or sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// What people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &self.0).as_ref());
        Fingerprint(hash)
    }

    /// Checks that this identity signed a message for one purpose.
    ///
    /// # Errors
    /// When it did not.
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), OpenError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(&signed_bytes(label, message), &signature.0)
            .map_err(|_| OpenError)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// A signature for one purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_LEN]);

impl Signature {
    /// A signature as it is stored or sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SIGNATURE_LEN]) -> Self {
        Self(bytes)
    }

    /// The signature as it is stored or sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_LEN] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// SHA-256 of a public key, in a form that people can compare: 16 groups of 4 digits.
///
/// ```
/// use restic_manager_crypto::{Fingerprint, PublicKey};
/// let shown = PublicKey::from_bytes([7; 32]).fingerprint().to_string();
/// assert_eq!(shown.len(), 79);
/// let typed: Fingerprint = shown.to_uppercase().replace('-', ":").parse()?;
/// assert_eq!(typed.to_string(), shown);
/// # Ok::<(), restic_manager_crypto::ParseFingerprintError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// A fingerprint as it is stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The fingerprint as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks_exact(2).enumerate() {
            let separator = if index == 0 { "" } else { "-" };
            write!(f, "{separator}{:02x}{:02x}", pair[0], pair[1])?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint; copy all 16 groups of 4 digits")]
#[non_exhaustive]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    /// Case, `-`, `:` and white space do not matter.
    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let mut bytes = [0; 32];
        let mut digits = text.chars().filter(|c| !matches!(c, '-' | ':') && !c.is_whitespace());
        let mut digit = || digits.next().and_then(|c| c.to_digit(16)).and_then(|d| u8::try_from(d).ok());
        for byte in &mut bytes {
            *byte = digit().zip(digit()).map(|(high, low)| high << 4 | low).ok_or(ParseFingerprintError)?;
        }
        if digits.next().is_some() { Err(ParseFingerprintError) } else { Ok(Self(bytes)) }
    }
}

fn signed_bytes(label: Label, message: &[u8]) -> Vec<u8> {
    frame::join(&[label.text(), message])
}

/// The textual shell of the file.
mod pem {
    pub(super) const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
    pub(super) const END: &str = "-----END PRIVATE KEY-----";
    pub(super) const LINE_LEN: usize = 64;
}

/// The one PKCS#8 document that an Ed25519 key has (RFC 8410, version 2): fixed bytes around the two keys.
/// Written here because ring makes one only from its own randomness.
mod pkcs8 {
    use super::{KEY_LEN, SEED_LEN};

    const BEFORE_SEED: [u8; 16] =
        [0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    const BEFORE_PUBLIC: [u8; 3] = [0x81, 0x21, 0x00];
    const PUBLIC_AT: usize = BEFORE_SEED.len() + SEED_LEN + BEFORE_PUBLIC.len();
    pub(super) const LEN: usize = PUBLIC_AT + KEY_LEN;

    pub(super) fn write(seed: &[u8; SEED_LEN], public: &[u8; KEY_LEN], document: &mut [u8; LEN]) {
        let (before_seed, rest) = document.split_at_mut(BEFORE_SEED.len());
        let (seed_part, rest) = rest.split_at_mut(SEED_LEN);
        let (before_public, public_part) = rest.split_at_mut(BEFORE_PUBLIC.len());
        before_seed.copy_from_slice(&BEFORE_SEED);
        seed_part.copy_from_slice(seed);
        before_public.copy_from_slice(&BEFORE_PUBLIC);
        public_part.copy_from_slice(public);
    }

    pub(super) fn seed(document: &[u8; LEN]) -> &[u8; SEED_LEN] {
        let (_, rest) = document.split_at(BEFORE_SEED.len());
        rest.first_chunk().expect("the document is longer than its head and the seed")
    }
}
