//! Text for human eyes: hostile characters made visible, sizes, moments and lengths of time.

use restic_manager_proto::Timestamp;
use std::{borrow::Cow, collections::BTreeSet, time::Duration};

/// The text with every character that could deceive or disturb replaced by a visible mark.
///
/// Control characters become their Unicode pictures (`␀`), those that reorder or hide text become their
/// code point in brackets, so that a file name can neither break a line nor pose as another.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push_visible(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// The same for text of several lines: keeps line feeds and tabs.
pub(crate) fn visible_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            other => push_visible(&mut shown, other),
        }
    }
    shown
}

/// Names the characters that cannot be seen, where a field has to hold them as they are.
pub(crate) fn unseen(text: &str) -> Option<String> {
    let hidden = |character: &char| is_hostile(*character) && !matches!(character, '\n' | '\t');
    let found: BTreeSet<char> = text.chars().filter(hidden).collect();
    let codes: Vec<_> =
        found.into_iter().map(|character| format!("U+{:04X}", u32::from(character))).collect();
    (!codes.is_empty()).then(|| format!("Holds characters that cannot be seen: {}.", codes.join(", ")))
}

fn push_visible(shown: &mut String, character: char) {
    match character {
        '\u{00}'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
        '\u{7f}' => shown.push('\u{2421}'),
        hostile if is_hostile(hostile) => {
            shown.push_str(&format!("‹U+{:04X}›", u32::from(hostile)));
        }
        harmless => shown.push(harmless),
    }
}

fn is_hostile(character: char) -> bool {
    matches!(character,
        '\u{00}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A size with a binary unit and three significant digits: `1.50 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A whole number in groups of three: `1 234 567`, with narrow no-break spaces.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// Permissions as `ls` shows them, without the letter of the kind.
pub(crate) fn permissions(mode: u32) -> String {
    (0..9).map(|bit| if mode & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect()
}

/// A length of time in its two largest units: `2 h 5 min`.
pub(crate) fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{} ms", length.as_millis()),
        1..=59 => format!("{seconds} s"),
        60..=3599 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..=86_399 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// How a moment lies to now: `just now`, `5 min ago`, `in 2 h`.
pub(crate) fn relative(moment: Timestamp, now: Timestamp) -> String {
    let (distance, ahead) = if moment > now { (moment.since(now), true) } else { (now.since(moment), false) };
    let seconds = distance.as_secs();
    let length = match seconds {
        0..=9 => return "just now".to_owned(),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        86_400..=5_183_999 => format!("{} d", seconds / 86_400),
        5_184_000..=63_071_999 => format!("{} months", seconds / 2_592_000),
        _ => format!("{} years", seconds / 31_536_000),
    };
    if ahead { format!("in {length}") } else { format!("{length} ago") }
}

/// The day of a moment in UTC.
pub(crate) fn date(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}

/// A moment to the second with its zone: `2026-11-22 03:00:00 UTC`.
pub(crate) fn absolute(moment: Timestamp) -> String {
    let text = moment.to_string();
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..8).unwrap_or(time)),
        None => text,
    }
}

/// What a browser calls itself, in the words of people: `Firefox on Linux`. Names that contain others come first.
pub(crate) fn browser(said: &str) -> String {
    const BROWSERS: &[(&str, &str)] = &[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Vivaldi", "Vivaldi"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("HeadlessChrome", "Chrome"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
        ("curl", "curl"),
    ];
    const SYSTEMS: &[(&str, &str)] = &[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name)
    };
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Unknown browser on {system}"),
        (None, None) if said.is_empty() => "Unknown browser".to_owned(),
        (None, None) => said.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_shown_and_harmless_ones_kept() {
        assert_eq!(visible("a\nb\u{1b}[31m"), "a\u{240a}b\u{241b}[31m");
        assert_eq!(visible("invoice\u{202e}fdp.exe"), "invoice‹U+202E›fdp.exe");
        assert_eq!(visible("\u{feff}\u{200b}x\u{7f}"), "‹U+FEFF›‹U+200B›x\u{2421}");
        assert_eq!(visible("Ünïcode/файл/文件 🗂"), "Ünïcode/файл/文件 🗂");
        assert_eq!(visible_lines("a\n\tb\r"), "a\n\tb\u{240d}");
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(unseen("/etc\n\t/srv ünï"), None);
        let told = unseen("a\u{202e}b\u{200c}c\u{200c}").unwrap();
        assert_eq!(told, "Holds characters that cannot be seen: U+200C, U+202E.");
    }

    #[test]
    fn sizes_have_three_digits_at_most() {
        let shown: Vec<String> =
            [0, 1023, 1024, 1536, 10_240, 1_048_063, 1_048_576, 5_368_709_120, u64::MAX].map(size).into();
        assert_eq!(
            shown,
            [
                "0 B", "1023 B", "1.00 KiB", "1.50 KiB", "10.0 KiB", "1.00 MiB", "1.00 MiB", "5.00 GiB",
                "16.0 EiB"
            ]
        );
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }

    #[test]
    fn times_are_told_in_their_largest_units() {
        let now = Timestamp::from_milliseconds(1_795_316_400_000);
        let ago = |seconds| relative(now.before(Duration::from_secs(seconds)), now);
        assert_eq!(
            [0, 59, 60, 7200, 86_400 * 3].map(ago),
            ["just now", "59 s ago", "1 min ago", "2 h ago", "3 d ago"]
        );
        assert_eq!(relative(now.after(Duration::from_secs(3700)), now), "in 1 h");
        assert_eq!(absolute(now), "2026-11-22 03:00:00 UTC");
        assert_eq!(duration(Duration::from_secs(7505)), "2 h 5 min");
        assert_eq!(duration(Duration::from_millis(420)), "420 ms");
    }

    #[test]
    fn browsers_are_called_as_people_call_them() {
        for (said, called) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "curl"),
            ("backup-report/1", "backup-report/1"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(said), called);
        }
    }
}
