use serde::Deserialize;

use super::splitter::{Next, Splitter};
use super::{ForgetGroup, FoundNode, FoundNodeRef, FoundObject, Key, SnapshotGroup, find};
use crate::DocumentError;
use crate::cursor::Cursor;
use crate::event::{Snapshot, SnapshotRef, guided_snapshot};

/// Reads the array that `snapshots`, `forget` or `key list` prints on one line, element by element.
///
/// Push what was read, in any pieces; pull elements until there is none. Memory stays within the longest element plus
/// what was pushed and not yet pulled, however long the array. Lines of text before the array and anything after it
/// are passed over.
///
/// ```
/// use restic_manager_restic::{document::Elements, event::SnapshotRef};
///
/// let mut elements = Elements::new();
/// elements.push(br#"[{"time":"2026-11-22T02:53:44Z","tree":"03af","paths":["/srv"]},{"time":"#);
/// let first = elements.next_element::<SnapshotRef<'_>>().expect("the first is whole")?;
/// assert_eq!(first.tree, "03af");
/// assert!(elements.next_element::<SnapshotRef<'_>>().is_none());
/// # Ok::<(), restic_manager_restic::DocumentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Elements {
    splitter: Splitter,
}

/// What an array of restic may hold.
///
/// Own types can be read too: `impl<'de> Element<'de> for Mine {}` is enough.
pub trait Element<'de>: Deserialize<'de> {
    /// Reads an element at the beginning of these bytes by a faster way, if there is one and it applies, and says how
    /// long the element is.
    #[doc(hidden)]
    fn guided(_json: &'de [u8]) -> Option<(Self, usize)> {
        None
    }
}

impl<'de> Element<'de> for ForgetGroup {}
impl<'de> Element<'de> for FoundObject {}
impl<'de> Element<'de> for Key {}
impl<'de> Element<'de> for SnapshotGroup {}
impl<'de> Element<'de> for serde_json::Value {}

impl<'de> Element<'de> for FoundNode {
    fn guided(json: &'de [u8]) -> Option<(Self, usize)> {
        FoundNodeRef::guided(json).map(|(node, length)| (node.into_owned(), length))
    }
}

impl<'de: 'a, 'a> Element<'de> for FoundNodeRef<'a> {
    fn guided(json: &'de [u8]) -> Option<(Self, usize)> {
        let mut cursor = Cursor::new(json);
        let node = find::guided(&mut cursor)?;
        Some((node, json.len() - cursor.remaining_bytes()))
    }
}

impl<'de> Element<'de> for Snapshot {
    fn guided(json: &'de [u8]) -> Option<(Self, usize)> {
        SnapshotRef::guided(json).map(|(snapshot, length)| (snapshot.into_owned(), length))
    }
}

impl<'de: 'a, 'a> Element<'de> for SnapshotRef<'a> {
    fn guided(json: &'de [u8]) -> Option<(Self, usize)> {
        let mut cursor = Cursor::new(json);
        let snapshot = guided_snapshot(&mut cursor)?;
        Some((snapshot, json.len() - cursor.remaining_bytes()))
    }
}

impl Default for Elements {
    fn default() -> Self {
        Self::new()
    }
}

impl Elements {
    /// Longest element that is read unless told otherwise, in bytes: 64 MiB. A group of `forget` holds all of its
    /// snapshots.
    pub const LIMIT_BYTES: usize = 64 << 20;

    /// With the default limit.
    pub fn new() -> Self {
        Self::with_limit_bytes(Self::LIMIT_BYTES)
    }

    /// With another longest element.
    pub fn with_limit_bytes(limit_bytes: usize) -> Self {
        Self { splitter: Splitter::new(limit_bytes) }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
    }

    /// The next element, or `None` until more bytes are pushed.
    ///
    /// An element of another shape is an error of its own; the next call goes on behind it.
    pub fn next_element<'a, T: Element<'a>>(&'a mut self) -> Option<Result<T, DocumentError>> {
        match self.splitter.seek()? {
            Next::Object => self.splitter.object(),
            Next::End | Next::Surprise => {
                self.splitter.break_off();
                Some(Err(surprise()))
            }
        }
    }

    /// Whether the array was there and whole. To be asked when the stream has ended and all elements were pulled.
    pub fn finish(self) -> Result<(), DocumentError> {
        match self.splitter.ending() {
            Some(true) => Ok(()),
            Some(false) => Err(DocumentError::CutOff),
            None => Err(DocumentError::NoJson),
        }
    }

    /// How many bytes are held.
    pub fn buffered_bytes(&self) -> usize {
        self.splitter.buffered_bytes()
    }
}

pub(super) fn surprise() -> DocumentError {
    DocumentError::Shape { detail: "the array holds something that is no object".to_owned() }
}
