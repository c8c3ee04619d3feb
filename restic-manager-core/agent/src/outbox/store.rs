use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    OutboxId,
    agent::{Report, ReportItem},
};

use super::{
    give_way,
    segment::{self, Segment},
};
use crate::files::{self, FileError};

/// The file with the id of an outbox that began anew.
const LATER_ID: &str = "id";

/// Sizes that bound an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Bytes of all its files. 64 MiB.
    pub total_bytes: u64,
    /// Bytes of one file, after which the next begins. 1 MiB.
    pub segment_bytes: u64,
}

impl OutboxLimits {
    /// Limits for a total, in as many parts as give way well one by one.
    #[must_use]
    pub const fn of_total(total_bytes: u64) -> Self {
        Self { total_bytes, segment_bytes: total_bytes.div_ceil(64) }
    }
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self::of_total(64 * 1024 * 1024)
    }
}

/// The outbox of one agent. All methods block on the disk.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    limits: OutboxLimits,
    id: OutboxId,
    /// What its files call it: the id that it had at first.
    named: OutboxId,
    /// Never empty; items are added to the last.
    segments: VecDeque<Segment>,
    active: File,
    /// Whether the active file may hold bytes after those that count.
    tail_is_dirty: bool,
    acknowledged: u64,
}

impl Outbox {
    /// Opens the outbox in a folder, or makes one with the id that `fresh` gives. An append that was cut short is
    /// taken back.
    ///
    /// # Errors
    /// When a file of it is damaged, or the operating system refuses.
    pub fn open(
        folder: &Path,
        limits: OutboxLimits,
        fresh: impl FnOnce() -> OutboxId,
    ) -> Result<Self, FileError> {
        files::make_folder(folder)?;
        files::remove_leftovers(folder)?;
        let paths = segment_paths(folder)?;
        if paths.is_empty() {
            let id = fresh();
            let segment = create_segment(folder, id, 1)?;
            return Self::assemble(folder, limits, id, VecDeque::from([segment]), false);
        }
        let (named, segments, torn) = read_segments(&paths)?;
        Self::assemble(folder, limits, named, segments, torn)
    }

