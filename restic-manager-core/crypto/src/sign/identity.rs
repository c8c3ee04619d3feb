use base64ct::{Base64, Encoding as _};
use core::fmt;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::path::Path;
use zeroize::Zeroizing;

use crate::{
    KeyFileError, KeyFileProblem, Label, PublicKey, Random, Signature, key_file,
    sign::pkcs8::{self, SEED_LEN},
};

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
        let key = self.pair.public_key().as_ref().try_into();
        PublicKey::from_bytes(key.expect("an Ed25519 public key has 32 bytes"))
    }

    /// Signs a message for one purpose.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        let signature = self.pair.sign(&label.bind(message));
        Signature::from_bytes(signature.as_ref().try_into().expect("an Ed25519 signature has 64 bytes"))
    }

    fn to_pem(&self) -> Zeroizing<String> {
        let mut document = Zeroizing::new([0; pkcs8::LEN]);
        pkcs8::write(&self.seed, self.public_key().as_bytes(), &mut document);
        let body = Zeroizing::new(Base64::encode_string(document.as_slice()));
        let (first, second) = body.split_at(pem::LINE_LEN);
        Zeroizing::new([pem::BEGIN, first, second, pem::END, ""].join("\n"))
    }

    fn from_pem(text: &str) -> Option<Self> {
        let body = text.trim().strip_prefix(pem::BEGIN)?.strip_suffix(pem::END)?;
        let mut letters = Zeroizing::new(String::with_capacity(body.len()));
        body.split_ascii_whitespace().for_each(|line| letters.push_str(line));
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

/// The textual shell of the file.
mod pem {
    pub(super) const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
    pub(super) const END: &str = "-----END PRIVATE KEY-----";
    pub(super) const LINE_LEN: usize = 64;
}
