//! Secrets in memory: they redact, compare in constant time, wipe themselves and never serialise.

use core::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::OpenError;

/// Secret bytes: a key, or something opened from a seal.
///
/// ```
/// use restic_manager_crypto::SecretBytes;
/// let secret = SecretBytes::new(b"hunter2".to_vec());
/// assert_eq!(format!("{secret:?}"), "SecretBytes(…)");
/// assert_eq!(secret.expose(), b"hunter2");
/// ```
///
/// It cannot be shown, nor serialised:
///
/// ```compile_fail
/// let secret = restic_manager_crypto::SecretBytes::new(vec![1]);
/// println!("{secret}");
/// ```
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership of `secret`, so that it is wiped when dropped.
    #[must_use]
    pub fn new(secret: Vec<u8>) -> Self {
        Self(Zeroizing::new(secret))
    }

    pub(crate) const fn from_zeroizing(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(secret)
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same secret as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn into_string(self) -> Result<SecretString, OpenError> {
        let text = core::str::from_utf8(&self.0).map_err(|_| OpenError)?;
        Ok(SecretString::new(text.to_owned()))
    }
}

impl PartialEq for SecretBytes {
    /// Takes the same time wherever the difference lies; only the lengths may show.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(secret: Vec<u8>) -> Self {
        Self::new(secret)
    }
}

/// Secret text: a password, a token, a credential.
///
/// ```
/// use restic_manager_crypto::SecretString;
/// let password = SecretString::new("correct horse battery staple");
/// assert_eq!(format!("{password:?}"), "SecretString(…)");
/// assert!(password == SecretString::new("correct horse battery staple"));
/// ```
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes ownership of `secret`, so that it is wiped when dropped. Borrowed text is copied; the
    /// original stays the caller's concern.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SecretString {
    /// Takes the same time wherever the difference lies; only the lengths may show.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

impl From<String> for SecretString {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}
