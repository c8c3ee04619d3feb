//! Removes the snapshots that the retention policies do not keep.

use restic_manager_proto::{
    JobEnd,
    agent::{ForgetPolicy, ReportItem},
    vocabulary::Cause,
};
use restic_manager_restic::{
    command::{CommandError, Filter, Forget, Invocation, Snapshots},
    event::Snapshot,
    process::Input,
};

use super::{
    end::{self, Ended},
    retention::{self, REPORTED, Tally},
    run::Run,
};

/// Snapshots in one command: 26 KB of arguments.
const IDS: usize = 400;

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.working(&retention::by_rule(retention::first(run.order)?, false))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let dry_run = run.order.forget().is_some_and(|forget| forget.dry_run);
    let mut tally = Tally::default();
    for policy in retention::policies(run.order)? {
        let mut plan = retention::plan(run, policy).await?;
        if let Some(ahead) = plan.ahead(run.shared.clock.now()) {
            tally.pass_over(policy, &ahead, run.log);
            continue;
        }
        let empty = plan.empty();
        if !empty.is_empty() && !dry_run {
            run.log.remark(&format!("{} empty snapshots count for no rule and go first", empty.len()));
            remove(run, policy, &empty).await?;
            tally.count_removed(empty.len());
            plan = retention::plan(run, policy).await?;
        }
        if !dry_run {
            remove(run, policy, &plan.remove).await?;
        }
        tally.count(&plan);
    }
    Ok(tally.end(run.log, if dry_run { "would be removed" } else { "removed" }))
}

/// Removes snapshots by id, and looks whether they are gone: restic and the storage may both say that all is well when
/// nothing was removed.
async fn remove(run: &mut Run<'_>, policy: &ForgetPolicy, ids: &[String]) -> Result<(), Ended> {
    for some in ids.chunks(IDS) {
        let forget = run.working(&Forget::by_ids(some))?;
        let ran = run.alone(&forget).await?;
        let ran = run.unless_stopped(ran).await?;
        let left = left_of(run, some).await?;
        let gone: Vec<_> = some.iter().filter(|id| !left.contains(id)).cloned().collect();
        report(run, policy, &gone).await;
        if !ran.succeeded() {
            return Err(run.end_of(&ran).await.into());
        }
        if !left.is_empty() {
            let detail = format!("the storage did not remove {} of {} snapshots", left.len(), some.len());
            return Err(end::failed(Cause::AccessDenied, &detail));
        }
    }
    Ok(())
}

/// Removes a snapshot, and looks whether it is gone.
pub(super) async fn is_removed(run: &mut Run<'_>, id: &str) -> Result<bool, Ended> {
    let forget = run.working(&Forget::by_ids([id]))?;
    let log = run.log;
    run.watch(&forget, Input::Null, |event| log.event(&event)).await?;
    Ok(left_of(run, &[id.to_owned()]).await?.is_empty())
}

async fn left_of(run: &mut Run<'_>, ids: &[String]) -> Result<Vec<String>, Ended> {
    let mut snapshots = Snapshots::new();
    // Unknown ids are no error, but no known one at all is in some versions: all are listed, and these looked for.
    snapshots.filter = Filter::all();
    let listing = run.looking(&snapshots)?;
    let listed: Vec<Snapshot> = run.document(&listing, "the listing of the snapshots").await?;
    let is_listed = |id: &&String| listed.iter().any(|snapshot| snapshot.id.as_ref() == Some(*id));
    Ok(ids.iter().filter(is_listed).cloned().collect())
}

async fn report(run: &Run<'_>, policy: &ForgetPolicy, gone: &[String]) {
    let item = |snapshots: &[String]| ReportItem::SnapshotsForgotten {
        job: run.order.job,
        repository: run.order.repository.id,
        group: policy.group,
        snapshots: snapshots.to_vec(),
    };
    run.report(gone.chunks(REPORTED).map(item).collect()).await;
}
