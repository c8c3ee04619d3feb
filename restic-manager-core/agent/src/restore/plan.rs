//! What a restore would do, from the index of the snapshot and a look at the disk.

use std::{io, vec};

use super::{
    disk::{Disk, Found},
    judge::{Class, classify},
    outline::{Outline, Plan, Wanted},
    target::{Run, ancestors},
};
use crate::index::{Index, IndexError, Kind, Listed, Meta, View};

/// Entries of a folder that are held at once.
const PAGE: usize = 64;

/// A plan was not made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The index does not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A selected path is not in the snapshot.
    #[error("find {} in the snapshot", path.escape_ascii())]
    NotThere {
        /// The path.
        path: Vec<u8>,
    },
    /// The disk cannot be looked at.
    #[error("look at {}: {problem}", path.escape_ascii())]
    Disk {
        /// Where.
        path: Vec<u8>,
        /// What the operating system says.
        #[source]
        problem: io::Error,
    },
    /// It was given up.
    #[error("the plan was given up")]
    Stopped,
}

/// Makes a plan. Changes nothing. `goes_on` is asked again and again; when it says no, the plan is given up.
///
/// Runs into one folder do not see each other. Nothing is opened: a file of equal size and time counts as unchanged, and one
/// of another time as replaced, though restic may find its content equal and write nothing.
///
/// # Errors
/// When the index or the disk refuses, or a path is not in the snapshot.
pub fn plan(
    index: &Index,
    wanted: &Wanted,
    disk: &dyn Disk,
    mut goes_on: impl FnMut() -> bool,
) -> Result<Plan, PlanError> {
    let outline = Outline::new(index.key(), wanted);
    let mut planner = Planner { index, wanted, disk, outline };
    for run in &wanted.runs {
        planner.run(run, &mut goes_on)?;
    }
    Ok(planner.outline.finish())
}

struct Planner<'a> {
    index: &'a Index,
    wanted: &'a Wanted,
    disk: &'a dyn Disk,
    outline: Outline,
}

/// A folder whose entries are gone through.
struct Level {
    /// Its path in the snapshot and on the disk.
    inside: Vec<u8>,
    outside: Vec<u8>,
    /// Whether it is on the disk, as a folder.
    is_there: bool,
    entries: vec::IntoIter<Listed>,
    /// Where its next entries are.
    next: Option<u64>,
    /// Whether all of it is restored, so that what is beside it may be removed.
    is_whole: bool,
}

