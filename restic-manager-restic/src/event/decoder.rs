use std::ops::Range;

use super::{Event, EventRef};

/// Splits a stream of bytes into lines and each line into an [`Event`].
///
/// Push what was read, in any pieces; pull events until there is none. One decoder serves one stream: stdout and
/// stderr each need their own. Memory stays within [`Limits::line_bytes`] plus what was pushed and not yet pulled.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    limits: Limits,
    /// Bytes not yet handed out, and before `start` those that were.
    buffer: Vec<u8>,
    start: usize,
    /// Bytes before this one hold no end of a line (after `start`).
    scanned: usize,
    last_line: Range<usize>,
    /// The beginning of the last line, if that was overlong: it is in the buffer no longer.
    last_head: Option<Vec<u8>>,
    overlong: Option<Overlong>,
    is_finished: bool,
}

/// How much a [`Decoder`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest line that is decoded, in bytes without its end. Longer ones become [`Event::Overlong`].
    ///
    /// The default is 4 MiB: the first line of `ls` holds all paths of a backup, and a fatal error a whole stack
    /// trace. The one-line arrays of `snapshots`, `find` and `forget` have no bound at all; read them with
    /// [`document::Elements`](crate::document::Elements) or [`document::FindDecoder`](crate::document::FindDecoder).
    pub line_bytes: usize,
    /// How much of the beginning of an overlong line is kept, in bytes. The default is 4 KiB.
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 4 << 20, head_bytes: 4 << 10 }
    }
}

impl Limits {
    /// The same with another longest line.
    #[must_use]
    pub const fn with_line_bytes(self, line_bytes: usize) -> Self {
        Self { line_bytes, ..self }
    }

    /// The same with another length of the kept beginning.
    #[must_use]
    pub const fn with_head_bytes(self, head_bytes: usize) -> Self {
        Self { head_bytes, ..self }
    }
}

#[derive(Debug, Clone)]
struct Overlong {
    head: Vec<u8>,
    cut_bytes: u64,
}

/// Where the next line is.
enum Found {
    Whole(Range<usize>),
    Overlong(Overlong),
}

impl Decoder {
    /// A decoder with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder with limits of its own.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.forget_handed_out();
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that the stream has ended, so that a last line without an end becomes an event too.
    pub fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next event, or `None` until more bytes are pushed.
    pub fn next_event(&mut self) -> Option<Event> {
        self.next_event_ref().map(EventRef::into_owned)
    }

    /// The next event without copying its texts: it borrows from the decoder.
    pub fn next_event_ref(&mut self) -> Option<EventRef<'_>> {
        match self.next_line()? {
            Found::Whole(line) => {
                self.last_line = line.clone();
                self.last_head = None;
                Some(EventRef::from_line(&self.buffer[line]))
            }
            Found::Overlong(Overlong { head, cut_bytes }) => {
                let text = String::from_utf8_lossy(&head).into_owned();
                self.last_head = Some(head);
                Some(EventRef::Overlong { head: text.into(), cut_bytes })
            }
        }
    }

    /// The very bytes of the line that the last event came from, without its end, until more are pushed.
    /// Of an overlong line only the beginning.
    pub fn last_line(&self) -> &[u8] {
        match &self.last_head {
            Some(head) => head,
            None => self.buffer.get(self.last_line.clone()).unwrap_or_default(),
        }
    }

    /// How many bytes are held.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len() + self.overlong.as_ref().map_or(0, |overlong| overlong.head.len())
    }

    /// Moves the rest to the front once it is the smaller part, so that each byte is moved at most once.
    fn forget_handed_out(&mut self) {
        self.last_line = 0..0;
        self.last_head = None;
        if self.start > 0 && self.buffer.len() - self.start <= self.start {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
    }

    fn next_line(&mut self) -> Option<Found> {
        let Some(length) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return self.unfinished_line();
        };
        let line = self.start..self.scanned + length;
        self.start = line.end + 1;
        self.scanned = self.start;
        Some(self.bounded(line))
    }

    /// What stands after the last end of a line.
    fn unfinished_line(&mut self) -> Option<Found> {
        let line = self.start..self.buffer.len();
        if self.is_finished && (!line.is_empty() || self.overlong.is_some()) {
            self.start = line.end;
            return Some(self.bounded(line));
        }
        if self.overlong.is_some() || line.len() > self.limits.line_bytes {
            self.set_aside(line);
            self.buffer.truncate(self.start);
            self.scanned = self.start;
        }
        None
    }

    fn bounded(&mut self, line: Range<usize>) -> Found {
        if self.overlong.is_none() && line.len() <= self.limits.line_bytes {
            return Found::Whole(line);
        }
        self.set_aside(line);
        let mut overlong = self.overlong.take().unwrap_or(Overlong { head: Vec::new(), cut_bytes: 0 });
        let kept = length_of_whole_characters(&overlong.head);
        overlong.cut_bytes += (overlong.head.len() - kept) as u64;
        overlong.head.truncate(kept);
        Found::Overlong(overlong)
    }

    /// Adds a piece of an overlong line to its head, as far as that reaches.
    fn set_aside(&mut self, piece: Range<usize>) {
        let overlong = self.overlong.get_or_insert(Overlong { head: Vec::new(), cut_bytes: 0 });
        let room = self.limits.head_bytes.min(self.limits.line_bytes).saturating_sub(overlong.head.len());
        let kept = room.min(piece.len());
        overlong.head.extend_from_slice(&self.buffer[piece.start..piece.start + kept]);
        overlong.cut_bytes += (piece.len() - kept) as u64;
    }
}

/// The length without a character that was cut at the end.
fn length_of_whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    match std::str::from_utf8(&bytes[first_boundary(bytes, tail)..]) {
        Err(error) if error.error_len().is_none() => first_boundary(bytes, tail) + error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// The first place from `from` on where a character may begin.
fn first_boundary(bytes: &[u8], from: usize) -> usize {
    (from..bytes.len()).find(|index| bytes[*index] & 0xC0 != 0x80).unwrap_or(bytes.len())
}
