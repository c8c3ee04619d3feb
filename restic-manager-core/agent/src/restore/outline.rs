//! A plan while it is made: rows, counts, and the digest of all of it.

use restic_manager_crypto::{ContentDigest, ContentHasher};
use restic_manager_restic::command::Overwrite;

use super::{disk::Found, judge::Class, target::Run};
use crate::index::{Kind, Meta, SnapshotKey};

/// Most rows of a plan; what is more is counted.
pub const ROWS: usize = 10_000;
/// What is to be restored, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What goes where.
    pub runs: Vec<Run>,
    /// What happens to files that are there.
    pub overwrite: Overwrite,
    /// Whether what is in a restored folder and not in the snapshot is removed.
    pub delete: bool,
    /// Whether the restoring user can give files to others.
    pub owners: bool,
}

/// One path of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What happens to it.
    pub class: Class,
    /// Where it is on the disk.
    pub path: Vec<u8>,
    /// Bytes that are written; of what is removed, left or in the way, those that are there.
    pub size: u64,
}

/// How many paths are of one class, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Paths.
    pub entries: u64,
    /// Bytes of the files among them, as [`Row::size`] has them.
    pub bytes: u64,
}

/// What a restore would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The digest of all that was asked and all that was found: a plan that is made again with the same id does the same.
    pub id: ContentDigest,
    /// The first rows, without those that are unchanged, folder by folder.
    pub rows: Vec<Row>,
    /// How many rows more there are.
    pub more_rows: u64,
    /// Bytes that are written. A file with several names in the snapshot counts with each.
    pub bytes: u64,
    /// Files and folders that are made.
    pub inodes: u64,
    counts: [Count; Class::ALL.len()],
}

impl Plan {
    /// How many paths are of a class.
    #[must_use]
    pub const fn count(&self, class: Class) -> Count {
        self.counts[class as usize]
    }
}

/// A plan that is not whole yet.
pub(super) struct Outline {
    plan: Plan,
    sum: Sum,
}

impl Outline {
    pub(super) fn new(key: SnapshotKey, wanted: &Wanted) -> Self {
        let (rows, counts) = Default::default();
        let id = ContentDigest::from_bytes([0; 32]);
        let plan = Plan { id, rows, more_rows: 0, bytes: 0, inodes: 0, counts };
        Self { plan, sum: Sum::new(key, wanted) }
    }

    pub(super) fn finish(self) -> Plan {
        Plan { id: self.sum.0.finish(), ..self.plan }
    }

    /// Notes an entry of the snapshot.
    pub(super) fn note(&mut self, class: Class, path: &[u8], meta: &Meta, found: Option<&Found>) {
        let size = if meta.is_dir() { 0 } else { meta.size };
        if class.writes() {
            let is_other = found.is_some_and(|found| found.kind != meta.kind);
            let is_made = matches!(class, Class::New | Class::BreaksHardLink) || is_other;
            self.plan.bytes = self.plan.bytes.saturating_add(size);
            self.plan.inodes += u64::from(is_made);
        }
        let there = found.filter(|found| found.kind == Kind::File).map_or(0, |found| found.size);
        let stays = matches!(class, Class::LeftAlone | Class::Blocked);
        self.row(class, path, if stays { there } else { size }, found);
    }

    /// Notes a path.
    pub(super) fn row(&mut self, class: Class, path: &[u8], size: u64, found: Option<&Found>) {
        self.sum.row(class, path, size, found);
        let count = &mut self.plan.counts[class as usize];
        count.entries += 1;
        count.bytes = count.bytes.saturating_add(size);
        if class == Class::Unchanged {
            return;
        }
        if self.plan.rows.len() < ROWS {
            self.plan.rows.push(Row { class, path: path.to_vec(), size });
        } else {
            self.plan.more_rows += 1;
        }
    }
}

/// The digest of a plan while it is made.
struct Sum(ContentHasher);

impl Sum {
    fn new(key: SnapshotKey, wanted: &Wanted) -> Self {
        let mut sum = Self(ContentHasher::new());
        sum.text(format!("restore plan 1 {} {}", key.repository, key.snapshot).as_bytes());
        sum.text(overwrite_word(wanted.overwrite).as_bytes());
        sum.0.update(&[u8::from(wanted.delete), u8::from(wanted.owners)]);
        for run in &wanted.runs {
            sum.text(&run.parent);
            sum.text(&run.into);
            sum.number(run.names.len() as u64);
            run.names.iter().for_each(|name| sum.text(name));
        }
        sum
    }

    fn row(&mut self, class: Class, path: &[u8], size: u64, found: Option<&Found>) {
        self.number(class as u64);
        self.text(path);
        self.number(size);
        self.number(u64::from(found.is_some()));
        if let Some(Found { kind, mode, uid, gid, size, mtime, links }) = found {
            // A folder's own size and number of names are no part of what is restored.
            let content = if *kind == Kind::Dir { [0, 0] } else { [*size, *links] };
            let owner = [u64::from(*mode), u64::from(*uid), u64::from(*gid)];
            let time = [mtime.seconds as u64, u64::from(mtime.nanoseconds), *kind as u64];
            content.into_iter().chain(owner).chain(time).for_each(|number| self.number(number));
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }
}

/// restic's word for a mode.
const fn overwrite_word(overwrite: Overwrite) -> &'static str {
    match overwrite {
        Overwrite::Always => "always",
        Overwrite::IfChanged => "if-changed",
        Overwrite::IfNewer => "if-newer",
        Overwrite::Never => "never",
        _ => "another",
    }
}
