//! One file of an outbox: a line that names the outbox, then one line per item, each with its checksum.
//!
//! Items that are appended together are one write, and count together once it is synced. All but the first of them carry a
//! plus before their number: so it is seen where an append begins, and what is left of one that was cut short, whatever
//! its shape, is told from damage to one that was synced.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use restic_manager_proto::{OutboxId, agent::ReportItem, limits::ITEM_BYTES};

use super::give_way;
use crate::files::FileError;

const FORMAT: &str = "restic-manager-outbox-1";
const CHECKSUM_DIGITS: usize = 8;
pub(super) const WAY_BACK: &str = "put back your copy of it, or move the whole folder away: \
                        what the server has not confirmed is then lost, and the jobs end as failed";

/// What is known of a segment without reading it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Number of its first item, also when it has none yet.
    pub(super) first: u64,
    /// Number of the item after its last.
    pub(super) next: u64,
    /// Bytes of it that count.
    pub(super) bytes: u64,
    /// Whether log text in it can give way.
    pub(super) can_shrink: bool,
}

/// A segment's file as it was found.
pub(super) struct Found {
    pub(super) outbox: OutboxId,
    pub(super) segment: Segment,
    pub(super) items: Vec<ReportItem>,
    /// Whether the end of the file does not count: an append that was cut short.
    pub(super) torn: bool,
}

pub(super) fn file_name(first: u64) -> String {
    format!("{first:020}.outbox")
}

pub(super) fn header(outbox: OutboxId, first: u64) -> Vec<u8> {
    checked(format!("{FORMAT} {outbox} {first}").as_bytes())
}

/// One item as it stands in the file. One that is longer than a server takes stands there as the word that says so.
pub(super) fn record(number: u64, item: &ReportItem, goes_on: bool) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = format!("{}{number} ", if goes_on { "+" } else { "" }).into_bytes();
    let start = text.len();
    serde_json::to_writer(&mut text, item)?;
    let bytes = text.len() - start;
    if bytes > ITEM_BYTES {
        tracing::error!(kind = item.kind(), bytes, "an item is too long to be reported; it is left out");
        text.truncate(start);
        serde_json::to_writer(&mut text, &item.left_out(bytes))?;
    }
    Ok(checked(&text))
}

/// Reads a segment's file. Only the last segment may end in an append that was cut short; whatever else does not
/// fit is damage.
pub(super) fn read(path: &Path, limit: u64, is_last: bool) -> Result<Found, FileError> {
    let content = content(path, limit).map_err(|error| FileError::io(path, error))?;
    let damaged = |what: String| FileError::damaged(path, what, WAY_BACK);

    let mut rest = content.as_slice();
    let (outbox, first) = take_line(&mut rest)
        .and_then(parse_header)
        .ok_or_else(|| damaged("its first line does not name an outbox".to_owned()))?;
    let mut found = Found {
        outbox,
        segment: Segment { first, next: first, bytes: 0, can_shrink: false },
        items: Vec::new(),
        torn: false,
    };
    let mut counted = rest;
    while let Some(item) = take_line(&mut rest).and_then(|line| parse_record(line, found.segment.next)) {
        found.segment.next += 1;
        found.segment.can_shrink |= give_way::can_shrink(&item);
        found.items.push(item);
        counted = rest;
    }
    found.segment.bytes = (content.len() - counted.len()) as u64;
    found.torn = !counted.is_empty();
    if found.torn && !(is_last && is_cut_short(counted)) {
        return Err(damaged(format!("item {} does not match its checksum", found.segment.next)));
    }
    Ok(found)
}

/// Whether what does not fit at the end of the last file is an append that was cut short: it lacks its end or has holes
/// of zeros, which no line has, and no later append begins after it.
fn is_cut_short(tail: &[u8]) -> bool {
    let begins = |line: &[u8]| {
        let whole = line.strip_suffix(b"\n").and_then(unchecked);
        whole.is_some_and(|text| !text.starts_with('+'))
    };
    let has_holes = !tail.ends_with(b"\n") || tail.contains(&0);
    has_holes && !tail.split_inclusive(|byte| *byte == b'\n').any(begins)
}

/// The items from number `wanted` on that fit into `limit_bytes`, at least one; without a look at those before.
pub(super) fn read_from(
    path: &Path,
    segment: &Segment,
    wanted: u64,
    limit_bytes: usize,
) -> Result<Vec<ReportItem>, FileError> {
    let content = content(path, segment.bytes).map_err(|error| FileError::io(path, error))?;
    let mut rest = content.as_slice();
    let mut items = Vec::new();
    let mut bytes = 0;
    take_line(&mut rest);
    for number in segment.first..segment.next {
        let line = take_line(&mut rest).unwrap_or_default();
        if number < wanted {
            continue;
        }
        bytes += line.len();
        if !items.is_empty() && bytes > limit_bytes {
            break;
        }
        let damaged =
            || FileError::damaged(path, format!("item {number} does not match its checksum"), WAY_BACK);
        items.push(parse_record(line, number).ok_or_else(damaged)?);
    }
    Ok(items)
}

fn content(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

fn checked(text: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x} ", crc32fast::hash(text)).into_bytes();
    line.extend_from_slice(text);
    line.push(b'\n');
    line
}

fn unchecked(line: &[u8]) -> Option<&str> {
    let (checksum, text) = line.split_at_checked(CHECKSUM_DIGITS)?;
    let text = text.strip_prefix(b" ")?;
    let checksum = u32::from_str_radix(core::str::from_utf8(checksum).ok()?, 16).ok()?;
    (checksum == crc32fast::hash(text)).then(|| core::str::from_utf8(text).ok())?
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(line)
}

fn parse_header(line: &[u8]) -> Option<(OutboxId, u64)> {
    let mut words = unchecked(line)?.split(' ');
    let (format, outbox, first) = (words.next()?, words.next()?, words.next()?);
    (format == FORMAT && words.next().is_none()).then_some(())?;
    Some((outbox.parse().ok()?, first.parse().ok().filter(|&first| first > 0)?))
}

fn parse_record(line: &[u8], expected: u64) -> Option<ReportItem> {
    let (number, item) = unchecked(line)?.split_once(' ')?;
    (number.parse::<u64>().ok()? == expected).then_some(())?;
    serde_json::from_str(item).ok()
}
