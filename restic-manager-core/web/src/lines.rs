//! Texts as the lines of a text area, and back: whatever the texts hold, what nobody changed comes back as it was.
//!
//! A text that a line cannot hold (it has line breaks or other control characters, blanks around it, or nothing in
//! it) stands there as a JSON string, in double quotes. So does one that would be taken for such a string.

/// One line for each text.
pub(crate) fn write(texts: &[String]) -> String {
    texts
        .iter()
        .map(|text| if is_plain(text) { text.clone() } else { quoted(text) })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The texts of the lines that are not blank.
pub(crate) fn read(area: &str) -> Vec<String> {
    numbered(area).map(|(_, line)| unquoted(line).unwrap_or_else(|| line.to_owned())).collect()
}

/// The lines that are not blank with their numbers, counted from one.
pub(crate) fn numbered(area: &str) -> impl Iterator<Item = (usize, &str)> {
    area.split('\n').enumerate().map(|(at, line)| (at + 1, line.trim())).filter(|(_, line)| !line.is_empty())
}

/// Whether a line is there that is read as a JSON string.
pub(crate) fn has_quoted(area: &str) -> bool {
    numbered(area).any(|(_, line)| unquoted(line).is_some())
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control) && unquoted(text).is_none()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn unquoted(line: &str) -> Option<String> {
    if line.starts_with('"') { serde_json::from_str(line).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_texts_come_back_from_their_lines() {
        let texts: Vec<String> = [
            "/etc",
            "/srv/a b",
            " /lead",
            "/trail ",
            "",
            "\u{a0}",
            "a\rb",
            "a\nb",
            "a\tb",
            "نیم\u{200c}فاصله",
            "-dash",
            "\u{202e}txt",
            "\"",
            "\"quoted\"",
            "\"\\u0041\"",
            "'",
            "a\u{85}b",
            "\u{1b}[2J",
            "\\",
            "*.tmp",
        ]
        .map(str::to_owned)
        .into();
        let area = write(&texts);
        assert_eq!(read(&area), texts);
        assert!(area.starts_with("/etc\n/srv/a b\n\" /lead\"\n"), "{area}");
        assert!(has_quoted(&area) && !has_quoted("/etc\n\"open"));
    }

    #[test]
    fn typed_lines_are_trimmed_and_blank_ones_skipped() {
        assert_eq!(read(" /etc \n\n\t/srv\n"), ["/etc", "/srv"]);
        assert_eq!(numbered("\n a\n").collect::<Vec<_>>(), [(2, "a")]);
    }
}
