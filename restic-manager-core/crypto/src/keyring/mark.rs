//! Texts that a server can recognise as its own without having kept them.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;

use crate::{
    Keyring, SecretString,
    derive::{self, Key, derive_key},
};

/// What a mark is for; one for another purpose is not recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// A form of a page of one session: other sites cannot read it, so they cannot send it.
    SessionForm,
    /// A browser from which one person has signed in before.
    KnownDevice,
}

impl Mark {
    const fn label(self) -> derive::Label {
        match self {
            Self::SessionForm => derive::Label::SessionForm,
            Self::KnownDevice => derive::Label::KnownDevice,
        }
    }
}

impl Keyring {
    /// The mark of a subject: whoever does not hold the ring cannot make it. It follows from the newest key.
    ///
    /// ```
    /// use restic_manager_crypto::{Keyring, Mark, SystemRandom};
    /// let keyring = Keyring::generate(&SystemRandom::new());
    /// let mark = keyring.mark(Mark::SessionForm, b"session 7");
    /// assert!(keyring.is_mark(Mark::SessionForm, b"session 7", mark.expose()));
    /// assert!(!keyring.is_mark(Mark::SessionForm, b"session 8", mark.expose()));
    /// assert!(!keyring.is_mark(Mark::KnownDevice, b"session 7", mark.expose()));
    /// ```
    #[must_use]
    pub fn mark(&self, purpose: Mark, subject: &[u8]) -> SecretString {
        mark(self.newest_key(), purpose, subject)
    }

    /// Whether a text is the subject's mark, by any key of the ring. Takes the same time wherever it differs.
    #[must_use]
    pub fn is_mark(&self, purpose: Mark, subject: &[u8], shown: &str) -> bool {
        let own = |key| bool::from(mark(key, purpose, subject).expose().as_bytes().ct_eq(shown.as_bytes()));
        self.all_keys().fold(false, |found, key| own(key) | found)
    }
}

fn mark(key: &Key, purpose: Mark, subject: &[u8]) -> SecretString {
    let derived = derive_key(key.as_slice(), subject, purpose.label());
    SecretString::new(Base64UrlUnpadded::encode_string(derived.as_slice()))
}
