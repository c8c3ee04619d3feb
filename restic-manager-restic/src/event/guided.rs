//! The fast parser of the messages that come by the million: status, verbose status, nodes, snapshots.
//!
//! It is guided by the order in which restic's encoder writes the fields, copies nothing and never decides that a
//! line is wrong: at the first surprise (another order, an unknown field, an escape, a number out of range) it gives up
//! and the general parser takes the line. It must never accept what the general parser would read differently.

use std::borrow::Cow;

use super::{
    Action, Change, EventRef, Node, NodeKind, Snapshot, SnapshotRef, SnapshotSummary, Status, VerboseStatus,
};
use crate::Mode;
use crate::cursor::Cursor;

/// Events are large, so each is made by one parser at the end of a chain of plain returns and not passed through others.
pub(super) fn event(line: &[u8]) -> Option<EventRef<'_>> {
    let mut cursor = Cursor::new(line);
    if cursor.eat(b"{\"message_type\":\"status\"") {
        status(cursor)
    } else if cursor.eat(b"{\"message_type\":\"verbose_status\",\"action\":\"") {
        verbose_status(cursor)
    } else if cursor.eat(b"{\"name\":\"") {
        node(cursor)
    } else if cursor.eat(b"{\"message_type\":\"change\",\"path\":\"") {
        change(cursor)
    } else if line.starts_with(b"{\"time\":\"") {
        listed_snapshot(cursor)
    } else {
        None
    }
}

/// The snapshot that `ls` is about to list.
fn listed_snapshot(mut cursor: Cursor<'_>) -> Option<EventRef<'_>> {
    let snapshot = open_snapshot(&mut cursor)?;
    cursor.eat(b",\"message_type\":\"snapshot\"");
    cursor.expect_end(b",\"struct_type\":\"snapshot\"}")?;
    Some(EventRef::Snapshot(snapshot))
}

/// A snapshot as an element of an array.
pub(crate) fn snapshot<'a>(cursor: &mut Cursor<'a>) -> Option<SnapshotRef<'a>> {
    let snapshot = open_snapshot(cursor)?;
    cursor.expect(b"}")?;
    Some(snapshot)
}

