//! Removes the locks that dead processes of this host have left, and says whose are left.

use restic_manager_proto::{
    JobEnd,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::command::{CommandError, Invocation, List, ObjectKind};

use super::{
    end::{self, Ended},
    locks,
    run::Run,
};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.looking(&List::new(ObjectKind::Locks))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let sweep = run.sweep().await;
    let Some(left) = sweep.left else {
        let detail = "the repository did not tell its locks, or has too many of them";
        return Err(end::failed(Cause::Other, detail));
    };
    for lock in &left {
        run.log.remark(&format!("left alone: {}", locks::describe(lock)));
    }
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.detail = left.first().map(locks::describe).unwrap_or_default();
    end.statistics.locks_removed = Some(sweep.removed);
    end.statistics.locks_left = Some(left.len() as u64);
    run.log.remark(&format!("{} locks removed, {} left", sweep.removed, left.len()));
    Ok(end)
}
