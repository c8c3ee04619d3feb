use std::{borrow::Cow, collections::VecDeque};

use crate::redact;

/// The end of a stream, within a limit.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
    is_cut: bool,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: VecDeque::new(), limit, is_cut: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = match bytes.len().checked_sub(self.limit) {
            Some(excess) if excess > 0 => {
                self.is_cut = true;
                &bytes[excess..]
            }
            _ => bytes,
        };
        let excess = (self.bytes.len() + bytes.len()).saturating_sub(self.limit);
        if excess > 0 {
            self.is_cut = true;
            self.bytes.drain(..excess);
        }
        self.bytes.extend(bytes);
    }

    /// The text, without secrets. A first line that was cut is left out: half a secret cannot be told from a word.
    pub(super) fn into_text(self) -> String {
        let bytes: Vec<u8> = self.bytes.into();
        let whole = match (self.is_cut, bytes.iter().position(|byte| *byte == b'\n')) {
            (false, _) => &bytes[..],
            (true, Some(end)) => &bytes[end + 1..],
            (true, None) => &[],
        };
        let text = String::from_utf8_lossy(whole);
        match redact::text(&text) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(limit: usize, pieces: &[&str]) -> String {
        let mut tail = Tail::new(limit);
        for piece in pieces {
            tail.push(piece.as_bytes());
        }
        tail.into_text()
    }

    #[test]
    fn the_end_is_kept_in_whole_lines() {
        assert_eq!(tail(10, &["abc\n"]), "abc\n");
        assert_eq!(tail(8, &["abc\n", "def\n", "ghi\n"]), "ghi\n");
        assert_eq!(tail(8, &["abc\ndef\nghi\n"]), "ghi\n");
        assert_eq!(tail(4, &["a line without an end"]), "");
        assert_eq!(tail(0, &["abc\n"]), "");
    }

    #[test]
    fn secrets_are_taken_out() {
        assert_eq!(tail(100, &["rest:https://me:hun", "ter2@host/\n"]), "rest:https://me:***@host/\n");
    }
}
