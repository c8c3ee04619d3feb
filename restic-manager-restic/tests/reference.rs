//! What plain serde makes of a line: the yardstick for the guided parser.

use restic_manager_restic::event::{
    BackupSummary, Change, CheckSummary, DiffStatistics, ExitError, Failure, Initialized, Node,
    RestoreSummary, Snapshot, Status, TagChange, TagSummary, VerboseStatus, VersionInfo,
};
use restic_manager_restic::{Event, EventRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A typed event must hold what serde reads from its line, in the owned and the borrowed form, and be written so that it
/// reads the same again.
pub(crate) fn assert_read_as_serde_does(event: &Event, line: &[u8]) {
    assert_eq!(&EventRef::from_line(line).into_owned(), event);
    let json = &line[line.iter().position(|byte| *byte == b'{').expect("a typed event is an object")..];
    // Not into a `Value`: serde looks less closely at what it passes over, such as a lone surrogate.
    let kind: Kind = serde_json::from_slice(json).expect("a typed event is JSON");
    let kind = kind.message_type.or(kind.struct_type).expect("a kind");
    let kind = kind.as_str();
    match event {
        Event::Status(message) => assert_same::<Status>(message, json, kind, "status"),
        Event::VerboseStatus(message) if kind == "status" => {
            assert_same::<VerboseStatus>(message, json, kind, "status")
        }
        Event::VerboseStatus(message) => assert_same::<VerboseStatus>(message, json, kind, "verbose_status"),
        Event::Failure(message) => assert_same::<Failure>(message, json, kind, "error"),
        Event::BackupSummary(message) => assert_same::<BackupSummary>(message, json, kind, "summary"),
        Event::RestoreSummary(message) => assert_same::<RestoreSummary>(message, json, kind, "summary"),
        Event::CheckSummary(message) => assert_same::<CheckSummary>(message, json, kind, "summary"),
        Event::TagSummary(message) => assert_same::<TagSummary>(message, json, kind, "summary"),
        Event::Snapshot(message) => assert_same::<Snapshot>(message, json, kind, "snapshot"),
        Event::Node(message) => assert_same::<Node>(message, json, kind, "node"),
        Event::Change(message) => assert_same::<Change>(message, json, kind, "change"),
        Event::DiffStatistics(message) => assert_same::<DiffStatistics>(message, json, kind, "statistics"),
        Event::TagChange(message) => assert_same::<TagChange>(message, json, kind, "changed"),
        Event::Initialized(message) => assert_same::<Initialized>(message, json, kind, "initialized"),
        Event::Version(message) => assert_same::<VersionInfo>(message, json, kind, "version"),
        Event::ExitError(message) => assert_same::<ExitError>(message, json, kind, "exit_error"),
        other => unreachable!("no typed event: {other:?}"),
    }
}

#[derive(Deserialize)]
struct Kind {
    message_type: Option<String>,
    struct_type: Option<String>,
}

fn assert_same<T>(message: &T, json: &[u8], kind: &str, expected_kind: &str)
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    assert_eq!(kind, expected_kind);
    assert_eq!(&serde_json::from_slice::<T>(json).expect("serde reads it too"), message);
    let written = serde_json::to_vec(message).expect("JSON");
    assert_eq!(&serde_json::from_slice::<T>(&written).expect("what was written"), message);
}
