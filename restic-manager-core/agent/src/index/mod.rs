//! Indexes of snapshots: after `restic ls` went through a snapshot once, its folders are read, searched and compared
//! without restic.
//!
//! An index is a catalogue and blocks. A block holds the entries of a few folders, is a file named by the digest of its
//! content, and is shared by all snapshots that have the same folders in the same state; a catalogue says which blocks a
//! snapshot has. All of it can be made anew at any time, is checked when it is read, and is as secret as the names in it:
//! only the agent's user can read it, and it goes away with its snapshot.
//!
//! Each file uses only those before it: `bytes`, `entry`, `order`, `cut`, `error`, `block`, `catalogue`, `builder` and
//! `listing` (restic's output becomes blocks), `reader`, `room` and `store` (the disk), then what is asked: `history`, `compare`, `pattern`,
//! `search`; and `build`, which runs restic.

mod block;
mod build;
mod builder;
mod bytes;
mod catalogue;
mod compare;
mod cut;
mod entry;
mod error;
mod history;
mod listing;
mod order;
mod pattern;
mod reader;
mod room;
mod search;
mod store;

pub use block::{decode, encode};
pub use build::{BuildError, Commands, build};
pub use builder::{Builder, Sink};
pub use bytes::Damaged;
pub use catalogue::{Catalogue, ParseSnapshotIdError, Row, SnapshotId, SnapshotKey, Totals};
pub use compare::{Change, Count, Difference, Differences, Tally, judge, mark};
pub use cut::PATH_BYTES;
pub use entry::{Entry, Kind, Meta, Moment, Piece};
pub use error::{IndexError, ListingError};
pub use history::{Version, history};
pub use listing::Listing;
pub use pattern::{PATTERN_BYTES, Pattern, PatternError};
pub use reader::{Block, Blocks, By, Index, Listed, PAGE_ENTRIES, Page, SORTED_ENTRIES, View};
pub use search::{Found, Hit, SEARCH_HITS, search};
pub use store::{Indexes, Keeper};
