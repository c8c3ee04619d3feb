//! Values that this crate carries without looking inside: secrets and binary blobs.

use core::fmt;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, de, ser};
use zeroize::Zeroize as _;

/// A secret in transit: a password or a token that a person or a program hands in.
///
/// `Debug` shows nothing of it, and its memory is wiped on drop. It does serialise, because a request must carry it; types that are
/// shown or logged never hold one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "password")))]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret itself, by value.
    #[must_use]
    pub fn into_exposed(mut self) -> String {
        core::mem::take(&mut self.0)
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<String> for SecretText {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Bytes that only one end can read: a sealed secret, a signature, a public key. Base64url text on the wire.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("contentEncoding" = "base64url")))]
pub struct Opaque(Vec<u8>);

impl Opaque {
    /// Wraps bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, by value.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({} bytes)", self.0.len())
    }
}

impl Serialize for Opaque {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&BASE64URL_NOPAD.encode_display(&self.0))
    }
}

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Opaque;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url text without padding")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Opaque, E> {
                BASE64URL_NOPAD
                    .decode(text.as_bytes())
                    .map(Opaque)
                    .map_err(|_| E::custom("not base64url text"))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
