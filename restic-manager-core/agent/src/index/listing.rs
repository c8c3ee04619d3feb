//! What `restic ls --json` prints, read into an index.
//!
//! restic writes U+FFFD for each byte of a name that is not UTF-8, as the escape `\ufffd`; the character itself it writes as
//! it is. So a name whose bytes are lost is told from every other. Where there is one, a second listing gives the bytes:
//! `restic ls` without JSON prints each path as it is, in the same order.

use restic_manager_restic::{
    Decoder, Event, EventRef,
    event::{Node, NodeKind},
};

use super::{
    builder::{Builder, Sink},
    catalogue::{Catalogue, SnapshotKey, Totals},
    entry::{Kind, Meta, Moment},
    error::{IndexError, ListingError},
};

/// Longest run of bytes without a name in a listing of names.
const NAMES_BYTES: usize = 4 << 20;

/// A listing that is being read.
#[derive(Debug)]
pub struct Listing<S> {
    key: SnapshotKey,
    decoder: Decoder,
    builder: Builder<S>,
    began: bool,
    names: Option<Names>,
}

impl<S: Sink> Listing<S> {
    /// Of a snapshot whose names are all UTF-8; one with others is refused with [`ListingError::NamesNeeded`].
    pub fn new(key: SnapshotKey, sink: S) -> Self {
        Self { key, decoder: Decoder::new(), builder: Builder::new(sink), began: false, names: None }
    }

    /// Of any snapshot, with a second listing that tells the bytes of all paths.
    pub fn with_names(key: SnapshotKey, sink: S) -> Self {
        Self { names: Some(Names::default()), ..Self::new(key, sink) }
    }

    /// Whether there is a second listing, of the names.
    #[must_use]
    pub const fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// What was read so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.builder.totals()
    }

    /// Whether the next entry waits for its name, and the listing of names is to be read on.
    #[must_use]
    pub fn wants_names(&self) -> bool {
        self.names.as_ref().is_some_and(|names| names.waiting.is_some())
    }

    /// Takes the next bytes of `restic ls --json`, when no name is wanted.
    ///
    /// # Errors
    /// When they are not the listing of this snapshot, or a block cannot be kept.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), IndexError> {
        self.decoder.push(chunk);
        self.go_on()
    }

    /// Takes the next bytes of the listing of names.
    ///
    /// # Errors
    /// When they are not the names of the entries, or a block cannot be kept.
    pub fn push_names(&mut self, chunk: &[u8]) -> Result<(), IndexError> {
        let names = self.names.as_mut().ok_or(ListingError::Names)?;
        names.push(chunk)?;
        self.go_on()
    }

    /// Ends it: both listings came to their good ends.
    ///
    /// # Errors
    /// When something is missing, or a block cannot be kept.
    pub fn finish(mut self) -> Result<(Catalogue, S), IndexError> {
        self.decoder.finish();
        self.go_on()?;
        if !self.began || self.names.is_some_and(|names| names.waiting.is_some() || names.left() > 0) {
            return Err(ListingError::Ended.into());
        }
        self.builder.finish(self.key)
    }

    /// Reads what is there, until there is no more or a name is wanted.
    fn go_on(&mut self) -> Result<(), IndexError> {
        loop {
            if let Some(names) = &mut self.names
                && let Some(node) = names.waiting.take()
            {
                let Some(path) = names.next(&node.path)? else {
                    names.waiting = Some(node);
                    return Ok(());
                };
                self.builder.add(path, meta(&node))?;
            }
            if !self.read_line()? {
                return Ok(());
            }
        }
    }

    /// Reads one line; says whether there was one.
    fn read_line(&mut self) -> Result<bool, IndexError> {
        match self.decoder.next_event_ref() {
            None => return Ok(false),
            Some(EventRef::Node(_)) if !self.began => return Err(ListingError::Snapshot.into()),
            Some(EventRef::Node(node)) => match &mut self.names {
                Some(names) => names.waiting = Some(node.into_owned()),
                None if !node.path.contains('\u{fffd}') => {
                    self.builder.add(node.path.as_bytes(), meta(&node))?
                }
                None => {
                    let node = node.into_owned();
                    if holds_replaced(self.decoder.last_line()) {
                        return Err(ListingError::NamesNeeded.into());
                    }
                    self.builder.add(node.path.as_bytes(), meta(&node))?;
                }
            },
            Some(EventRef::Snapshot(snapshot)) => {
                let id = snapshot.id.as_deref().map(str::parse);
                if self.began || id != Some(Ok(self.key.snapshot)) {
                    return Err(ListingError::Snapshot.into());
                }
                self.began = true;
            }
            // What restic says beside its messages.
            Some(EventRef::Text { .. }) => {}
            Some(other) => return Err(ListingError::Line(excerpt(&other.into_owned())).into()),
        }
        Ok(true)
    }
}

