use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A moment as restic prints it: RFC 3339 with up to nanoseconds and the offset of the machine that wrote it.
///
/// Ordered by the moment itself, whatever the offset, so that snapshots of hosts in different zones sort rightly;
/// the printed texts must not be compared as strings. [`Display`](fmt::Display) gives back the text restic printed.
///
/// ```
/// use restic_manager_restic::Timestamp;
///
/// let kolkata: Timestamp = "2026-11-22T08:00:00.5+05:30".parse()?;
/// let utc: Timestamp = "2026-11-22T02:30:01Z".parse()?;
/// assert!(kolkata < utc);
/// assert_eq!(kolkata.unix_seconds(), 1_795_314_600);
/// # Ok::<(), restic_manager_restic::ParseTimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_seconds: i64,
    nanoseconds: u32,
    offset_minutes: i16,
}

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseTimestampError;

impl Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, negative before.
    pub const fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// Nanoseconds since the last whole second, below 1 000 000 000.
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The zone of the text, in minutes east of UTC.
    pub const fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let (time, rest) = Self::from_start(text)?;
        rest.is_empty().then_some(time)
    }

    /// Reads the time that these bytes begin with and gives back what follows it.
    #[inline]
    pub(crate) fn from_start(text: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = text.split_first_chunk::<19>()?;
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = *head
        else {
            return None;
        };
        let year = pair(y1, y2) * 100 + pair(y3, y4);
        let (month, day) = (pair(m1, m2), pair(d1, d2));
        let (hour, minute, second) = (pair(h1, h2), pair(n1, n2), pair(s1, s2));
        // A byte that is no digit makes its pair too large for any of these.
        let is_plain = year <= 9999 && hour <= 23 && minute <= 59 && second <= 59;
        if !is_plain || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        let (nanoseconds, rest) = fraction(rest)?;
        let (offset_minutes, rest) = offset(rest)?;
        let clock = i64::from(hour * 3600 + minute * 60 + second);
        let unix_seconds =
            days_from_epoch(year, month, day) * 86_400 + clock - i64::from(offset_minutes) * 60;
        Some((Self { unix_seconds, nanoseconds, offset_minutes }, rest))
    }
}

/// Larger than any part of a time.
const NO_DIGITS: u32 = 100_000;

/// The value of a pair of ASCII digits, or at least [`NO_DIGITS`].
#[inline(always)]
fn pair(tens: u8, ones: u8) -> u32 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    let value = u32::from(tens) * 10 + u32::from(ones);
    if tens > 9 || ones > 9 { NO_DIGITS } else { value }
}

/// The part after the seconds: nanoseconds and what follows them.
#[inline]
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    if let Some((nine, rest)) = digits.split_first_chunk::<9>()
        && let Some(value) = nine_digits(*nine)
    {
        return match rest.first() {
            Some(b'0'..=b'9') => None,
            _ => Some((value, rest)),
        };
    }
    let mut value = 0;
    let mut count = 0;
    while let Some(digit) = digits.get(count).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9)
    {
        value = value * 10 + u32::from(digit);
        count += 1;
        if count > 8 {
            return None;
        }
    }
    (count > 0).then(|| (value * 10_u32.pow(9 - count as u32), &digits[count..]))
}

/// The value of nine ASCII digits: eight at once, then one.
#[inline(always)]
fn nine_digits(bytes: [u8; 9]) -> Option<u32> {
    let [head @ .., last] = bytes;
    let word = u64::from_le_bytes(head);
    let last = last.wrapping_sub(b'0');
    // Digits are 0x30 to 0x39: the upper half of each byte is 3, also after adding 6.
    const UPPER: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    const THREES: u64 = 0x3030_3030_3030_3030;
    let is_digits = word & UPPER == THREES && word.wrapping_add(0x0606_0606_0606_0606) & UPPER == THREES;
    if !is_digits || last > 9 {
        return None;
    }
    // Each step joins neighbours: ones to pairs, pairs to fours, fours to the whole.
    let ones = word - THREES;
    let pairs = ones.wrapping_mul(10).wrapping_add(ones >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    Some(eight as u32 * 10 + u32::from(last))
}

#[inline]
fn offset(zone: &[u8]) -> Option<(i16, &[u8])> {
    let (sign, rest) = match zone {
        [b'Z', rest @ ..] => return Some((0, rest)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2, rest @ ..] = rest else {
        return None;
    };
    let (hours, minutes) = (pair(*h1, *h2), pair(*m1, *m2));
    (hours <= 24 && minutes <= 59).then(|| (sign * (hours * 60 + minutes) as i16, rest))
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March so that the leap day comes last, and
/// from 400 years earlier so that none is negative.
const fn days_from_epoch(year: u32, month: u32, day: u32) -> i64 {
    const DAYS_BEFORE_EPOCH: i64 = 719_468 + 146_097;
    let year = year + 400 - (month <= 2) as u32;
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    days as i64 - DAYS_BEFORE_EPOCH
}

/// The inverse of [`days_from_epoch`].
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The text that restic prints for this moment: no trailing zeros in the fraction, `Z` for offset zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_seconds + i64::from(self.offset_minutes) * 60;
        let (year, month, day) = date_from_days(local.div_euclid(86_400));
        let clock = local.rem_euclid(86_400);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds != 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset_minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes()).ok_or(ParseTimestampError)
    }
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is no RFC 3339 time such as 2026-11-22T02:30:01.5Z")
    }
}

impl std::error::Error for ParseTimestampError {}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimestampVisitor;
        impl Visitor<'_> for TimestampVisitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(TimestampVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn printed_texts_come_back() {
        for text in [
            "2026-11-22T02:53:44.707397797Z",
            "2024-03-01T12:00:00.123456789+05:30",
            "1969-12-31T23:59:59.9-03:30",
            "0001-01-01T00:00:00Z",
            "0000-02-29T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            "2000-02-29T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().map(|time| time.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn known_moments() {
        let seconds = |text: &str| text.parse::<Timestamp>().map(Timestamp::unix_seconds);
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(seconds("2000-03-01T00:00:00Z"), Ok(951_868_800));
        assert_eq!(seconds("2026-11-22T02:32:02Z"), Ok(1_795_314_722));
        assert_eq!(seconds("1969-12-31T23:59:59.5Z"), Ok(-1));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22 02:32:05",
            "2026-11-22T02:32:05",
            "2026-13-22T02:32:05Z",
            "2026-02-29T02:32:05Z",
            "2026-11-00T02:32:05Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T02:32:05.Z",
            "2026-11-22T02:32:05.1234567890Z",
            "2026-11-22T02:32:05+5:30",
            "2026-11-22T02:32:05Zx",
            "é026-11-22T02:32:05Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
