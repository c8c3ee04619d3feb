use core::fmt;

use data_encoding::HEXLOWER;

use crate::{
    OpenError, Random, SecretBytes,
    aead::{Cipher, TAG_LEN},
    derive::{Key, Label, derive_key},
    frame,
    keyring::Context,
};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;
const SALT_LEN: usize = 32;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + SALT_LEN;

/// Names a key without telling anything about it. Also the check value that a database keeps, so that a
/// start with the wrong key is refused before anything is read or written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl KeyId {
    /// An id as it is stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_ID_LEN]) -> Self {
        Self(bytes)
    }

    /// The id as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_LEN] {
        &self.0
    }

    /// The id follows from the key, so a damaged key betrays itself.
    pub(super) fn of(key: &Key) -> Self {
        let derived = derive_key(key.as_slice(), &[], Label::KeyId);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&derived[..KEY_ID_LEN]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A sealed secret, as it is stored.
///
/// Version (1 byte), key id (8), salt (32), ciphertext, tag (16). The salt is random; the key that
/// encrypts is derived from it and used for this blob alone, so that no nonce can ever meet another.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps stored bytes. Anything is accepted here; only opening tells.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store, by value.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The key that the blob says it was sealed with, if it is long enough to say.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.parts().ok().map(|(id, ..)| id)
    }

    pub(super) fn seal(
        id: KeyId,
        key: &Key,
        context: &Context,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Self {
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt);
        let mut bytes = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&id.0);
        bytes.extend_from_slice(&salt);
        let associated = frame::join(&[&bytes, context.as_bytes()]);
        blob_cipher(key, &salt).seal(0, &associated, plaintext, &mut bytes);
        Self(bytes)
    }

    pub(super) fn open(&self, key: &Key, context: &Context) -> Result<SecretBytes, OpenError> {
        let (_, salt, ciphertext) = self.parts()?;
        let associated = frame::join(&[&self.0[..HEADER_LEN], context.as_bytes()]);
        blob_cipher(key, salt).open(0, &associated, ciphertext)
    }

    fn parts(&self) -> Result<(KeyId, &[u8], &[u8]), OpenError> {
        let (version, rest) = self.0.split_first().ok_or(OpenError)?;
        let (id, rest) = rest.split_first_chunk().ok_or(OpenError)?;
        let (salt, ciphertext) = rest.split_at_checked(SALT_LEN).ok_or(OpenError)?;
        if *version != VERSION || ciphertext.len() < TAG_LEN {
            return Err(OpenError);
        }
        Ok((KeyId(*id), salt, ciphertext))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

fn blob_cipher(key: &Key, salt: &[u8]) -> Cipher {
    Cipher::new(&derive_key(key.as_slice(), salt, Label::SealedBlob))
}
