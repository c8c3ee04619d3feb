//! The plan of a restore, from the index of its snapshot and a look at the host's disk.

use std::{path::Path, sync::Arc};

use restic_manager_proto::{
    PlanRow, PlanSummary, PlannedClass, RawPath, RestoreOptions, RestoreTarget,
    vocabulary::{self, PlanClass},
};
use restic_manager_restic::command::Overwrite;

use crate::{
    index::Index,
    restore::{Class, LocalDisk, Plan, PlanError, Run, SelectionError, Target, Wanted, native, plan, runs},
};

/// The runs of restic that a restore takes.
pub(super) fn steps(options: &RestoreOptions) -> Result<Vec<Run>, SelectionError> {
    let selection: Vec<_> = options.paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let target = match &options.target {
        RestoreTarget::Original {} => Target::Original,
        RestoreTarget::Folder { path } => Target::Folder(path.as_bytes().to_vec()),
    };
    runs(&selection, &target)
}

pub(super) const fn overwrite(options: &RestoreOptions) -> Overwrite {
    match options.overwrite {
        vocabulary::Overwrite::Always => Overwrite::Always,
        vocabulary::Overwrite::IfChanged => Overwrite::IfChanged,
        vocabulary::Overwrite::IfNewer => Overwrite::IfNewer,
        _ => Overwrite::Never,
    }
}

/// Makes the plan of a restore beside the runtime's thread. Cancel-safe: when nobody waits, it is given up.
pub(super) async fn make(index: Index, options: &RestoreOptions) -> Result<Plan, PlanError> {
    let runs = steps(options).map_err(|_| PlanError::Stopped)?;
    let wanted =
        Wanted { runs, overwrite: overwrite(options), delete: options.delete, owners: sets_owners() };
    let waiting = Arc::new(());
    let watched = Arc::downgrade(&waiting);
    let planned =
        tokio::task::spawn_blocking(move || plan(&index, &wanted, &LocalDisk, || watched.strong_count() > 0));
    let planned = planned.await.unwrap_or(Err(PlanError::Stopped));
    drop(waiting);
    planned
}

/// Whether this agent can give files to others.
#[cfg(not(unix))]
pub(super) const fn sets_owners() -> bool {
    false
}

/// Whether this agent can give files to others.
#[cfg(unix)]
pub(super) fn sets_owners() -> bool {
    rustix::process::geteuid().is_root()
}

/// The sums of a plan, as the server is told.
pub(super) async fn summary(plan: &Plan, options: &RestoreOptions) -> PlanSummary {
    let mut summary = PlanSummary::default();
    summary.id = plan.id.to_string();
    let classes = Class::ALL.into_iter().map(|class| (class, plan.count(class)));
    summary.classes = classes
        .filter(|(_, count)| count.entries > 0)
        .map(|(class, count)| PlannedClass { class: word(class), entries: count.entries, bytes: count.bytes })
        .collect();
    (summary.bytes, summary.inodes, summary.sets_owners) = (plan.bytes, plan.inodes, sets_owners());
    let place = steps(options).ok().and_then(|steps| steps.into_iter().next());
    let place = place.and_then(|step| native(&step.into).ok());
    let free = tokio::task::spawn_blocking(move || place.and_then(|place| free(&place)));
    summary.free_bytes = free.await.ok().flatten();
    summary
}

/// The rows of a plan, as the server is told.
pub(super) fn rows(plan: &Plan, class: Option<PlanClass>, limit: usize) -> (Vec<PlanRow>, bool) {
    let row = |row: &crate::restore::Row| PlanRow {
        class: word(row.class),
        path: RawPath::new(row.path.clone()),
        size: row.size,
    };
    let mut rows = plan.rows.iter().map(row).filter(|row| class.is_none_or(|class| row.class == class));
    let told: Vec<_> = rows.by_ref().take(limit).collect();
    (told, rows.next().is_some() || plan.more_rows > 0)
}

const fn word(class: Class) -> PlanClass {
    match class {
        Class::New => PlanClass::New,
        Class::Replaced => PlanClass::Replaced,
        Class::NewerReplaced => PlanClass::NewerReplaced,
        Class::BreaksHardLink => PlanClass::BreaksHardLink,
        Class::Unchanged => PlanClass::Unchanged,
        Class::LeftAlone => PlanClass::LeftAlone,
        Class::AttributesReset => PlanClass::AttributesReset,
        Class::Removed => PlanClass::Removed,
        Class::Blocked => PlanClass::Blocked,
    }
}

/// The bytes that this user may still write where a path is, or would be.
#[cfg(not(unix))]
const fn free(_: &Path) -> Option<u64> {
    None
}

/// The bytes that this user may still write where a path is, or would be.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let there = if path.as_os_str().is_empty() { Path::new("/") } else { path };
    let there = there.ancestors().find(|above| above.exists())?;
    let space = rustix::fs::statvfs(there).ok()?;
    space.f_bavail.checked_mul(space.f_frsize)
}
