//! Which snapshots of a source group are kept.

use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize, de, ser};

/// A retention policy: a snapshot stays that any of its rules wants. Spans count back from the newest snapshot of the
/// source group, not from now.
///
/// A policy without rules keeps everything, and is never sent to restic.
///
/// ```
/// use restic_manager_proto::Retention;
///
/// let policy: Retention = serde_json::from_str(r#"{"daily": 14, "within": "2d12h"}"#)?;
/// assert_eq!((policy.daily, policy.within.map(|span| span.days)), (Some(14), Some(2)));
/// assert!(!policy.is_empty() && Retention::default().is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "written by callers; a rule more is a new minor version")]
pub struct Retention {
    /// The newest ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// The newest of each of so many hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<u32>,
    /// The newest of each of so many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<u32>,
    /// The newest of each of so many weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<u32>,
    /// The newest of each of so many months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<u32>,
    /// The newest of each of so many years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yearly: Option<u32>,
    /// All within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// The newest of each hour within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_hourly: Option<Span>,
    /// The newest of each day within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_daily: Option<Span>,
    /// The newest of each week within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_weekly: Option<Span>,
    /// The newest of each month within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_monthly: Option<Span>,
    /// The newest of each year within a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_yearly: Option<Span>,
}

impl Retention {
    /// Whether it has no rule, and so keeps everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rules that keep so many, by name.
    #[must_use]
    pub const fn counts(&self) -> [(&'static str, Option<u32>); 6] {
        [
            ("last", self.last),
            ("hourly", self.hourly),
            ("daily", self.daily),
            ("weekly", self.weekly),
            ("monthly", self.monthly),
            ("yearly", self.yearly),
        ]
    }

    /// The rules that keep what is within a span, by name.
    #[must_use]
    pub const fn spans(&self) -> [(&'static str, Option<Span>); 6] {
        [
            ("within", self.within),
            ("within_hourly", self.within_hourly),
            ("within_daily", self.within_daily),
            ("within_weekly", self.within_weekly),
            ("within_monthly", self.within_monthly),
            ("within_yearly", self.within_yearly),
        ]
    }
}

/// In words, such as `daily 14, monthly 12, within 2d`.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("everything");
        }
        let mut separator = "";
        for (name, count) in self.counts() {
            if let Some(count) = count {
                write!(f, "{separator}{name} {count}")?;
                separator = ", ";
            }
        }
        for (name, span) in self.spans() {
            if let Some(span) = span {
                write!(f, "{separator}{} {span}", name.replace('_', " "))?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// A stretch of the calendar, written as restic writes it: `1y6m14d12h`. There are no weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("examples" = ["1y6m14d12h"])))]
#[expect(clippy::exhaustive_structs, reason = "complete: the units that restic knows")]
pub struct Span {
    /// Years.
    pub years: u16,
    /// Months.
    pub months: u16,
    /// Days.
    pub days: u16,
    /// Hours.
    pub hours: u16,
}

/// A text is not a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write years, months, days and hours in this order, such as 1y6m14d12h or 30d")]
#[non_exhaustive]
pub struct ParseSpanError;

impl Span {
    /// Whether it has no length.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.years, 'y'), (self.months, 'm'), (self.days, 'd'), (self.hours, 'h')];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        if self.is_zero() { f.write_str("0h") } else { Ok(()) }
    }
}

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, ParseSpanError> {
        let (mut span, mut rest, mut seen) = (Self::default(), text, 0);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(ParseSpanError)?;
            let number: u16 = rest[..digits].parse().map_err(|_| ParseSpanError)?;
            let (place, target) = match rest.as_bytes()[digits] {
                b'y' => (1, &mut span.years),
                b'm' => (2, &mut span.months),
                b'd' => (3, &mut span.days),
                b'h' => (4, &mut span.hours),
                _ => return Err(ParseSpanError),
            };
            if place <= seen {
                return Err(ParseSpanError);
            }
            (*target, seen, rest) = (number, place, &rest[digits + 1..]);
        }
        if seen == 0 { Err(ParseSpanError) } else { Ok(span) }
    }
}

impl Serialize for Span {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
