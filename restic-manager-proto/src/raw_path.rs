//! Paths and names as a file system has them: any bytes but zero.

use core::{fmt, str::FromStr};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, de, ser};

/// What begins the text of bytes that are no plain text.
const MARK: &str = "base64url:";

/// A path or a name inside a snapshot, byte by byte.
///
/// Its text form, the same in JSON, in addresses and in forms, is the path itself where that is UTF-8 without control
/// characters, and `base64url:` with the bytes otherwise. [`RawPath::shown`] is for people.
///
/// ```
/// use restic_manager_proto::RawPath;
///
/// let plain: RawPath = "/srv/näme".parse()?;
/// assert_eq!((plain.as_bytes(), plain.to_string().as_str()), ("/srv/näme".as_bytes(), "/srv/näme"));
/// let odd = RawPath::new(*b"/srv/bad\xff");
/// assert_eq!((odd.to_string().as_str(), odd.shown().as_str()), ("base64url:L3Nydi9iYWT_", r"/srv/bad\xff"));
/// assert_eq!(odd.to_string().parse(), Ok(odd));
/// # Ok::<(), restic_manager_proto::ParseRawPathError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub struct RawPath(Vec<u8>);

/// A text is not the text form of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a path; one is the path itself, or `base64url:` and its bytes")]
#[non_exhaustive]
pub struct ParseRawPathError;

impl RawPath {
    /// Wraps bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The root of every snapshot.
    #[must_use]
    pub fn root() -> Self {
        Self::new(*b"/")
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, where it is UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// For people: what is no text, controls the display or changes the direction of writing is escaped. Two paths may be
    /// shown alike; nothing is found by it.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => shown.push_str(r"\\"),
                    _ if is_hidden(character) => shown.extend(character.escape_default()),
                    _ => shown.push(character),
                }
            }
            for byte in chunk.invalid() {
                shown.push_str(&format!(r"\x{byte:02x}"));
            }
        }
        shown
    }

    /// The last name of an absolute path; empty for the root.
    #[must_use]
    pub fn name(&self) -> Self {
        self.0.rsplit(|byte| *byte == b'/').next().map(Self::new).unwrap_or_default()
    }

    /// The folder that holds it; the root for the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) if at > 0 => Self::new(&self.0[..at]),
            _ => Self::root(),
        }
    }

    /// Something in this folder.
    #[must_use]
    pub fn join(&self, name: &Self) -> Self {
        let mut path = self.0.clone();
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(&name.0);
        Self(path)
    }

    /// Whether it is this folder, or lies below it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        let rest = self.0.strip_prefix(folder.0.as_slice());
        rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || folder.0.last() == Some(&b'/'))
    }
}

fn is_hidden(character: char) -> bool {
    let turns =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    character.is_control() || turns || matches!(character, '\u{feff}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

impl fmt::Display for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) if !text.chars().any(char::is_control) && !text.starts_with(MARK) => f.write_str(text),
            _ => write!(f, "{MARK}{}", BASE64URL_NOPAD.encode_display(&self.0)),
        }
    }
}

impl fmt::Debug for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawPath({})", self.shown())
    }
}

impl FromStr for RawPath {
    type Err = ParseRawPathError;

    fn from_str(text: &str) -> Result<Self, ParseRawPathError> {
        match text.strip_prefix(MARK) {
            None => Ok(Self::new(text)),
            Some(bytes) => BASE64URL_NOPAD.decode(bytes.as_bytes()).map(Self).map_err(|_| ParseRawPathError),
        }
    }
}

impl Serialize for RawPath {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RawPath {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let path = RawPath::new(bytes);
            let text = path.to_string();
            prop_assert_eq!(text.parse::<RawPath>(), Ok(path.clone()));
            prop_assert!(text.len() <= MARK.len() + path.as_bytes().len() * 4 / 3 + 2);
            let json = serde_json::to_string(&path).unwrap();
            prop_assert!(json.len() <= 16 + 2 * path.as_bytes().len());
            prop_assert_eq!(serde_json::from_str::<RawPath>(&json).unwrap(), path);
        }

        #[test]
        fn what_is_joined_comes_apart(folder in "(/[a-z]{1,4}){0,4}", name in "[^/]{1,8}") {
            let folder = if folder.is_empty() { RawPath::root() } else { folder.parse().unwrap() };
            let path = folder.join(&RawPath::new(name.clone()));
            prop_assert_eq!((path.parent(), path.name()), (folder.clone(), RawPath::new(name)));
            prop_assert!(path.is_within(&folder) && path.is_within(&path) && path.is_within(&RawPath::root()));
        }
    }

    #[test]
    fn what_is_shown_hides_nothing() {
        let path = RawPath::new("/a\nb/\u{202e}c\\d/\u{feff}");
        assert_eq!(path.shown(), r"/a\nb/\u{202e}c\\d/\u{feff}");
        assert!(!RawPath::new("/srv-old").is_within(&RawPath::new("/srv")));
    }
}