    fn assemble(
        folder: &Path,
        limits: OutboxLimits,
        named: OutboxId,
        segments: VecDeque<Segment>,
        torn: bool,
    ) -> Result<Self, FileError> {
        let id = read_later_id(folder)?.unwrap_or(named);
        let (first, last) = (front(&segments).first, back(&segments).first);
        let active = open_active(&folder.join(segment::file_name(last)))?;
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            id,
            named,
            segments,
            active,
            tail_is_dirty: torn,
            acknowledged: first - 1,
        })
    }

    /// Which outbox this is.
    #[must_use]
    pub const fn id(&self) -> OutboxId {
        self.id
    }

    /// Number of the last item that was ever added; 0 when there was none.
    #[must_use]
    pub fn last(&self) -> u64 {
        back(&self.segments).next - 1
    }

    /// Number of the last item that the server has.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Most bytes that its files may have.
    #[must_use]
    pub const fn limit_bytes(&self) -> u64 {
        self.limits.total_bytes
    }

    /// Adds items; they are on the disk when this returns the number of the last.
    ///
    /// # Errors
    /// When the operating system refuses; then none of them was added, and it can be tried again.
    pub fn append(&mut self, items: &[ReportItem]) -> Result<u64, FileError> {
        if back(&self.segments).bytes >= self.limits.segment_bytes {
            self.roll()?;
        }
        let (mut lines, mut can_shrink) = self.encode(items, false)?;
        if !self.make_room(lines.len() as u64)? {
            (lines, can_shrink) = self.encode(items, true)?;
        }
        let path = self.path_of(back(&self.segments));
        self.append_bytes(&lines).map_err(|error| {
            self.tail_is_dirty = true;
            FileError::io(&path, error)
        })?;
        let active = back_mut(&mut self.segments);
        active.bytes += lines.len() as u64;
        active.next += items.len() as u64;
        active.can_shrink |= can_shrink;
        Ok(self.last())
    }

    /// The items after number `after` that fit into `limit_bytes`, at least one; `None` when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged.
    pub fn report(&self, after: u64, limit_bytes: usize) -> Result<Option<Report>, FileError> {
        let first = after.max(self.acknowledged) + 1;
        let Some(segment) =
            self.segments.iter().find(|segment| (segment.first..segment.next).contains(&first))
        else {
            return Ok(None);
        };
        let items = segment::read_from(&self.path_of(segment), segment, first, limit_bytes)?;
        Ok(Some(Report::new(self.id, first, items)))
    }

    /// Lets go of everything up to `through`: the server has it on its disk.
    ///
    /// # Errors
    /// When the operating system refuses; what is left is then sent again, which does no harm.
    pub fn acknowledge(&mut self, through: u64) -> Result<(), FileError> {
        self.acknowledged = self.acknowledged.max(through.min(self.last()));
        self.remove_confirmed()?;
        // A small file that is all confirmed stays, so that not every confirmation makes a new one.
        let is_worth_rolling = back(&self.segments).bytes >= self.limits.segment_bytes.div_ceil(16);
        if self.acknowledged == self.last() && is_worth_rolling {
            self.roll()?;
            self.remove_confirmed()?;
        }
        Ok(())
    }

    /// Begins anew under another id, because what the server has under this one is from a time that this outbox does not
    /// remember. Everything that it holds is kept, and the numbers go on.
    ///
    /// # Errors
    /// When the operating system refuses; it is then what it was.
    pub fn begin_anew(&mut self, id: OutboxId) -> Result<(), FileError> {
        files::write(&self.folder.join(LATER_ID), id.to_string().as_bytes())?;
        self.id = id;
        Ok(())
    }

    /// Shows every item that has not been acknowledged, with its number.
    ///
    /// # Errors
    /// When a file cannot be read, or is damaged.
    pub fn visit(&self, mut see: impl FnMut(u64, ReportItem)) -> Result<(), FileError> {
        for segment in &self.segments {
            let found = segment::read(&self.path_of(segment), segment.bytes, false)?;
            for (number, item) in (segment.first..).zip(found.items) {
                if number > self.acknowledged {
                    see(number, item);
                }
            }
        }
        Ok(())
    }

    fn remove_confirmed(&mut self) -> Result<(), FileError> {
        while self.segments.len() > 1 && front(&self.segments).next <= self.acknowledged + 1 {
            let path = self.path_of(front(&self.segments));
            fs::remove_file(&path).map_err(|error| FileError::io(&path, error))?;
            self.segments.pop_front();
        }
        Ok(())
    }

    fn path_of(&self, segment: &Segment) -> PathBuf {
        self.folder.join(segment::file_name(segment.first))
    }

    fn encode(&self, items: &[ReportItem], shrunk: bool) -> Result<(Vec<u8>, bool), FileError> {
        let mut lines = Vec::new();
        let mut can_shrink = false;
        let first = back(&self.segments).next;
        for (number, item) in (first..).zip(items) {
            let smaller = shrunk.then(|| give_way::shrink(item)).flatten();
            let item = smaller.unwrap_or_else(|| item.clone()).bounded();
            can_shrink |= give_way::can_shrink(&item);
            let line = segment::record(number, &item, number > first).map_err(io::Error::from);
            lines.extend_from_slice(&line.map_err(|error| FileError::io(&self.folder, error))?);
        }
        Ok((lines, can_shrink))
    }

    fn append_bytes(&mut self, lines: &[u8]) -> io::Result<()> {
        self.clean_tail()?;
        self.active.seek(SeekFrom::Start(back(&self.segments).bytes))?;
        self.active.write_all(lines)?;
        self.active.sync_data()
    }

    /// Takes back what an append left that did not come to its end.
    fn clean_tail(&mut self) -> io::Result<()> {
        if self.tail_is_dirty {
            self.active.set_len(back(&self.segments).bytes)?;
            self.active.sync_data()?;
            self.tail_is_dirty = false;
        }
        Ok(())
    }

    /// Lets log text give way until `size` more bytes fit; says whether they do.
    fn make_room(&mut self, size: u64) -> Result<bool, FileError> {
        while self.bytes() + size > self.limits.total_bytes {
            let closed = self.segments.len() - 1;
            let Some(index) = give_way::nearest_to_middle(
                self.segments.iter().take(closed).map(|segment| (segment.bytes, segment.can_shrink)),
            ) else {
                return Ok(false);
            };
            let segment = self.shrink_segment(&self.segments[index])?;
            self.segments[index] = segment;
        }
        Ok(true)
    }

    fn shrink_segment(&self, segment: &Segment) -> Result<Segment, FileError> {
        let path = self.path_of(segment);
        let found = segment::read(&path, segment.bytes, false)?;
        let mut content = segment::header(self.named, segment.first);
        for (number, item) in (segment.first..).zip(&found.items) {
            let smaller = give_way::shrink(item);
            let line =
                segment::record(number, smaller.as_ref().unwrap_or(item), false).map_err(io::Error::from);
            content.extend_from_slice(&line.map_err(|error| FileError::io(&path, error))?);
        }
        files::write(&path, &content)?;
        Ok(Segment { bytes: content.len() as u64, can_shrink: false, ..segment.clone() })
    }

    fn roll(&mut self) -> Result<(), FileError> {
        let path = self.path_of(back(&self.segments));
        self.clean_tail().map_err(|error| FileError::io(&path, error))?;
        let segment = create_segment(&self.folder, self.named, back(&self.segments).next)?;
        self.active = open_active(&self.path_of(&segment))?;
        self.segments.push_back(segment);
        Ok(())
    }
}

