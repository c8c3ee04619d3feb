//! Items of an outbox within their limits: what is too long is cut with a mark, what is too much comes in parts.

use super::{ReportItem, UnknownItem};
use crate::{
    LockSeen, PreviewedSnapshot, RepositoryId, SnapshotSeen, Timestamp,
    limits::{
        COMMAND_BYTES, DETAIL_BYTES, ITEM_BYTES, LINE_BYTES, LISTING_BYTES, LISTING_PARTS, LOCKS, NAME_BYTES,
        PART_BYTES, PART_SNAPSHOTS, PATHS_BYTES, SLOT_GROUPS, cut, cut_all,
    },
};

impl ReportItem {
    /// The same item with every text within its limit. It is one item still, and an end stays an end.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        match &mut self {
            Self::JobStarted { command, .. } => shorten(command, COMMAND_BYTES),
            Self::JobLog { lines, .. } => {
                lines.iter_mut().for_each(|line| shorten(&mut line.text, LINE_BYTES));
            }
            Self::JobEnded { end, .. } => {
                shorten(&mut end.detail, DETAIL_BYTES);
                end.statistics.snapshot.iter_mut().for_each(|id| shorten(id, NAME_BYTES));
                end.statistics.locks.truncate(LOCKS);
                end.statistics.locks.iter_mut().for_each(LockSeen::shorten);
            }
            Self::RepositoryChecked { detail, .. } => shorten(detail, DETAIL_BYTES),
            Self::Snapshots { snapshots, .. } => snapshots.iter_mut().for_each(SnapshotSeen::shorten),
            Self::SlotDue { jobs, .. } => jobs.truncate(SLOT_GROUPS),
            Self::SlotSkipped { groups, .. } => groups.truncate(SLOT_GROUPS),
            Self::RetentionPreviewed { snapshots, .. } => {
                snapshots.iter_mut().for_each(PreviewedSnapshot::shorten);
            }
            Self::SnapshotsForgotten { snapshots, .. } => {
                snapshots.iter_mut().for_each(|id| shorten(id, NAME_BYTES));
            }
            Self::OutboxBegan { .. } | Self::Unknown(_) => {}
        }
        self
    }

    /// The same in as many items as it takes for each to be within [`ITEM_BYTES`]. What cannot be divided and is longer
    /// still gives way to a word that says so.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        let item = self.bounded();
        let bytes = encoded(&item);
        if bytes <= ITEM_BYTES {
            return vec![item];
        }
        let halves = item.halves();
        match halves.as_slice() {
            [whole] => vec![whole.left_out(bytes)],
            _ => halves.into_iter().flat_map(Self::parts).collect(),
        }
    }

    /// What stands in an outbox in the place of an item that is too long to be sent.
    #[must_use]
    pub fn left_out(&self, bytes: usize) -> Self {
        Self::Unknown(UnknownItem::left_out(self.kind(), bytes))
    }

    /// The item divided in two, or as it was.
    fn halves(self) -> Vec<Self> {
        match self {
            Self::JobLog { job, mut lines, dropped } if lines.len() > 1 => {
                let rest = lines.split_off(lines.len() / 2);
                vec![Self::JobLog { job, lines, dropped }, Self::JobLog { job, lines: rest, dropped: 0 }]
            }
            Self::RetentionPreviewed { job, mut snapshots } if snapshots.len() > 1 => {
                let rest = snapshots.split_off(snapshots.len() / 2);
                let part = |snapshots| Self::RetentionPreviewed { job, snapshots };
                vec![part(snapshots), part(rest)]
            }
            Self::SnapshotsForgotten { job, repository, group, mut snapshots } if snapshots.len() > 1 => {
                let rest = snapshots.split_off(snapshots.len() / 2);
                let part = |snapshots| Self::SnapshotsForgotten { job, repository, group, snapshots };
                vec![part(snapshots), part(rest)]
            }
            item => vec![item],
        }
    }

    /// A listing as it is reported: at least one part, so that an empty listing is news too. `None` for one that is
    /// longer than a server takes, however short its paths are cut.
    #[must_use]
    pub fn listing(repository: RepositoryId, at: Timestamp, seen: &[SnapshotSeen]) -> Option<Vec<Self>> {
        let parts = [PATHS_BYTES, 512, 0].into_iter().find_map(|paths| divided(seen, paths))?;
        let count = parts.len();
        let item = |(part, snapshots): (u32, _)| {
            let last = part as usize + 1 == count;
            Self::Snapshots { repository, at, snapshots, part, last }
        };
        Some((0..).zip(parts).map(item).collect())
    }
}

impl SnapshotSeen {
    fn shorten(&mut self) {
        for name in [&mut self.id, &mut self.hostname, &mut self.username] {
            shorten(name, NAME_BYTES);
        }
        for name in self.parent.iter_mut().chain(&mut self.program_version) {
            shorten(name, NAME_BYTES);
        }
        self.cut_paths(PATHS_BYTES);
    }

    fn cut_paths(&mut self, bytes: usize) {
        for texts in [&mut self.paths, &mut self.tags] {
            *texts = cut_all(core::mem::take(texts), bytes);
        }
    }
}

impl LockSeen {
    fn shorten(&mut self) {
        for name in [&mut self.id, &mut self.hostname, &mut self.username] {
            shorten(name, NAME_BYTES);
        }
    }
}

impl PreviewedSnapshot {
    fn shorten(&mut self) {
        shorten(&mut self.id, NAME_BYTES);
        self.kept_by = cut_all(core::mem::take(&mut self.kept_by), NAME_BYTES);
    }
}

/// Snapshots in parts, with at most so much text of paths each, if they are within the limits of a listing.
fn divided(seen: &[SnapshotSeen], paths: usize) -> Option<Vec<Vec<SnapshotSeen>>> {
    let mut parts = vec![Vec::new()];
    let (mut bytes, mut all) = (0, 0);
    for snapshot in seen {
        let mut snapshot = snapshot.clone();
        snapshot.shorten();
        snapshot.cut_paths(paths);
        let size = encoded(&snapshot);
        let part = parts.last().map_or(0, Vec::len);
        if part == PART_SNAPSHOTS || (part > 0 && bytes + size > PART_BYTES) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        all += size;
        if parts.len() > LISTING_PARTS || all > LISTING_BYTES {
            return None;
        }
        parts.last_mut()?.push(snapshot);
    }
    Some(parts)
}

fn shorten(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        *text = cut(text, bytes);
    }
}

fn encoded<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |text| text.len())
}