/// What is known of a node; what is below a folder is for the builder to find out.
fn meta<S: restic_manager_restic::Text>(node: &Node<S>) -> Meta {
    let mtime = Moment { seconds: node.mtime.unix_seconds(), nanoseconds: node.mtime.nanoseconds() };
    let mode = (node.mode.unix() & 0o7777) as u16;
    let size = node.size.unwrap_or_default();
    Meta { mode, uid: node.uid, gid: node.gid, size, mtime, ..Meta::new(kind(&node.kind)) }
}

fn kind<S: restic_manager_restic::Text>(kind: &NodeKind<S>) -> Kind {
    match kind {
        NodeKind::File => Kind::File,
        NodeKind::Dir => Kind::Dir,
        NodeKind::Symlink => Kind::Symlink,
        NodeKind::Device => Kind::Device,
        NodeKind::CharDevice => Kind::CharDevice,
        NodeKind::Fifo => Kind::Fifo,
        NodeKind::Socket => Kind::Socket,
        _ => Kind::Other,
    }
}

/// Whether a line of JSON holds the escape of U+FFFD, behind an even number of backslashes.
fn holds_replaced(line: &[u8]) -> bool {
    memchr::memmem::find_iter(line, br"\ufffd").any(|at| {
        let before = line[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        before.is_multiple_of(2)
    })
}

/// The beginning of what a line said, for people.
fn excerpt(event: &Event) -> String {
    let text = match event {
        Event::Unrecognized { text } | Event::Document { json: text } => text.as_str(),
        Event::Overlong { head, .. } => head.as_str(),
        Event::ExitError(error) => error.message.as_str(),
        _ => "a message of another command",
    };
    text[..text.floor_char_boundary(200)].to_owned()
}

/// The listing of names, as far as it was read.
#[derive(Debug, Default)]
struct Names {
    /// The entry whose name comes next.
    waiting: Option<Node>,
    buffer: Vec<u8>,
    /// Where the next name begins.
    start: usize,
}

impl Names {
    fn push(&mut self, chunk: &[u8]) -> Result<(), ListingError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(chunk);
        if self.buffer.len() - chunk.len() > NAMES_BYTES { Err(ListingError::Names) } else { Ok(()) }
    }

    fn left(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The bytes of the path that `shown` shows, once they are here.
    fn next(&mut self, shown: &str) -> Result<Option<&[u8]>, ListingError> {
        let lines = shown.bytes().filter(|byte| *byte == b'\n').count();
        let rest = &self.buffer[self.start..];
        let Some(length) = memchr::memchr_iter(b'\n', rest).nth(lines) else { return Ok(None) };
        self.start += length + 1;
        let path = &rest[..length];
        if is_shown_as(path, shown) { Ok(Some(path)) } else { Err(ListingError::Names) }
    }
}

/// Whether Go shows these bytes as this text: each byte that belongs to no character as U+FFFD.
fn is_shown_as(path: &[u8], shown: &str) -> bool {
    let mut rest = shown;
    for chunk in path.utf8_chunks() {
        let replaced = chunk.invalid().len();
        let Some(after) = rest.strip_prefix(chunk.valid()) else { return false };
        let Some(after) = strip_replaced(after, replaced) else { return false };
        rest = after;
    }
    rest.is_empty()
}

fn strip_replaced(text: &str, count: usize) -> Option<&str> {
    (0..count).try_fold(text, |rest, _| rest.strip_prefix('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_told_from_a_name_that_looks_like_one() {
        assert!(holds_replaced(br#"{"name":"a\ufffd"}"#));
        assert!(holds_replaced(br#"{"name":"\\\ufffd"}"#));
        assert!(!holds_replaced(br#"{"name":"\\ufffd"}"#));
        assert!(!holds_replaced("{\"name\":\"\u{fffd}\"}".as_bytes()));
    }

    #[test]
    fn bytes_are_shown_as_go_shows_them() {
        assert!(is_shown_as(b"/a\xff\xfeb", "/a\u{fffd}\u{fffd}b"));
        assert!(is_shown_as(b"/\xe2\x82", "/\u{fffd}\u{fffd}"));
        assert!(is_shown_as("/\u{fffd}".as_bytes(), "/\u{fffd}"));
        assert!(!is_shown_as(b"/a\xff", "/a"));
        assert!(!is_shown_as(b"/a", "/a\u{fffd}"));
        assert!(!is_shown_as(b"/b\xff", "/a\u{fffd}"));
    }
}
