//! The five fields of cron, as times of day and days of the calendar; zones are not known here.

use core::{fmt, str::FromStr};
use jiff::civil::{Date, DateTime};

/// Longest text, in bytes.
const LONGEST: usize = 200;
/// How far the next time is searched for. 29 February on a given weekday comes at least every 40 years.
const SEARCH_YEARS: i16 = 41;
const SUNDAY: u8 = 7;

/// When something is due, by the clock on the wall: minute, hour, day of month, month, day of week.
///
/// A field is `*`, or a list of numbers, names and ranges, each range with an optional step. As in other crons, when
/// both day fields are restricted, either one is enough; a field that begins with `*` does not count as restricted.
///
/// ```
/// use restic_manager_core::schedule::Cron;
/// let cron: Cron = "30 2 * * mon-fri".parse()?;
/// assert_eq!(cron.to_string(), "30 2 * * mon-fri");
/// assert!("30 2 30 2 *".parse::<Cron>().is_err(), "there is no 30 February");
/// # Ok::<(), restic_manager_core::schedule::CronError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether either day field is enough.
    either_day: bool,
}

/// A text is not a time of cron.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It is longer than any that makes sense.
    #[error("longer than {LONGEST} bytes; a schedule is five fields, such as `30 2 * * mon-fri`")]
    TooLong,
    /// It has not five fields.
    #[error(
        "{count} fields instead of five: minute, hour, day of month, month, day of week, such as `30 2 * * mon-fri`"
    )]
    Fields {
        /// How many it has.
        count: usize,
    },
    /// It is a nickname that this cron does not know.
    #[error(
        "`{0}` is not known; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"
    )]
    Nickname(String),
    /// A field holds something that it cannot.
    #[error("`{part}` as {field}: {problem}")]
    Field {
        /// Which field.
        field: &'static str,
        /// The part of it.
        part: String,
        /// What is wrong, with an example.
        problem: String,
    },
    /// No such date ever comes.
    #[error(
        "never comes: no month named there has such a day; for the last days of a month write `28-31` or `*`"
    )]
    Never,
}

struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    /// Names in place of numbers, from `low` on.
    names: &'static [&'static str],
    example: &'static str,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[], example: "`0`, `*/15` or `5,35`" },
    Field { name: "hour", low: 0, high: 23, names: &[], example: "`2`, `*/6` or `8-18`" },
    Field { name: "day of month", low: 1, high: 31, names: &[], example: "`1`, `1,15` or `*`" },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        example: "`1`, `jan-mar` or `*`",
    },
    Field {
        name: "day of week",
        low: 0,
        high: 6,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        example: "`0` for Sunday, `mon-fri` or `*`",
    },
];

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

impl Cron {
    /// The first time at or after `from`; seconds of `from` do not count. `None` when there is none before the end
    /// of the calendar.
    #[must_use]
    pub fn next(&self, from: DateTime) -> Option<DateTime> {
        let last_year = from.year().saturating_add(SEARCH_YEARS);
        let mut date = from.date();
        let mut start = (from.hour().unsigned_abs(), from.minute().unsigned_abs());
        while date.year() <= last_year {
            if !has(self.months, date.month().unsigned_abs()) {
                date = date.last_of_month().tomorrow().ok()?;
            } else {
                if self.is_day(date)
                    && let Some((hour, minute)) = self.time_from(start.0, start.1)
                {
                    return Some(date.at(hour.cast_signed(), minute.cast_signed(), 0, 0));
                }
                date = date.tomorrow().ok()?;
            }
            start = (0, 0);
        }
        None
    }

