//! The fast parser of the messages that come by the million: status, verbose status, nodes, snapshots.
//!
//! It is guided by the order in which restic's encoder writes the fields, copies nothing and never decides that a
//! line is wrong: at the first surprise (another order, an unknown field, an escape, a number out of range) it gives up
//! and the general parser takes the line. It must never accept what the general parser would read differently.

use std::borrow::Cow;

use super::{
    Action, Change, EventRef, Node, NodeKind, NodeRef, Snapshot, SnapshotRef, SnapshotSummary, Status,
    VerboseStatus,
};
use crate::cursor::Cursor;
use crate::{Mode, Strings};

pub(super) fn event(line: &[u8]) -> Option<EventRef<'_>> {
    let mut cursor = Cursor::new(line);
    let event = if cursor.eat(b"{\"message_type\":\"") {
        message(&mut cursor)?
    } else if cursor.eat(b"{\"name\":\"") {
        EventRef::Node(node(&mut cursor)?)
    } else if line.starts_with(b"{\"time\":\"") {
        let snapshot = open_snapshot(&mut cursor)?;
        cursor.eat(b",\"message_type\":\"snapshot\"");
        cursor.expect(b",\"struct_type\":\"snapshot\"}")?;
        EventRef::Snapshot(snapshot)
    } else {
        return None;
    };
    cursor.is_empty().then_some(event)
}

/// A snapshot as an element of an array.
pub(crate) fn snapshot<'a>(cursor: &mut Cursor<'a>) -> Option<SnapshotRef<'a>> {
    let snapshot = open_snapshot(cursor)?;
    cursor.expect(b"}")?;
    Some(snapshot)
}

fn message<'a>(cursor: &mut Cursor<'a>) -> Option<EventRef<'a>> {
    if cursor.eat(b"status\"") {
        status(cursor)
    } else if cursor.eat(b"verbose_status\",\"action\":\"") {
        verbose_status(cursor)
    } else if cursor.eat(b"change\",\"path\":\"") {
        change(cursor)
    } else {
        None
    }
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Option<EventRef<'a>> {
    let seconds_elapsed = counter(cursor, b",\"seconds_elapsed\":")?;
    let seconds_remaining = optional(cursor, b",\"seconds_remaining\":")?;
    cursor.expect(b",\"percent_done\":")?;
    let percent_done = cursor.float()?;
    let total_files = counter(cursor, b",\"total_files\":")?;
    let files_done = counter(cursor, b",\"files_done\":")?;
    let files_restored = optional(cursor, b",\"files_restored\":")?;
    let files_skipped = optional(cursor, b",\"files_skipped\":")?;
    let files_deleted = optional(cursor, b",\"files_deleted\":")?;
    let total_bytes = counter(cursor, b",\"total_bytes\":")?;
    let bytes_done = counter(cursor, b",\"bytes_done\":")?;
    let bytes_restored = optional(cursor, b",\"bytes_restored\":")?;
    let bytes_skipped = optional(cursor, b",\"bytes_skipped\":")?;
    let error_count = counter(cursor, b",\"error_count\":")?;
    let current_files = if cursor.eat(b",\"current_files\":") {
        cursor.texts().map(Strings::from_checked)?
    } else {
        Strings::default()
    };
    cursor.expect(b"}")?;
    Some(EventRef::Status(Status {
        seconds_elapsed,
        seconds_remaining,
        percent_done,
        total_files,
        files_done,
        files_restored,
        files_skipped,
        files_deleted,
        total_bytes,
        bytes_done,
        bytes_restored,
        bytes_skipped,
        error_count,
        current_files,
    }))
}

fn verbose_status<'a>(cursor: &mut Cursor<'a>) -> Option<EventRef<'a>> {
    let action = Action::known(cursor.text()?.as_bytes())?;
    cursor.expect(b",\"item\":\"")?;
    let item = Cow::Borrowed(cursor.text()?);
    let mut message = VerboseStatus {
        action,
        item,
        duration_seconds: None,
        data_size: None,
        data_size_in_repo: None,
        metadata_size: None,
        metadata_size_in_repo: None,
        total_files: None,
        size: None,
    };
    if cursor.eat(b",\"duration\":") {
        message.duration_seconds = Some(cursor.float()?);
        message.data_size = required(cursor, b",\"data_size\":")?;
        message.data_size_in_repo = required(cursor, b",\"data_size_in_repo\":")?;
        message.metadata_size = required(cursor, b",\"metadata_size\":")?;
        message.metadata_size_in_repo = required(cursor, b",\"metadata_size_in_repo\":")?;
        message.total_files = required(cursor, b",\"total_files\":")?;
    } else {
        message.size = required(cursor, b",\"size\":")?;
    }
    cursor.expect(b"}")?;
    Some(EventRef::VerboseStatus(message))
}

fn change<'a>(cursor: &mut Cursor<'a>) -> Option<EventRef<'a>> {
    let path = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"modifier\":\"")?;
    let modifier = Cow::Borrowed(cursor.text()?);
    cursor.expect(b"}")?;
    Some(EventRef::Change(Change { path, modifier }))
}

