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
    command::{Backup, Command as _, Filter, Forget, Snapshots},
    document,
    event::Snapshot,
    process::Input,
};

use super::{
    end,
    job::{Job, Means},
    stage,
    stage::Ran,
    upkeep::{Ended, unreadable},
};

/// Under this name no host backs up, so that neither listings of hosts nor retention policies meet the snapshot.
const HOST: &str = "restic-manager";
const TAG: &str = "deletion-test";
const FILE: &str = "restic-manager-deletion-test";
const CONTENT: &[u8] =
    b"This snapshot shows whether the everyday credential may delete. It may go at any time.\n";

/// Lists the snapshots that were made for the test.
pub(super) fn listing() -> Snapshots {
    let mut snapshots = Snapshots::new();
    snapshots.filter = Filter::all();
    snapshots.filter.hosts.push(HOST.to_owned());
    snapshots.filter.tags.push(vec![TAG.to_owned()]);
    snapshots
}

impl Job<'_> {
    pub(super) async fn test_deletion(&mut self, means: &Means) -> Result<JobEnd, Ended> {
        let target = match self.targets(means).await?.pop() {
            Some(target) => target,
            None => self.make_target(means).await?,
        };
        self.log.remark(&format!("trying to delete snapshot {}, which was made for that", short(&target)));
        let forget = Forget::by_ids([target.clone()])
            .prepare(&means.work, &means.restic.version)
            .map_err(|error| end::refused(&error))?;
        let ran = self.alone(means, &forget).await?;
        let is_left = self.targets(means).await?.contains(&target);
        let Some(verdict) = judge(&ran, is_left) else { return Err(self.undecided(means, &ran).await) };
        let (detail, remark) = match verdict {
            DeletionVerdict::Possible => ("the snapshot is gone: this credential can delete", "NOT refused"),
            _ => ("the storage refused, and the snapshot is still there", "refused"),
        };
        self.log.remark(&format!("{remark}: {detail}"));
        let mut end = end::without_run(JobState::Succeeded, Cause::None, detail);
        end.statistics.deletion = Some(verdict);
        end::note_resources(&mut end.statistics, &ran.finished.resources);
        Ok(end)
    }

    /// The ids of what was made for the test, oldest first.
    async fn targets(&mut self, means: &Means) -> Result<Vec<String>, Ended> {
        let invocation =
            listing().prepare(&means.look, &means.restic.version).map_err(|error| end::refused(&error))?;
        let what = "the listing of the snapshots";
        let output = self.document(means, &invocation, what).await?;
        let listed: Vec<Snapshot> = document::parse(&output).map_err(|error| unreadable(what, &error))?;
        Ok(listed.into_iter().filter(|one| one.tags == [TAG]).filter_map(|one| one.id).collect())
    }

    async fn make_target(&mut self, means: &Means) -> Result<String, Ended> {
        self.log.remark("making a snapshot of a few bytes to try on");
        let mut backup = Backup::stdin(FILE);
        backup.host = Some(HOST.to_owned());
        backup.tags.push(TAG.to_owned());
        let invocation =
            backup.prepare(&means.work, &means.restic.version).map_err(|error| end::refused(&error))?;
        let Self { stop, log, .. } = self;
        let input = Input::Bytes(CONTENT.to_vec());
        let ran = stage::feed(&means.restic.runner, &invocation, input, stop, |event| {
            super::upkeep::say(log, &event)
        });
        let ran = ran.await.map_err(|error| end::not_started(&error))?;
        if !ran.succeeded() {
            return Err(self.end_of(means, &ran).await.into());
        }
        let missing = || {
            let detail = "the snapshot that was made for the test is not listed";
            end::without_run(JobState::Failed, Cause::Other, detail).into()
        };
        self.targets(means).await?.pop().ok_or_else(missing)
    }

    /// The snapshot is still there, but nobody said that the storage refused.
    async fn undecided(&self, means: &Means, ran: &Ran) -> Ended {
        let mut end = self.end_of(means, ran).await;
        if end.state == JobState::Succeeded {
            let detail = "the snapshot is still there, and restic does not say why";
            end = end::without_run(JobState::Failed, Cause::Other, detail);
        }
        end.into()
    }
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
