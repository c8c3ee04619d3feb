//! Outputs that are one JSON document: read at once, or element by element.
//!
//! Owns the shapes of `snapshots`, `stats`, `find`, `forget`, `key list`, `cat` and `list`. Text that restic prints
//! around the JSON is passed over.
//!
//! ```
//! use restic_manager_restic::{document, event::Snapshot};
//!
//! let output = br#"reading repository password from stdin
//! [{"time":"2026-11-22T02:53:44Z","tree":"03af","paths":["/srv"],"id":"fe2133c1","short_id":"fe2133c1"}]
//! "#;
//! let snapshots: Vec<Snapshot> = document::parse(output)?;
//! assert_eq!(snapshots[0].paths, ["/srv"]);
//! # Ok::<(), restic_manager_restic::DocumentError>(())
//! ```

mod element;
mod elements;
mod find;
mod find_decoder;
mod forget;
mod parse;
mod repository;
mod snapshots;
mod splitter;
mod stats;

pub use element::Element;
pub use elements::Elements;
pub use find::{FindMatches, FoundNode, FoundNodeRef, FoundObject};
pub use find_decoder::{FindDecoder, FindEvent, FindEventRef};
pub use forget::{ForgetGroup, KeepReason};
pub use parse::parse;
pub use repository::{Config, Key, Lock, Tree, TreeNode, ids};
pub use snapshots::{GroupKey, SnapshotGroup};
pub use stats::Stats;
