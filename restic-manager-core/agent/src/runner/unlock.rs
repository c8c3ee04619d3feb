//! Removes the locks that dead processes of this host have left, and those that somebody has looked at and wants removed;
//! says whose are left.

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
    let asked = run.order.locks();
    let sweep = run.sweep_asked(asked).await;
    let Some(left) = sweep.left else {
        let detail = "the repository did not tell its locks, or has too many of them";
        return Err(end::failed(Cause::Other, detail));
    };
    for lock in &left {
        let words = locks::describe(lock);
        // restic removes what it holds to be stale, and nothing else is told apart from a living one for certain.
        let when = match asked.contains(&lock.id) {
            true => format!("; ask again after {}, when restic takes it for stale", lock.stale_at),
            false => String::new(),
        };
        run.log.remark(&format!("left alone: {words}{when}"));
    }
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.detail = left.first().map(locks::describe).unwrap_or_default();
    end.statistics.locks_removed = Some(sweep.removed);
    run.log.remark(&format!("{} locks removed, {} left", sweep.removed, left.len()));
    end.statistics.locks_left = Some(left.len() as u64);
    end.statistics.locks = left;
    Ok(end)
}
