//! What restic puts around the words of a line.

/// The first line of a message without blanks, control sequences and the word `Fatal:`, which may stand twice.
pub(crate) fn first_words(message: &str) -> &str {
    let mut rest = without_control(message);
    while let Some(next) = rest.strip_prefix("Fatal:") {
        rest = next.trim_start();
    }
    rest.lines().next().unwrap_or_default().trim_end()
}

/// restic clears a terminal line or returns the carriage before some texts.
pub(crate) fn without_control(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(sequence) = rest.strip_prefix("\u{1b}[") {
        let end = sequence.find(|char: char| char.is_ascii_alphabetic()).map_or(sequence.len(), |at| at + 1);
        rest = sequence[end..].trim_start();
    }
    rest
}
