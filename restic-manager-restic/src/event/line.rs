//! One line read: the guided way where it applies, the general one elsewhere.

use super::{EventRef, general, guided};

impl<'a> EventRef<'a> {
    /// Decodes one line, given without or with its end.
    ///
    /// ```
    /// use restic_manager_restic::EventRef;
    ///
    /// let event = EventRef::from_line(br#"{"message_type":"summary"}"#);
    /// assert!(matches!(event, EventRef::RestoreSummary(_)));
    /// ```
    #[inline]
    pub fn from_line(line: &'a [u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match guided::event(line) {
            Some(event) => event,
            None => general::event(line),
        }
    }
}