    fn is_day(&self, date: Date) -> bool {
        let day = has(self.days, date.day().unsigned_abs());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset().unsigned_abs());
        if self.either_day { day || weekday } else { day && weekday }
    }

    fn time_from(&self, hour: u8, minute: u8) -> Option<(u8, u8)> {
        if has(self.hours, hour)
            && let Some(minute) = first_from(self.minutes, minute)
        {
            return Some((hour, minute));
        }
        let hour = first_from(self.hours, hour + 1)?;
        Some((hour, first_from(self.minutes, 0)?))
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.len() > LONGEST {
            return Err(CronError::TooLong);
        }
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        if let [nickname] = words.as_slice()
            && nickname.starts_with('@')
        {
            let known = NICKNAMES.iter().find(|(name, _)| nickname.eq_ignore_ascii_case(name));
            let (name, fields) = known.ok_or_else(|| CronError::Nickname(quoted(nickname)))?;
            return Ok(Self { text: (*name).to_owned(), ..fields.parse()? });
        }
        let fields: [&str; 5] =
            words.as_slice().try_into().map_err(|_| CronError::Fields { count: words.len() })?;
        let mut sets = [0; 5];
        for ((set, field), text) in sets.iter_mut().zip(&FIELDS).zip(fields) {
            *set = field.parse(text)?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let either_day = !fields[2].starts_with('*') && !fields[4].starts_with('*');
        let text = words.join(" ").to_ascii_lowercase();
        let cron = Self { text, minutes, hours, days, months, weekdays, either_day };
        let comes = cron.next(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)).is_some();
        comes.then_some(cron).ok_or(CronError::Never)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, CronError> {
        let mut set = 0;
        for part in text.split(',') {
            set |= self.part(part)?;
        }
        Ok(set)
    }

    fn part(&self, part: &str) -> Result<u64, CronError> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((low, high)) => self.range(part, low, high)?,
            None if step.is_some() => {
                let problem = format!(
                    "a step needs a range, such as `*/{0}` or `{range}-{1}/{0}`",
                    step.unwrap_or("2"),
                    self.high
                );
                return Err(self.wrong(part, problem));
            }
            None => {
                let value = self.value(part, range)?;
                (value, value)
            }
        };
        let step = step.map_or(Ok(1), |step| self.step(part, step, high - low))?;
        Ok((low..=high).step_by(step.into()).map(|value| self.bit(value)).fold(0, |set, bit| set | bit))
    }

    fn range(&self, part: &str, low: &str, high: &str) -> Result<(u8, u8), CronError> {
        let (low, mut high) = (self.value(part, low)?, self.value(part, high)?);
        if self.is_weekday() && high == 0 && low > 0 {
            high = SUNDAY;
        }
        if low > high {
            let problem = "a range goes from the smaller to the larger; for one that wraps around write two with a comma";
            return Err(self.wrong(part, problem.to_owned()));
        }
        Ok((low, high))
    }

    fn step(&self, part: &str, step: &str, span: u8) -> Result<u8, CronError> {
        let problem = || match number(step) {
            Some(0) | None => "a step is a number from 1 on, such as `*/15`".to_owned(),
            Some(_) => format!(
                "the step is longer than the field, and it starts anew each time; write the times one by one, such as {}",
                self.example
            ),
        };
        number(step).filter(|step| (1..=span).contains(step)).ok_or_else(|| self.wrong(part, problem()))
    }

    fn value(&self, part: &str, text: &str) -> Result<u8, CronError> {
        let named = self.names.iter().zip(self.low..).find(|(name, _)| text.eq_ignore_ascii_case(name));
        let high = if self.is_weekday() { SUNDAY } else { self.high };
        named
            .map(|(_, value)| value)
            .or_else(|| number(text).filter(|value| (self.low..=high).contains(value)))
            .ok_or_else(|| {
                let problem = match text {
                    "?" | "L" | "W" | "l" | "w" => "this letter of other crons is not known here".to_owned(),
                    _ => format!("{} to {high} is possible", self.low),
                };
                self.wrong(part, format!("{problem}; such as {}", self.example))
            })
    }

    /// Sunday is 0, and 7 as well.
    fn bit(&self, value: u8) -> u64 {
        1 << if self.is_weekday() { value % SUNDAY } else { value }
    }

    const fn is_weekday(&self) -> bool {
        self.high == 6
    }

    fn wrong(&self, part: &str, problem: String) -> CronError {
        CronError::Field { field: self.name, part: quoted(part), problem }
    }
}

/// One or two digits and nothing else.
fn number(text: &str) -> Option<u8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn has(set: u64, value: u8) -> bool {
    set & (1 << value) != 0
}

fn first_from(set: u64, value: u8) -> Option<u8> {
    let rest = set & (u64::MAX << value);
    (rest != 0).then(|| rest.trailing_zeros().try_into().ok())?
}

/// What somebody wrote, fit for a sentence.
fn quoted(text: &str) -> String {
    text.chars().take(32).flat_map(char::escape_debug).collect()
}
