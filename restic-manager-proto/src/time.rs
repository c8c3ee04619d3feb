//! Moments and lengths of time as plain values; nothing here reads a clock.

use core::{fmt, str::FromStr, time::Duration};
use serde::{Deserialize, Serialize, de, ser};

/// A moment: milliseconds since 1970-01-01 00:00 UTC, RFC 3339 text in UTC on the wire.
///
/// ```
/// use restic_manager_proto::Timestamp;
/// let moment: Timestamp = "2026-11-22T03:00:00.250Z".parse()?;
/// assert_eq!(moment.as_milliseconds(), 1_795_316_400_250);
/// assert_eq!(moment.to_string(), "2026-11-22T03:00:00.25Z");
/// # Ok::<(), restic_manager_proto::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
pub struct Timestamp(i64);

/// A text is not a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time; a time looks like 2026-11-22T03:00:00Z")]
#[non_exhaustive]
pub struct ParseTimestampError;

impl Timestamp {
    /// The first moment that can be written: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last moment that can be written: 9999-12-30T22:00:00Z.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// A moment from milliseconds since the Unix epoch, clamped to what can be written.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        if milliseconds < Self::MIN.0 {
            Self::MIN
        } else if milliseconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(milliseconds)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_milliseconds(self) -> i64 {
        self.0
    }

    /// The moment `length` later; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        Self::from_milliseconds(self.0.saturating_add(milliseconds(length)))
    }

    /// The moment `length` earlier; stops at [`Timestamp::MIN`].
    #[must_use]
    pub fn before(self, length: Duration) -> Self {
        Self::from_milliseconds(self.0.saturating_sub(milliseconds(length)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        fmt::Display::fmt(&moment, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        Ok(Self::from_milliseconds(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time such as 2026-11-22T03:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
