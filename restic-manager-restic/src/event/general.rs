//! The parser that takes every shape: decides by the message type, then lets serde read the whole line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::EventRef;
use crate::text::{self, FromJson};

type Text<'a> = Cow<'a, str>;

pub(super) fn event(line: &[u8]) -> EventRef<'_> {
    let json = without_control_prefix(line);
    match json.first() {
        Some(b'{' | b'[') => std::str::from_utf8(json).ok().and_then(message).unwrap_or_else(|| plain(line)),
        _ => plain(line),
    }
}

/// restic clears the line or returns the carriage before some lines; what follows is a line of its own.
fn without_control_prefix(line: &[u8]) -> &[u8] {
    let mut rest = line;
    loop {
        rest = match rest {
            [b'\r', rest @ ..] => rest,
            [0x1b, b'[', sequence @ ..] => {
                match sequence.iter().position(|byte| byte.is_ascii_alphabetic()) {
                    Some(end) => &sequence[end + 1..],
                    None => return line,
                }
            }
            _ => return rest,
        }
    }
}

fn plain(line: &[u8]) -> EventRef<'_> {
    let text = String::from_utf8_lossy(line);
    let is_lossy = matches!(text, Cow::Owned(_));
    EventRef::Text { text, is_lossy }
}

/// The parts that tell which message this is.
#[derive(Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
struct Head<S: crate::Text> {
    #[serde(default, deserialize_with = "text::optional_text")]
    message_type: Option<S>,
    #[serde(default, deserialize_with = "text::optional_text")]
    struct_type: Option<S>,
    #[serde(default)]
    action: Option<IgnoredAny>,
    #[serde(default)]
    files_new: Option<IgnoredAny>,
    #[serde(default)]
    num_errors: Option<IgnoredAny>,
    #[serde(default)]
    changed_snapshots: Option<IgnoredAny>,
}

/// `None` if the text is no JSON object or array.
fn message(json: &str) -> Option<EventRef<'_>> {
    if json.starts_with('[') {
        return serde_json::from_str::<IgnoredAny>(json)
            .ok()
            .map(|_| EventRef::Document { json: json.into() });
    }
    if let Some(event) = at_a_glance(json) {
        return Some(event);
    }
    let unrecognized = || EventRef::Unrecognized { text: json.into() };
    let Ok(head) = serde_json::from_str::<Head<Text<'_>>>(json) else {
        // Valid JSON whose head has a wrong type or stands twice is still a message.
        return serde_json::from_str::<IgnoredAny>(json).ok().map(|_| unrecognized());
    };
    if head.message_type.is_none() && head.struct_type.is_none() {
        return Some(EventRef::Document { json: json.into() });
    }
    Some(typed(json, &head).unwrap_or_else(unrecognized))
}

/// The messages that come by the million, when a newer restic writes more into them: their type stands at the beginning
/// or at the end, and nowhere else in the line, so that one reading is enough.
fn at_a_glance(json: &str) -> Option<EventRef<'_>> {
    if let Some(node) = json.strip_suffix(",\"struct_type\":\"node\"}") {
        let node = node.strip_suffix(",\"message_type\":\"node\"").unwrap_or(node);
        return if names_a_type(node) { None } else { read(json, EventRef::Node) };
    }
    let (kind, rest) = json.strip_prefix("{\"message_type\":\"")?.split_once("\",")?;
    if names_a_type(rest) {
        return None;
    }
    match kind {
        "status" if memmem::find(rest.as_bytes(), b"\"action\"").is_none() => read(json, EventRef::Status),
        "verbose_status" => read(json, EventRef::VerboseStatus),
        "change" => read(json, EventRef::Change),
        _ => None,
    }
}

/// Whether a type may be named here. A quote inside a text is escaped, so only a key looks like this.
fn names_a_type(json: &str) -> bool {
    memmem::find(json.as_bytes(), b"_type\"").is_some() || memmem::find(json.as_bytes(), b"\\u").is_some()
}

fn typed<'a>(json: &'a str, head: &Head<Text<'_>>) -> Option<EventRef<'a>> {
    // `ls` had only a struct type before 0.17.
    let kind = head.message_type.as_deref().or(head.struct_type.as_deref())?;
    match kind {
        // restic 0.14 prints the end of its scan under the type `status`.
        "status" if head.action.is_some() => read(json, EventRef::VerboseStatus),
        "status" => read(json, EventRef::Status),
        "verbose_status" => read(json, EventRef::VerboseStatus),
        "error" => read(json, EventRef::Failure),
        "summary" if head.files_new.is_some() => read(json, EventRef::BackupSummary),
        "summary" if head.num_errors.is_some() => read(json, EventRef::CheckSummary),
        "summary" if head.changed_snapshots.is_some() => read(json, EventRef::TagSummary),
        "summary" if is_restore_summary(json) => read(json, EventRef::RestoreSummary),
        "snapshot" => read(json, EventRef::Snapshot),
        "node" => read(json, EventRef::Node),
        "change" => read(json, EventRef::Change),
        "statistics" => read(json, EventRef::DiffStatistics),
        "changed" => read(json, EventRef::TagChange),
        "initialized" => read(json, EventRef::Initialized),
        "version" => read(json, EventRef::Version),
        "exit_error" => read(json, EventRef::ExitError),
        _ => None,
    }
}

/// The summary of `restore` has no field that is always there, so it is told by having none but its own kind.
fn is_restore_summary(json: &str) -> bool {
    const FIELDS: [&str; 8] = [
        "seconds_elapsed",
        "total_files",
        "files_restored",
        "files_skipped",
        "files_deleted",
        "total_bytes",
        "bytes_restored",
        "bytes_skipped",
    ];
    let Ok(fields) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(json) else {
        return false;
    };
    fields.len() == 1 || FIELDS.iter().any(|field| fields.contains_key(*field))
}

fn read<'a, T: Deserialize<'a>>(json: &'a str, wrap: fn(T) -> EventRef<'a>) -> Option<EventRef<'a>> {
    serde_json::from_str(json).ok().map(wrap)
}
