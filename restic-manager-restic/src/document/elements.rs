use super::Element;
use super::splitter::{Next, Splitter};
use crate::DocumentError;

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