fn node<'a>(cursor: &mut Cursor<'a>) -> Option<NodeRef<'a>> {
    let name = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"type\":\"")?;
    let kind = NodeKind::known(cursor.text()?.as_bytes())?;
    cursor.expect(b",\"path\":\"")?;
    let path = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"uid\":")?;
    let uid = cursor.small_number()?;
    cursor.expect(b",\"gid\":")?;
    let gid = cursor.small_number()?;
    let size = optional(cursor, b",\"size\":")?;
    cursor.expect(b",\"mode\":")?;
    let mode = Mode::from_go(cursor.small_number()?);
    let permissions = optional_text(cursor, b",\"permissions\":\"")?;
    cursor.expect(b",\"mtime\":\"")?;
    let mtime = cursor.timestamp()?;
    cursor.expect(b",\"atime\":\"")?;
    let atime = cursor.timestamp()?;
    cursor.expect(b",\"ctime\":\"")?;
    let ctime = cursor.timestamp()?;
    let inode = optional(cursor, b",\"inode\":")?;
    cursor.eat(b",\"message_type\":\"node\"");
    cursor.expect(b",\"struct_type\":\"node\"}")?;
    Some(Node { name, kind, path, uid, gid, size, mode, permissions, mtime, atime, ctime, inode })
}

/// A snapshot up to, but without, what ends the object: `ls` adds fields.
fn open_snapshot<'a>(cursor: &mut Cursor<'a>) -> Option<SnapshotRef<'a>> {
    cursor.expect(b"{\"time\":\"")?;
    let time = cursor.timestamp()?;
    let parent = optional_text(cursor, b",\"parent\":\"")?;
    cursor.expect(b",\"tree\":\"")?;
    let tree = Cow::Borrowed(cursor.text()?);
    let paths = texts(cursor, b",\"paths\":")?;
    let hostname = optional_text(cursor, b",\"hostname\":\"")?.unwrap_or_default();
    let username = optional_text(cursor, b",\"username\":\"")?.unwrap_or_default();
    let uid = if cursor.eat(b",\"uid\":") { cursor.small_number()? } else { 0 };
    let gid = if cursor.eat(b",\"gid\":") { cursor.small_number()? } else { 0 };
    let excludes = texts(cursor, b",\"excludes\":")?;
    let tags = texts(cursor, b",\"tags\":")?;
    let original = optional_text(cursor, b",\"original\":\"")?;
    let program_version = optional_text(cursor, b",\"program_version\":\"")?;
    let summary = if cursor.eat(b",\"summary\":{") { Some(snapshot_summary(cursor)?) } else { None };
    let id = optional_text(cursor, b",\"id\":\"")?;
    let short_id = optional_text(cursor, b",\"short_id\":\"")?;
    Some(Snapshot {
        time,
        parent,
        tree,
        paths,
        hostname,
        username,
        uid,
        gid,
        excludes,
        tags,
        original,
        program_version,
        summary,
        id,
        short_id,
    })
}

fn snapshot_summary(cursor: &mut Cursor<'_>) -> Option<SnapshotSummary> {
    cursor.expect(b"\"backup_start\":\"")?;
    let backup_start = cursor.timestamp()?;
    cursor.expect(b",\"backup_end\":\"")?;
    let backup_end = cursor.timestamp()?;
    let summary = SnapshotSummary {
        backup_start,
        backup_end,
        files_new: required(cursor, b",\"files_new\":")??,
        files_changed: required(cursor, b",\"files_changed\":")??,
        files_unmodified: required(cursor, b",\"files_unmodified\":")??,
        dirs_new: required(cursor, b",\"dirs_new\":")??,
        dirs_changed: required(cursor, b",\"dirs_changed\":")??,
        dirs_unmodified: required(cursor, b",\"dirs_unmodified\":")??,
        data_blobs: required(cursor, b",\"data_blobs\":")??,
        tree_blobs: required(cursor, b",\"tree_blobs\":")??,
        data_added: required(cursor, b",\"data_added\":")??,
        data_added_packed: required(cursor, b",\"data_added_packed\":")??,
        total_files_processed: required(cursor, b",\"total_files_processed\":")??,
        total_bytes_processed: required(cursor, b",\"total_bytes_processed\":")??,
    };
    cursor.expect(b"}")?;
    Some(summary)
}

/// A number that is left out while it is zero. `None` is a surprise, as everywhere here.
fn counter<const N: usize>(cursor: &mut Cursor<'_>, key: &[u8; N]) -> Option<u64> {
    if cursor.eat(key) { cursor.number() } else { Some(0) }
}

/// A number that may be absent.
fn optional<const N: usize>(cursor: &mut Cursor<'_>, key: &[u8; N]) -> Option<Option<u64>> {
    if cursor.eat(key) { cursor.number().map(Some) } else { Some(None) }
}

/// A number that may not be absent, for a field that is optional elsewhere.
fn required<const N: usize>(cursor: &mut Cursor<'_>, key: &[u8; N]) -> Option<Option<u64>> {
    cursor.expect(key)?;
    cursor.number().map(Some)
}

/// A text that may be absent; the key ends in the opening quote.
fn optional_text<'a, const N: usize>(cursor: &mut Cursor<'a>, key: &[u8; N]) -> Option<Option<Cow<'a, str>>> {
    if cursor.eat(key) { cursor.text().map(|text| Some(Cow::Borrowed(text))) } else { Some(None) }
}

fn texts<'a, const N: usize>(cursor: &mut Cursor<'a>, key: &[u8; N]) -> Option<Strings<'a>> {
    if cursor.eat(key) { cursor.texts().map(Strings::from_checked) } else { Some(Strings::default()) }
}
