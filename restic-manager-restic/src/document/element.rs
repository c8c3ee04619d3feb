use serde::Deserialize;

use super::{ForgetGroup, FoundNode, FoundNodeRef, FoundObject, Key, SnapshotGroup, find};
use crate::cursor::Cursor;
use crate::event::{Snapshot, SnapshotRef, guided_snapshot};

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
