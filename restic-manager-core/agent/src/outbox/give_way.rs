//! How log text gives way: an item keeps its number and the place of its last line, which says what is missing.

use restic_manager_proto::{LogLine, agent::ReportItem, vocabulary::LogStream};

/// A line no longer than this stays; the line that takes the place of others is shorter.
const SHORT_BYTES: usize = 256;

pub(super) fn can_shrink(item: &ReportItem) -> bool {
    match item {
        ReportItem::JobLog { lines, .. } => {
            lines.len() > 1 || lines.iter().any(|line| line.text.len() > SHORT_BYTES)
        }
        _ => false,
    }
}

/// The same item without its text, if it has text that can give way.
pub(super) fn shrink(item: &ReportItem) -> Option<ReportItem> {
    let ReportItem::JobLog { job, lines, dropped } = item else { return None };
    let last = lines.last().filter(|_| can_shrink(item))?;
    let count = lines.len() as u64;
    let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
    let text = format!(
        "{count} lines ({bytes} bytes) were left out here: the agent kept them for the server, and ran out of room"
    );
    let marker = LogLine { sequence: last.sequence, at: last.at, stream: LogStream::Agent, text };
    Some(ReportItem::JobLog { job: *job, lines: vec![marker], dropped: dropped + count - 1 })
}

/// Which of several files gives way next, by their bytes and by whether they can: the one nearest to the middle, so that
/// ends stay, and the very beginning only when there is nothing else.
pub(super) fn nearest_to_middle(files: impl Iterator<Item = (u64, bool)> + Clone) -> Option<usize> {
    let middle = files.clone().map(|(bytes, _)| bytes).sum::<u64>() / 2;
    let mut before = 0;
    files
        .enumerate()
        .map(|(index, (bytes, can_shrink))| {
            let centre = before + bytes / 2;
            before += bytes;
            (index, can_shrink, (index == 0, centre.abs_diff(middle)))
        })
        .filter(|(_, can_shrink, _)| *can_shrink)
        .min_by_key(|(_, _, distance)| *distance)
        .map(|(index, ..)| index)
}
