use core::fmt;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

/// SHA-256 of a content, by which people and files name it: `sha256:` and 64 hexadecimal digits.
///
/// ```
/// use restic_manager_crypto::ContentDigest;
///
/// let digest = ContentDigest::of(b"abc").to_string();
/// assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// The digest of a content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let hash = digest(&SHA256, content);
        Self(hash.as_ref().try_into().expect("a SHA-256 hash has 32 bytes"))
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}