fn status(mut cursor: Cursor<'_>) -> Option<EventRef<'_>> {
    let seconds_elapsed = cursor.counter(b",\"seconds_elapsed\":")?;
    let seconds_remaining = cursor.optional_number(b",\"seconds_remaining\":")?;
    cursor.expect(b",\"percent_done\":")?;
    let percent_done = cursor.float()?;
    let total_files = cursor.counter(b",\"total_files\":")?;
    let files_done = cursor.counter(b",\"files_done\":")?;
    let files_restored = cursor.optional_number(b",\"files_restored\":")?;
    let files_skipped = cursor.optional_number(b",\"files_skipped\":")?;
    let files_deleted = cursor.optional_number(b",\"files_deleted\":")?;
    let total_bytes = cursor.counter(b",\"total_bytes\":")?;
    let bytes_done = cursor.counter(b",\"bytes_done\":")?;
    let bytes_restored = cursor.optional_number(b",\"bytes_restored\":")?;
    let bytes_skipped = cursor.optional_number(b",\"bytes_skipped\":")?;
    let error_count = cursor.counter(b",\"error_count\":")?;
    let current_files = cursor.optional_texts(b",\"current_files\":")?;
    cursor.expect_end(b"}")?;
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

fn verbose_status(mut cursor: Cursor<'_>) -> Option<EventRef<'_>> {
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
        message.data_size = Some(cursor.required_number(b",\"data_size\":")?);
        message.data_size_in_repo = Some(cursor.required_number(b",\"data_size_in_repo\":")?);
        message.metadata_size = Some(cursor.required_number(b",\"metadata_size\":")?);
        message.metadata_size_in_repo = Some(cursor.required_number(b",\"metadata_size_in_repo\":")?);
        message.total_files = Some(cursor.required_number(b",\"total_files\":")?);
    } else {
        message.size = Some(cursor.required_number(b",\"size\":")?);
    }
    cursor.expect_end(b"}")?;
    Some(EventRef::VerboseStatus(message))
}

fn change(mut cursor: Cursor<'_>) -> Option<EventRef<'_>> {
    let path = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"modifier\":\"")?;
    let modifier = Cow::Borrowed(cursor.text()?);
    cursor.expect_end(b"}")?;
    Some(EventRef::Change(Change { path, modifier }))
}

fn node(mut cursor: Cursor<'_>) -> Option<EventRef<'_>> {
    let name = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"type\":\"")?;
    let kind = NodeKind::known(cursor.text()?.as_bytes())?;
    cursor.expect(b",\"path\":\"")?;
    let path = Cow::Borrowed(cursor.text()?);
    cursor.expect(b",\"uid\":")?;
    let uid = cursor.small_number()?;
    cursor.expect(b",\"gid\":")?;
    let gid = cursor.small_number()?;
    let size = cursor.optional_number(b",\"size\":")?;
    cursor.expect(b",\"mode\":")?;
    let mode = Mode::from_go(cursor.small_number()?);
    let permissions = cursor.optional_text(b",\"permissions\":\"")?.map(Cow::Borrowed);
    cursor.expect(b",\"mtime\":\"")?;
    let mtime = cursor.timestamp()?;
    cursor.expect(b",\"atime\":\"")?;
    let atime = cursor.timestamp()?;
    cursor.expect(b",\"ctime\":\"")?;
    let ctime = cursor.timestamp()?;
    let inode = cursor.optional_number(b",\"inode\":")?;
    cursor.eat(b",\"message_type\":\"node\"");
    cursor.expect_end(b",\"struct_type\":\"node\"}")?;
    Some(EventRef::Node(Node {
        name,
        kind,
        path,
        uid,
        gid,
        size,
        mode,
        permissions,
        mtime,
        atime,
        ctime,
        inode,
    }))
}

/// A snapshot up to, but without, what ends the object: `ls` adds fields.
fn open_snapshot<'a>(cursor: &mut Cursor<'a>) -> Option<SnapshotRef<'a>> {
    cursor.expect(b"{\"time\":\"")?;
    let time = cursor.timestamp()?;
    let parent = cursor.optional_text(b",\"parent\":\"")?.map(Cow::Borrowed);
    cursor.expect(b",\"tree\":\"")?;
    let tree = Cow::Borrowed(cursor.text()?);
    let paths = cursor.optional_texts(b",\"paths\":")?;
    let hostname = cursor.optional_text(b",\"hostname\":\"")?.map(Cow::Borrowed).unwrap_or_default();
    let username = cursor.optional_text(b",\"username\":\"")?.map(Cow::Borrowed).unwrap_or_default();
    let uid = if cursor.eat(b",\"uid\":") { cursor.small_number()? } else { 0 };
    let gid = if cursor.eat(b",\"gid\":") { cursor.small_number()? } else { 0 };
    let excludes = cursor.optional_texts(b",\"excludes\":")?;
    let tags = cursor.optional_texts(b",\"tags\":")?;
    let original = cursor.optional_text(b",\"original\":\"")?.map(Cow::Borrowed);
    let program_version = cursor.optional_text(b",\"program_version\":\"")?.map(Cow::Borrowed);
    let summary = if cursor.eat(b",\"summary\":{") { Some(snapshot_summary(cursor)?) } else { None };
    let id = cursor.optional_text(b",\"id\":\"")?.map(Cow::Borrowed);
    let short_id = cursor.optional_text(b",\"short_id\":\"")?.map(Cow::Borrowed);
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
        files_new: cursor.required_number(b",\"files_new\":")?,
        files_changed: cursor.required_number(b",\"files_changed\":")?,
        files_unmodified: cursor.required_number(b",\"files_unmodified\":")?,
        dirs_new: cursor.required_number(b",\"dirs_new\":")?,
        dirs_changed: cursor.required_number(b",\"dirs_changed\":")?,
        dirs_unmodified: cursor.required_number(b",\"dirs_unmodified\":")?,
        data_blobs: cursor.required_number(b",\"data_blobs\":")?,
        tree_blobs: cursor.required_number(b",\"tree_blobs\":")?,
        data_added: cursor.required_number(b",\"data_added\":")?,
        data_added_packed: cursor.required_number(b",\"data_added_packed\":")?,
        total_files_processed: cursor.required_number(b",\"total_files_processed\":")?,
        total_bytes_processed: cursor.required_number(b",\"total_bytes_processed\":")?,
    };
    cursor.expect(b"}")?;
    Some(summary)
}
