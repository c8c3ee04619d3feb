use std::hint::black_box;

use restic_manager_restic::document::Elements;
use restic_manager_restic::event::{Snapshot, SnapshotRef};
use restic_manager_restic::{Decoder, Event, EventRef};
use serde::Deserialize;
use serde_json::Value;

use crate::streams::{Kind, Stream};

/// One way to decode a stream; gives back how many lines or elements it decoded.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// The one that others are compared with.
    pub(crate) is_base: bool,
    pub(crate) run: fn(&Stream) -> usize,
}

pub(crate) const WAYS: &[Way] = &[
    Way { name: "newline scan", is_base: false, run: newline_scan },
    Way { name: "serde_json Value", is_base: false, run: value },
    Way { name: "serde_json tagged enum", is_base: true, run: tagged },
    Way { name: "ours, owned", is_base: false, run: owned },
    Way { name: "ours, borrowed", is_base: false, run: borrowed },
];

/// What a pipe gives at once.
const PIECE_BYTES: usize = 64 << 10;

fn newline_scan(stream: &Stream) -> usize {
    let ends = memchr::memchr_iter(b'\n', &stream.bytes).count();
    if stream.kind == Kind::Snapshots { stream.lines } else { ends }
}

fn value(stream: &Stream) -> usize {
    match stream.kind {
        Kind::Snapshots => {
            black_box(serde_json::from_slice::<Vec<Value>>(&stream.bytes)).map_or(0, |all| all.len())
        }
        _ => each_line(stream, |line| black_box(serde_json::from_slice::<Value>(line)).is_ok()),
    }
}

fn tagged(stream: &Stream) -> usize {
    match stream.kind {
        Kind::Messages => {
            each_line(stream, |line| black_box(serde_json::from_slice::<Message>(line)).is_ok())
        }
        Kind::Nodes => each_line(stream, |line| black_box(serde_json::from_slice::<Listing>(line)).is_ok()),
        Kind::Snapshots => {
            black_box(serde_json::from_slice::<Vec<PlainSnapshot>>(&stream.bytes)).map_or(0, |all| all.len())
        }
    }
}

fn each_line(stream: &Stream, decode: impl Fn(&[u8]) -> bool) -> usize {
    stream.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && decode(line)).count()
}

fn owned(stream: &Stream) -> usize {
    if stream.kind == Kind::Snapshots {
        return elements(stream, |elements| {
            elements.next_element::<Snapshot>().map(|element| black_box(element).is_ok())
        });
    }
    events(stream, |decoder| decoder.next_event().map(|event| is_typed_owned(&black_box(event))))
}

fn borrowed(stream: &Stream) -> usize {
    if stream.kind == Kind::Snapshots {
        return elements(stream, |elements| {
            elements.next_element::<SnapshotRef<'_>>().map(|element| black_box(element).is_ok())
        });
    }
    events(stream, |decoder| decoder.next_event_ref().map(|event| is_typed(&black_box(event))))
}

fn events(stream: &Stream, mut next: impl FnMut(&mut Decoder) -> Option<bool>) -> usize {
    let mut decoder = Decoder::new();
    let mut count = 0;
    for piece in stream.bytes.chunks(PIECE_BYTES) {
        decoder.push(piece);
        while let Some(is_typed) = next(&mut decoder) {
            count += usize::from(is_typed);
        }
    }
    count
}

fn elements(stream: &Stream, mut next: impl FnMut(&mut Elements) -> Option<bool>) -> usize {
    let mut elements = Elements::new();
    let mut count = 0;
    for piece in stream.bytes.chunks(PIECE_BYTES) {
        elements.push(piece);
        while let Some(is_ok) = next(&mut elements) {
            count += usize::from(is_ok);
        }
    }
    count
}

fn is_typed(event: &EventRef<'_>) -> bool {
    matches!(event, EventRef::Status(_) | EventRef::VerboseStatus(_) | EventRef::Node(_))
}

fn is_typed_owned(event: &Event) -> bool {
    matches!(event, Event::Status(_) | Event::VerboseStatus(_) | Event::Node(_))
}

/// What one writes without thinking further.
#[derive(Deserialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
#[expect(dead_code, reason = "only decoding is measured")]
enum Message {
    Status {
        #[serde(default)]
        seconds_elapsed: u64,
        #[serde(default)]
        seconds_remaining: Option<u64>,
        percent_done: f64,
        #[serde(default)]
        total_files: u64,
        #[serde(default)]
        files_done: u64,
        #[serde(default)]
        total_bytes: u64,
        #[serde(default)]
        bytes_done: u64,
        #[serde(default)]
        error_count: u64,
        #[serde(default)]
        current_files: Vec<String>,
    },
    VerboseStatus {
        action: String,
        item: String,
        duration: f64,
        data_size: u64,
        data_size_in_repo: u64,
        metadata_size: u64,
        metadata_size_in_repo: u64,
        total_files: u64,
    },
}

#[derive(Deserialize)]
#[serde(tag = "struct_type", rename_all = "snake_case")]
#[expect(dead_code, reason = "only decoding is measured")]
enum Listing {
    Snapshot(PlainSnapshot),
    Node {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        path: String,
        uid: u32,
        gid: u32,
        size: Option<u64>,
        mode: u32,
        permissions: String,
        mtime: String,
        atime: String,
        ctime: String,
        inode: Option<u64>,
    },
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoding is measured")]
struct PlainSnapshot {
    time: String,
    parent: Option<String>,
    tree: String,
    paths: Vec<String>,
    hostname: String,
    username: String,
    #[serde(default)]
    uid: u32,
    #[serde(default)]
    gid: u32,
    #[serde(default)]
    tags: Vec<String>,
    program_version: Option<String>,
    summary: Option<PlainSummary>,
    id: String,
    short_id: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoding is measured")]
struct PlainSummary {
    backup_start: String,
    backup_end: String,
    files_new: u64,
    files_changed: u64,
    files_unmodified: u64,
    dirs_new: u64,
    dirs_changed: u64,
    dirs_unmodified: u64,
    data_blobs: u64,
    tree_blobs: u64,
    data_added: u64,
    data_added_packed: u64,
    total_files_processed: u64,
    total_bytes_processed: u64,
}
