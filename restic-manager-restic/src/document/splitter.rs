use super::Element;
use crate::DocumentError;

/// Finds the objects of a JSON array in bytes that come in pieces, holding one object at a time.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    limit_bytes: usize,
    buffer: Vec<u8>,
    start: usize,
    place: Place,
    scan: Scan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a line of text, with so many bytes known to be a bracket and blanks.
    LineStart {
        blanks: usize,
    },
    /// In a line of text.
    Line,
    Array,
    After,
    Broken,
}

/// How far the object at `start` was looked through.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    length: usize,
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
}

/// What comes next in the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Object,
    End,
    Surprise,
}

impl Splitter {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            buffer: Vec::new(),
            start: 0,
            place: Place::LineStart { blanks: 0 },
            scan: Scan::default(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.buffer.len() - self.start <= self.start {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// What is there to be read.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Passes over bytes that the caller has dealt with.
    pub(super) fn consume(&mut self, length: usize) {
        self.start += length;
    }

    /// Gives up: nothing more is read.
    pub(super) fn break_off(&mut self) {
        self.place = Place::Broken;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.place == Place::Broken
    }

    /// Whether an array began and did not end, or `None` if there was none.
    pub(super) fn ending(&self) -> Option<bool> {
        match self.place {
            Place::LineStart { .. } | Place::Line => None,
            Place::Array | Place::Broken => Some(false),
            Place::After => Some(true),
        }
    }

    /// Goes to the next object of the outer array, through text before the array. `None`: more bytes are needed.
    pub(super) fn seek(&mut self) -> Option<Next> {
        loop {
            match self.place {
                Place::LineStart { blanks } => self.leave_line_start(blanks)?,
                Place::Line => self.leave_line()?,
                Place::After | Place::Broken => {
                    self.discard();
                    return None;
                }
                Place::Array => {
                    let next = self.peek()?;
                    if next == Next::End {
                        self.place = Place::After;
                        continue;
                    }
                    return Some(next);
                }
            }
        }
    }

    /// Passes over blanks and commas and says what comes next in whatever array this is.
    pub(super) fn peek(&mut self) -> Option<Next> {
        let skipped =
            self.rest().iter().take_while(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')).count();
        self.start += skipped;
        Some(match self.rest().first()? {
            b'{' => Next::Object,
            b']' => Next::End,
            _ => Next::Surprise,
        })
    }

    /// The object at hand, once all of it is there. One that the guided way takes needs no search for its end.
    pub(super) fn object<'a, T: Element<'a>>(&'a mut self) -> Option<Result<T, DocumentError>> {
        let rest = &self.buffer[self.start..];
        if self.scan.length == 0
            && let Some((element, length)) = T::guided(rest)
            && length <= self.limit_bytes
        {
            self.start += length;
            return Some(Ok(element));
        }
        let end = self.scan.advance(rest);
        if end.unwrap_or(rest.len()) > self.limit_bytes {
            self.place = Place::Broken;
            return Some(Err(DocumentError::ElementTooLong { limit_bytes: self.limit_bytes }));
        }
        self.scan = if end.is_some() { Scan::default() } else { self.scan };
        self.start += end?;
        Some(read(&rest[..end?]))
    }

    /// What is left of an object whose beginning was consumed, up to and with its closing brace.
    pub(super) fn tail(&mut self) -> Option<Result<&[u8], DocumentError>> {
        let rest = &self.buffer[self.start..];
        self.scan.depth = self.scan.depth.max(1);
        let end = self.scan.advance(rest);
        if end.unwrap_or(rest.len()) > self.limit_bytes {
            self.place = Place::Broken;
            return Some(Err(DocumentError::ElementTooLong { limit_bytes: self.limit_bytes }));
        }
        self.scan = if end.is_some() { Scan::default() } else { self.scan };
        self.start += end?;
        Some(Ok(&rest[..end?]))
    }

    /// A line is the array only if an object or its end follows the bracket: progress looks like `[0:00] 100%`.
    fn leave_line_start(&mut self, blanks: usize) -> Option<()> {
        let rest = self.rest();
        if *rest.first()? != b'[' {
            self.place = Place::Line;
            return Some(());
        }
        let unseen = &rest[blanks.max(1)..];
        match unseen.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            Some(b'{' | b']') => {
                self.start += 1;
                self.place = Place::Array;
            }
            Some(_) => self.place = Place::Line,
            None if rest.len() > self.limit_bytes => self.break_off(),
            None => {
                self.place = Place::LineStart { blanks: rest.len() };
                return None;
            }
        }
        Some(())
    }

    fn leave_line(&mut self) -> Option<()> {
        match memchr::memchr(b'\n', self.rest()) {
            Some(end) => {
                self.start += end + 1;
                self.place = Place::LineStart { blanks: 0 };
                Some(())
            }
            None => {
                self.discard();
                None
            }
        }
    }

    fn discard(&mut self) {
        self.buffer.clear();
        self.start = 0;
        self.scan = Scan::default();
    }
}

fn read<'a, T: Element<'a>>(object: &'a [u8]) -> Result<T, DocumentError> {
    match T::guided(object) {
        Some((element, length)) if length == object.len() => Ok(element),
        _ => {
            serde_json::from_slice(object).map_err(|error| DocumentError::Shape { detail: error.to_string() })
        }
    }
}

impl Scan {
    /// Looks on from where it stopped; the length of the object once its end is found.
    fn advance(&mut self, object: &[u8]) -> Option<usize> {
        while self.length < object.len() {
            if self.is_in_text {
                self.pass_text(object)?;
                continue;
            }
            let byte = object[self.length];
            self.length += 1;
            match byte {
                b'"' => self.is_in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(self.length);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn pass_text(&mut self, object: &[u8]) -> Option<()> {
        if std::mem::take(&mut self.is_escaped) {
            self.length += 1;
            return Some(());
        }
        let Some(at) = memchr::memchr2(b'"', b'\\', &object[self.length..]) else {
            self.length = object.len();
            return None;
        };
        self.length += at + 1;
        if object[self.length - 1] == b'"' {
            self.is_in_text = false;
        } else {
            self.is_escaped = true;
        }
        Some(())
    }
}