impl Planner<'_> {
    fn run(&mut self, run: &Run, goes_on: &mut impl FnMut() -> bool) -> Result<(), PlanError> {
        // Links to folders are followed here, as restic does, but nowhere below.
        let is_there = self.is_folder(&run.into)?;
        if let Some((path, found)) = self.obstacle(&run.into)? {
            self.outline.row(Class::Blocked, path, 0, Some(&found));
        }
        let mut levels = vec![self.level(run, is_there)?];
        while let Some(level) = levels.last_mut() {
            if !goes_on() {
                return Err(PlanError::Stopped);
            }
            if let Some(entry) = level.entries.next() {
                let inside = joined(&level.inside, &entry.name);
                let outside = joined(&level.outside, &entry.name);
                let is_above_there = level.is_there;
                levels.extend(self.entry(inside, outside, &entry.meta, is_above_there)?);
            } else if let Some(next) = level.next.take() {
                let page = self.index.page(&level.inside, &view(next))?;
                let page = page.ok_or_else(|| PlanError::NotThere { path: level.inside.clone() })?;
                (level.entries, level.next) = (page.entries.into_iter(), page.next);
            } else if let Some(level) = levels.pop()
                && level.is_whole
                && level.is_there
                && self.wanted.delete
            {
                self.remove_extra(&level)?;
            }
        }
        Ok(())
    }

    /// The nearest to a folder, itself or above it, that is there, if that is no folder.
    fn obstacle<'p>(&self, folder: &'p [u8]) -> Result<Option<(&'p [u8], Found)>, PlanError> {
        for path in [folder].into_iter().chain(ancestors(folder)) {
            if let Some(found) = self.look(path)? {
                return Ok((!self.is_folder(path)?).then_some((path, found)));
            }
        }
        Ok(None)
    }

    /// Whether a path is a folder, or a link to one.
    fn is_folder(&self, path: &[u8]) -> Result<bool, PlanError> {
        Ok(self.look(&joined(path, b"."))?.is_some_and(|found| found.kind == Kind::Dir))
    }

    /// Where a run begins.
    fn level(&self, run: &Run, is_there: bool) -> Result<Level, PlanError> {
        let mut entries = Vec::with_capacity(run.names.len());
        for name in &run.names {
            let path = joined(&run.parent, name);
            match self.index.entry(&path)? {
                Some(meta) => entries.push(Listed { name: name.clone(), meta }),
                None => return Err(PlanError::NotThere { path }),
            }
        }
        let is_whole = run.names.is_empty();
        let (inside, outside) = (run.parent.clone(), run.into.clone());
        let next = is_whole.then_some(0);
        Ok(Level { inside, outside, is_there, entries: entries.into_iter(), next, is_whole })
    }

    /// Notes one entry; gives back the level below it, if it is a folder.
    fn entry(
        &mut self,
        inside: Vec<u8>,
        outside: Vec<u8>,
        meta: &Meta,
        is_above_there: bool,
    ) -> Result<Option<Level>, PlanError> {
        let found = if is_above_there { self.look(&outside)? } else { None };
        let in_the_way = found.filter(|found| found.kind == Kind::Dir && !meta.is_dir());
        let is_empty = in_the_way.is_some() && self.is_empty(&outside)?;
        let (overwrite, owners) = (self.wanted.overwrite, self.wanted.owners);
        let class = classify(meta, found.as_ref(), overwrite, owners, || is_empty);
        self.outline.note(class, &outside, meta, found.as_ref());
        let is_there = found.is_some_and(|found| found.kind == Kind::Dir);
        let below = || Level {
            inside,
            outside,
            is_there,
            entries: Vec::new().into_iter(),
            next: Some(0),
            is_whole: true,
        };
        Ok(meta.is_dir().then(below))
    }

    /// Notes what is in a restored folder and not in the snapshot, with all that is below it.
    fn remove_extra(&mut self, level: &Level) -> Result<(), PlanError> {
        let mut extra = Vec::new();
        for name in self.names(&level.outside)? {
            if self.index.entry(&joined(&level.inside, &name))?.is_none() {
                extra.push(joined(&level.outside, &name));
            }
        }
        extra.reverse();
        while let Some(path) = extra.pop() {
            let Some(found) = self.look(&path)? else { continue };
            let size = if found.kind == Kind::File { found.size } else { 0 };
            self.outline.row(Class::Removed, &path, size, Some(&found));
            if found.kind == Kind::Dir {
                extra.extend(self.names(&path)?.iter().rev().map(|name| joined(&path, name)));
            }
        }
        Ok(())
    }

    fn look(&self, path: &[u8]) -> Result<Option<Found>, PlanError> {
        let path = rooted(path);
        self.disk.look(path).map_err(|problem| PlanError::Disk { path: path.to_vec(), problem })
    }

    /// The names in a folder, in order.
    fn names(&self, folder: &[u8]) -> Result<Vec<Vec<u8>>, PlanError> {
        let folder = rooted(folder);
        let mut names = Vec::new();
        let read = self.disk.names(folder, &mut |name| {
            names.push(name);
            Ok(())
        });
        read.map_err(|problem| PlanError::Disk { path: folder.to_vec(), problem })?;
        names.sort_unstable();
        Ok(names)
    }

    fn is_empty(&self, folder: &[u8]) -> Result<bool, PlanError> {
        Ok(self.names(folder)?.is_empty())
    }
}

const fn view(after: u64) -> View {
    View { by: crate::index::By::Name, descending: false, kind: None, after, limit: PAGE }
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder, b"/", name].concat()
}

/// The root of a disk has a path too.
const fn rooted(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"/" } else { path }
}
