//! Whether the credential of a job may delete, seen by trying.
//!
//! What is to go is a snapshot of a few bytes that was made for nothing else, so that no success harms anybody. Where the
//! storage refuses, it stays and is tried again the next time: there is never more than one in a repository for long.

use restic_manager_proto::{
    JobEnd,
    vocabulary::{Cause, DeletionVerdict, JobState},
};
use restic_manager_restic::{
    Cause as ResticCause,
    command::{Backup, CommandError, Filter, Forget, Invocation, Snapshots},
    event::Snapshot,
    process::Input,
};

use super::{
    end::{self, Ended},
    run::Run,
    stage::Ran,
};

/// Under this name no host backs up, so that neither listings of hosts nor retention policies meet the snapshot.
const HOST: &str = "restic-manager";
const TAG: &str = "deletion-test";
const FILE: &str = "restic-manager-deletion-test";
const CONTENT: &[u8] =
    b"This snapshot shows whether the everyday credential may delete. It may go at any time.\n";

/// Lists the snapshots that were made for the test.
pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let mut snapshots = Snapshots::new();
    snapshots.filter = Filter::all();
    snapshots.filter.hosts.push(HOST.to_owned());
    snapshots.filter.tags.push(vec![TAG.to_owned()]);
    run.looking(&snapshots)
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let target = match targets(run).await?.pop() {
        Some(target) => target,
        None => make_target(run).await?,
    };
    run.log.remark(&format!("trying to delete snapshot {}, which was made for that", short(&target)));
    let forget = run.working(&Forget::by_ids([target.clone()]))?;
    let ran = run.alone(&forget).await?;
    let is_left = targets(run).await?.contains(&target);
    let Some(verdict) = judge(&ran, is_left) else { return Err(undecided(run, &ran).await) };
    let (detail, remark) = match verdict {
        DeletionVerdict::Possible => ("the snapshot is gone: this credential can delete", "NOT refused"),
        _ => ("the storage refused, and the snapshot is still there", "refused"),
    };
    run.log.remark(&format!("{remark}: {detail}"));
    let mut end = end::without_run(JobState::Succeeded, Cause::None, detail);
    end.statistics.deletion = Some(verdict);
    end::note_resources(&mut end.statistics, &ran.finished.resources);
    Ok(end)
}

/// The ids of what was made for the test, oldest first.
async fn targets(run: &mut Run<'_>) -> Result<Vec<String>, Ended> {
    let invocation = command(run)?;
    let listed: Vec<Snapshot> = run.document(&invocation, "the listing of the snapshots").await?;
    Ok(listed.into_iter().filter(|one| one.tags == [TAG]).filter_map(|one| one.id).collect())
}

async fn make_target(run: &mut Run<'_>) -> Result<String, Ended> {
    run.log.remark("making a snapshot of a few bytes to try on");
    let mut backup = Backup::stdin(FILE);
    backup.host = Some(HOST.to_owned());
    backup.tags.push(TAG.to_owned());
    let (invocation, log) = (run.working(&backup)?, run.log);
    let ran = run.watch(&invocation, Input::Bytes(CONTENT.to_vec()), |event| log.event(&event)).await?;
    if !ran.succeeded() {
        return Err(run.end_of(&ran).await.into());
    }
    let missing = || end::failed(Cause::Other, "the snapshot that was made for the test is not listed");
    targets(run).await?.pop().ok_or_else(missing)
}

/// The snapshot is still there, but nobody said that the storage refused.
async fn undecided(run: &Run<'_>, ran: &Ran) -> Ended {
    let end = run.end_of(ran).await;
    if end.state == JobState::Succeeded {
        return end::failed(Cause::Other, "the snapshot is still there, and restic does not say why");
    }
    end.into()
}

/// What a try showed. Exit codes lie here: what counts is whether the snapshot is left, and for a refusal that somebody
/// told of one.
fn judge(ran: &Ran, is_left: bool) -> Option<DeletionVerdict> {
    if !is_left {
        return Some(DeletionVerdict::Possible);
    }
    let outcome = &ran.finished.outcome;
    let is_refusal =
        outcome.refusals.count > 0 || matches!(outcome.cause, ResticCause::Refused | ResticCause::Permission);
    (ran.stopped.is_none() && is_refusal).then_some(DeletionVerdict::Refused)
}

fn short(id: &str) -> &str {
    &id[..id.floor_char_boundary(8)]
}
