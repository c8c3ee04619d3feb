//! Lengths of time as people type them: a number of the field's own unit, or numbers with units, such as `1 h 30 min`.

/// Seconds of a minute and an hour: the units that fields have.
pub(crate) const MINUTE: u64 = 60;
pub(crate) const HOUR: u64 = 60 * MINUTE;

const UNITS: [(&str, u64); 4] = [("d", 24 * HOUR), ("h", HOUR), ("min", MINUTE), ("s", 1)];

/// Exactly so many seconds: a bare number of `unit` where that is possible.
pub(crate) fn write(seconds: u64, unit: u64) -> String {
    if seconds.is_multiple_of(unit) {
        return (seconds / unit).to_string();
    }
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, length) in UNITS {
        if rest >= length {
            parts.push(format!("{} {name}", rest / length));
            rest %= length;
        }
    }
    parts.join(" ")
}

/// The seconds that are meant; a number without a unit counts `unit`s.
pub(crate) fn read(text: &str, unit: u64) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = split_at(rest, |c| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
        let (name, after) = split_at(after.trim_start(), |c| !c.is_ascii_alphabetic());
        let length = match name {
            "" if after.is_empty() => unit,
            "m" => MINUTE,
            name => UNITS.iter().find(|(known, _)| *known == name)?.1,
        };
        total = total.checked_add(seconds(number, length)?)?;
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

fn split_at(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// So many of a unit; part of one too, to the second.
fn seconds(number: &str, unit: u64) -> Option<u64> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit);
    }
    let number: f64 = number.replace(',', ".").parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "a unit is a day at most")]
    let length = std::time::Duration::try_from_secs_f64(number * unit as f64).ok()?;
    Some(length.as_secs() + u64::from(length.subsec_millis() >= 500))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_as_it_was_written() {
        for seconds in (0..10_000).chain([86_399, 86_400, 86_401, 90_061, 4_294_967_295]) {
            for unit in [MINUTE, HOUR] {
                let text = write(seconds, unit);
                assert_eq!(read(&text, unit), Some(seconds), "{text}");
            }
        }
        assert_eq!((write(30, MINUTE), write(4000, HOUR)), ("30 s".to_owned(), "1 h 6 min 40 s".to_owned()));
    }

    #[test]
    fn people_write_parts_and_units_of_their_own() {
        for (text, seconds) in [
            ("10", 600),
            ("1.5", 90),
            ("1,5", 90),
            ("90 s", 90),
            ("1h30m", 5400),
            (" 2 d ", 172_800),
            ("0", 0),
        ] {
            assert_eq!(read(text, MINUTE), Some(seconds), "{text}");
        }
        for text in ["", "ten", "1 2", "-1", "1 fortnight", ".", "99999999999999999999", "h"] {
            assert_eq!(read(text, MINUTE), None, "{text}");
        }
    }
}
