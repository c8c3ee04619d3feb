use core::fmt;
use data_encoding::HEXLOWER;
use ring::digest::{Context, Digest, SHA256, digest};

/// SHA-256 of a content, by which people and files name it: `sha256:` and 64 hexadecimal digits.
///
/// ```
/// use restic_manager_crypto::ContentDigest;
///
/// let digest = ContentDigest::of(b"abc").to_string();
/// assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// The digest of a content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self::from_ring(&digest(&SHA256, content))
    }

    /// A digest that was written down as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_ring(hash: &Digest) -> Self {
        Self(hash.as_ref().try_into().expect("a SHA-256 hash has 32 bytes"))
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

/// Makes the digest of a content that comes in pieces.
///
/// ```
/// use restic_manager_crypto::{ContentDigest, ContentHasher};
///
/// let mut hasher = ContentHasher::new();
/// hasher.update(b"ab");
/// hasher.update(b"c");
/// assert_eq!(hasher.finish(), ContentDigest::of(b"abc"));
/// ```
#[derive(Clone)]
pub struct ContentHasher(Context);

impl ContentHasher {
    /// Of a content that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        ContentDigest::from_ring(&self.0.finish())
    }
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHasher")
    }
}
