use std::borrow::Cow;

use serde::Deserialize;

use super::elements::surprise;
use super::splitter::{Next, Splitter};
use super::{Element, Elements, FindMatches, FoundNode, FoundNodeRef, FoundObject};
use crate::text::{self, FromJson, IntoOwned, Text};
use crate::{DocumentError, Timestamp};

/// Reads what `find` prints on one line, match by match.
///
/// One element of that array holds all matches in a snapshot, so it may be as long as the whole output. Memory stays
/// within the longest match plus what was pushed and not yet pulled.
///
/// ```
/// use restic_manager_restic::document::{FindDecoder, FindEvent};
///
/// let mut decoder = FindDecoder::new();
/// decoder.push(br#"[{"matches":[],"hits":0,"snapshot":"fe2133c1"}]"#);
/// let end = decoder.next_event().expect("an event")?;
/// assert_eq!(end, FindEvent::Snapshot { id: "fe2133c1".to_owned(), hits: 0 });
/// # Ok::<(), restic_manager_restic::DocumentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FindDecoder {
    splitter: Splitter,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Snapshots,
    Matches,
    AfterMatches,
}

/// A piece of what `find` found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FindEvent<S: Text = String> {
    /// A match in the snapshot that the next [`FindEvent::Snapshot`] names.
    Match(FoundNode<S>),
    /// The matches since the last one were all of this snapshot.
    Snapshot {
        /// Whole id.
        id: S,
        /// How many matches there were.
        hits: u64,
    },
    /// A blob, tree or pack that was looked for by id.
    Object(FoundObject),
    /// All matches of a snapshot at once: a restic that names them in another order was at work.
    Matches(FindMatches),
}

/// A [`FindEvent`] that borrows from the decoder.
pub type FindEventRef<'a> = FindEvent<Cow<'a, str>>;

/// How every restic up to now begins the matches of a snapshot.
const OPENING: &[u8] = b"{\"matches\":[";

impl Default for FindDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl FindDecoder {
    /// With the default limit, [`Elements::LIMIT_BYTES`].
    pub fn new() -> Self {
        Self::with_limit_bytes(Elements::LIMIT_BYTES)
    }

    /// With another longest match.
    pub fn with_limit_bytes(limit_bytes: usize) -> Self {
        Self { splitter: Splitter::new(limit_bytes), place: Place::Snapshots }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
    }

    /// The next event, or `None` until more bytes are pushed.
    ///
    /// A piece of another shape is an error of its own; the next call goes on behind it.
    pub fn next_event(&mut self) -> Option<Result<FindEvent, DocumentError>> {
        self.next_event_ref().map(|event| event.map(FindEvent::into_owned))
    }

    /// The next event without copying its texts.
    pub fn next_event_ref(&mut self) -> Option<Result<FindEventRef<'_>, DocumentError>> {
        if self.splitter.is_broken() {
            self.place = Place::Snapshots;
        }
        loop {
            match self.place {
                Place::Snapshots => match self.splitter.seek()? {
                    Next::Object if self.splitter.rest().starts_with(OPENING) => {
                        self.splitter.consume(OPENING.len());
                        self.place = Place::Matches;
                    }
                    Next::Object if OPENING.starts_with(self.splitter.rest()) => return None,
                    Next::Object => {
                        return self.splitter.object::<Whole>().map(|whole| whole.map(Whole::into_event));
                    }
                    Next::End | Next::Surprise => return Some(Err(self.broken())),
                },
                Place::Matches => match self.splitter.peek()? {
                    Next::Object => {
                        let found = self.splitter.object::<FoundNodeRef<'_>>();
                        return found.map(|found| found.map(FindEvent::Match));
                    }
                    Next::End => {
                        self.splitter.consume(1);
                        self.place = Place::AfterMatches;
                    }
                    Next::Surprise => return Some(Err(self.broken())),
                },
                Place::AfterMatches => return self.after_matches(),
            }
        }
    }

    /// Whether the array was there and whole. To be asked when the stream has ended and all events were pulled.
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

    fn broken(&mut self) -> DocumentError {
        self.splitter.break_off();
        surprise()
    }

    /// Reads what follows the matches as if there had been none.
    fn after_matches(&mut self) -> Option<Result<FindEventRef<'_>, DocumentError>> {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "S: FromJson<'de>"))]
        struct Rest<S: Text> {
            hits: u64,
            #[serde(deserialize_with = "text::text")]
            snapshot: S,
        }

        let tail = match self.splitter.tail()? {
            Ok(tail) => tail,
            Err(error) => return Some(Err(error)),
        };
        self.place = Place::Snapshots;
        let object = [b"{\"matches\":[]", tail].concat();
        Some(match serde_json::from_slice::<Rest<String>>(&object) {
            Ok(rest) => Ok(FindEvent::Snapshot { id: rest.snapshot.into(), hits: rest.hits }),
            Err(error) => Err(DocumentError::Shape { detail: error.to_string() }),
        })
    }
}

impl<S: Text> FindEvent<S> {
    /// The same event, borrowing nothing.
    pub fn into_owned(self) -> FindEvent {
        match self {
            Self::Match(node) => FindEvent::Match(node.into_owned()),
            Self::Snapshot { id, hits } => FindEvent::Snapshot { id: IntoOwned::into_owned(id), hits },
            Self::Object(object) => FindEvent::Object(object),
            Self::Matches(matches) => FindEvent::Matches(matches),
        }
    }
}

/// An element of the outer array that is read at once.
#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    object_type: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    parent_tree: String,
    snapshot: String,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "text::null_as_empty")]
    matches: Vec<FoundNode>,
    #[serde(default)]
    hits: u64,
}

impl<'de> Element<'de> for Whole {}

impl Whole {
    fn into_event<'a>(self) -> FindEventRef<'a> {
        let Self { object_type, id, path, parent_tree, snapshot, time, matches, hits } = self;
        match (object_type, id, time) {
            (Some(object_type), Some(id), Some(time)) => {
                FindEvent::Object(FoundObject { object_type, id, path, parent_tree, snapshot, time })
            }
            _ => FindEvent::Matches(FindMatches { matches, hits, snapshot }),
        }
    }
}
