use core::{fmt, str::FromStr};

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