fn front(segments: &VecDeque<Segment>) -> &Segment {
    segments.front().expect("an outbox has at least one segment")
}

fn back(segments: &VecDeque<Segment>) -> &Segment {
    segments.back().expect("an outbox has at least one segment")
}

fn back_mut(segments: &mut VecDeque<Segment>) -> &mut Segment {
    segments.back_mut().expect("an outbox has at least one segment")
}

fn create_segment(folder: &Path, id: OutboxId, first: u64) -> Result<Segment, FileError> {
    let header = segment::header(id, first);
    files::write(&folder.join(segment::file_name(first)), &header)?;
    Ok(Segment { first, next: first, bytes: header.len() as u64, can_shrink: false })
}

fn open_active(path: &Path) -> Result<File, FileError> {
    // Not to append: some systems do not let such a file be cut.
    OpenOptions::new().write(true).open(path).map_err(|error| FileError::io(path, error))
}

fn segment_paths(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = fs::read_dir(folder).map_err(|error| FileError::io(folder, error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| FileError::io(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "outbox"));
    paths.sort();
    Ok(paths)
}

fn read_later_id(folder: &Path) -> Result<Option<OutboxId>, FileError> {
    let path = folder.join(LATER_ID);
    let Some(text) = files::read(&path, 256)? else { return Ok(None) };
    let damaged = |_| FileError::damaged(&path, "it is not the id of an outbox", segment::WAY_BACK);
    text.trim().parse().map(Some).map_err(damaged)
}

fn read_segments(paths: &[PathBuf]) -> Result<(OutboxId, VecDeque<Segment>, bool), FileError> {
    let mut segments: VecDeque<Segment> = VecDeque::new();
    let mut outbox = None;
    let mut torn = false;
    for (index, path) in paths.iter().enumerate() {
        let found = segment::read(path, u64::MAX, index + 1 == paths.len())?;
        let follows = segments.back().is_none_or(|before| before.next == found.segment.first);
        if !follows || outbox.is_some_and(|outbox| outbox != found.outbox) {
            let what = format!("it does not follow the file before it, at item {}", found.segment.first);
            return Err(FileError::damaged(path, what, segment::WAY_BACK));
        }
        outbox = Some(found.outbox);
        torn = found.torn;
        if torn {
            tracing::warn!("{} ends in an append that was cut short; it is taken back", path.display());
        }
        segments.push_back(found.segment);
    }
    Ok((outbox.expect("there is at least one file"), segments, torn))
}
