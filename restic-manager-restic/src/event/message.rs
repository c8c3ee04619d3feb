use std::borrow::Cow;

use serde::Serialize;

use super::{
    BackupSummary, Change, CheckSummary, DiffStatistics, ExitError, Failure, Initialized, Node,
    RestoreSummary, Snapshot, Status, TagChange, TagSummary, VerboseStatus, VersionInfo,
};
use crate::text::Text;

/// One line of restic's output.
///
/// Every line becomes exactly one event. In JSON it is the message with its variant under `event`. Fields that this crate does not know are passed over; the line itself is at
/// hand in [`Decoder::last_line`](super::Decoder::last_line).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case", bound(serialize = "S: Text"))]
#[non_exhaustive]
pub enum Event<S: Text = String> {
    /// Progress of `backup` or `restore`.
    Status(Status<S>),
    /// One item was dealt with by `backup` or `restore`.
    VerboseStatus(VerboseStatus<S>),
    /// Something went wrong and the run goes on.
    Failure(Failure<S>),
    /// End of a `backup`.
    BackupSummary(BackupSummary<S>),
    /// End of a `restore`.
    RestoreSummary(RestoreSummary),
    /// End of a `check`.
    CheckSummary(CheckSummary<S>),
    /// End of a `tag`.
    TagSummary(TagSummary),
    /// The snapshot that `ls` is about to list.
    Snapshot(Snapshot<S>),
    /// An entry of a snapshot, from `ls`.
    Node(Node<S>),
    /// A path that differs, from `diff`.
    Change(Change<S>),
    /// End of a `diff`.
    DiffStatistics(DiffStatistics<S>),
    /// A snapshot that `tag` wrote anew.
    TagChange(TagChange<S>),
    /// A repository was created.
    Initialized(Initialized<S>),
    /// Which restic this is.
    Version(VersionInfo<S>),
    /// Why the run failed.
    ExitError(ExitError<S>),
    /// JSON on one line that is no message: the whole output of `snapshots`, `stats` and the like.
    /// The types of [`document`](crate::document) read it.
    Document {
        /// The line.
        json: S,
    },
    /// A line that is no JSON.
    Text {
        /// The line without its end. Bytes that are no UTF-8 are shown as U+FFFD.
        text: S,
        /// Whether such bytes were replaced; [`Decoder::last_line`](super::Decoder::last_line) has the real ones.
        is_lossy: bool,
    },
    /// A JSON message of an unknown type, or of a known type in an unknown shape.
    Unrecognized {
        /// The line.
        text: S,
    },
    /// A line longer than [`Limits::line_bytes`](super::Limits::line_bytes).
    Overlong {
        /// Its beginning.
        head: S,
        /// How many bytes of it were thrown away.
        cut_bytes: u64,
    },
}

/// An [`Event`] that borrows from its line.
pub type EventRef<'a> = Event<Cow<'a, str>>;

impl<S: Text> Event<S> {
    /// The same event, borrowing nothing.
    pub fn into_owned(self) -> Event {
        match self {
            Self::Status(message) => Event::Status(message.into_owned()),
            Self::VerboseStatus(message) => Event::VerboseStatus(message.into_owned()),
            Self::Failure(message) => Event::Failure(message.into_owned()),
            Self::BackupSummary(message) => Event::BackupSummary(message.into_owned()),
            Self::RestoreSummary(message) => Event::RestoreSummary(message),
            Self::CheckSummary(message) => Event::CheckSummary(message.into_owned()),
            Self::TagSummary(message) => Event::TagSummary(message),
            Self::Snapshot(message) => Event::Snapshot(message.into_owned()),
            Self::Node(message) => Event::Node(message.into_owned()),
            Self::Change(message) => Event::Change(message.into_owned()),
            Self::DiffStatistics(message) => Event::DiffStatistics(message.into_owned()),
            Self::TagChange(message) => Event::TagChange(message.into_owned()),
            Self::Initialized(message) => Event::Initialized(message.into_owned()),
            Self::Version(message) => Event::Version(message.into_owned()),
            Self::ExitError(message) => Event::ExitError(message.into_owned()),
            Self::Document { json } => Event::Document { json: json.into_owned() },
            Self::Text { text, is_lossy } => Event::Text { text: text.into_owned(), is_lossy },
            Self::Unrecognized { text } => Event::Unrecognized { text: text.into_owned() },
            Self::Overlong { head, cut_bytes } => Event::Overlong { head: head.into_owned(), cut_bytes },
        }
    }
}
