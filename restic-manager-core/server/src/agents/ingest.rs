//! What agents report becomes rows: everything that came together is committed together, and acknowledged after.

use super::{
    inbox::Batch,
    intake::{Committed, Intake},
    slots::Skipped,
};
use crate::{
    domain::{configuration, jobs::end::finish, leases, listing, plan},
    parts::{Follow, Parts},
};
use restic_manager_proto::{
    JobEnd, JobId, LogLine, PreviewedSnapshot, RepositoryId, SourceGroupId, Timestamp,
    agent::ReportItem,
    limits::{COMMAND_BYTES, DETAIL_BYTES, LINE_BYTES, cut},
    vocabulary::{Action, JobKind, JobState, Outcome, RepositoryState},
};
use restic_manager_store::{
    Error, ErrorKind,
    hosts::{Host, OutboxPosition},
    jobs::{Job, Slots},
    retry,
};

/// Commits a batch.
pub(super) async fn commit(parts: &Parts, host: &Host, batch: Batch) -> Result<Committed, Error> {
    let Batch { outbox, through, items, has_gap } = batch;
    if items.is_empty() {
        return Ok(Committed::default());
    }
    let position = OutboxPosition { outbox, sequence: through };
    retry(async || {
        let mut intake = Intake::begin(parts, host).await?;
        if has_gap {
            intake.note_gap().await?;
        }
        for item in &items {
            intake.take(item).await?;
        }
        intake.settle().await?;
        intake.commit(position).await
    })
    .await
}

impl Intake<'_> {
    /// What follows from the items together: when the host runs next, until when it is fresh, and what its agent shall
    /// know of its repositories.
    async fn settle(&mut self) -> Result<(), Error> {
        let (host, now) = (self.host.id, self.parts.now());
        if self.plan_changed {
            plan::refresh(self.change.as_mut(), host, now).await?;
        }
        if self.repositories_changed {
            configuration::follows(&mut self.change, host).await?;
        }
        Ok(())
    }

    async fn take(&mut self, item: &ReportItem) -> Result<(), Error> {
        match item {
            ReportItem::JobStarted { job, at, command } => self.start(*job, *at, command).await,
            ReportItem::JobLog { job, lines, dropped } => self.log(*job, lines, *dropped).await,
            ReportItem::JobEnded { job, at, end } => self.end(*job, *at, end).await,
            ReportItem::RepositoryChecked { repository, at, state, detail } => {
                self.check(*repository, *at, *state, detail).await
            }
            ReportItem::Snapshots { repository, at, snapshots, part, last } => {
                if *part == 0 {
                    self.listing.clear();
                }
                self.listing.extend_from_slice(snapshots);
                if *last { self.list(*repository, *at).await } else { Ok(()) }
            }
            ReportItem::SnapshotsForgotten { job, repository, group, snapshots } => {
                self.forget(*job, *repository, *group, snapshots).await
            }
            ReportItem::RetentionPreviewed { job, snapshots } => self.preview(*job, snapshots).await,
            ReportItem::SlotDue { schedule, slot, at, jobs } => {
                self.slot_due(*schedule, *slot, *at, jobs).await
            }
            ReportItem::SlotSkipped { schedule, from, through, count, cause, groups, .. } => {
                let slots =
                    Slots { schedule: *schedule, first: *from, last: *through, count: (*count).min(100_000) };
                self.slot_skipped(Skipped { slots, cause: *cause, groups }).await
            }
            ReportItem::OutboxBegan { last, confirmed, .. } => self.note_restored(*last, *confirmed).await,
            ReportItem::Unknown(item) => self.note_unknown(item).await,
            _ => Ok(()),
        }
    }

    async fn start(&mut self, job: JobId, at: Timestamp, command: &str) -> Result<(), Error> {
        if self.judge(job, JobState::Running).await? {
            self.change.jobs().start(job, at, Some(&cut(command, COMMAND_BYTES))).await?;
            if let Some(row) = self.change.jobs().find(job).await? {
                leases::reflect(self.parts, self.change.as_mut(), &row).await?;
            }
            self.states.insert(job, Some(JobState::Running));
            self.change.tell_job(job, self.host.id);
            self.change.tell_host(self.host.id);
        }
        Ok(())
    }

    async fn log(&mut self, job: JobId, lines: &[LogLine], dropped: u64) -> Result<(), Error> {
        if self.state(job).await?.is_none() {
            return Ok(());
        }
        if dropped > 0 {
            tracing::warn!(job.id = %job, host.id = %self.host.id, dropped, "an agent had to drop lines of a job's log");
        }
        let bounded: Vec<_> = lines.iter().map(bounded).collect();
        self.change.logs().append(job, &bounded).await?;
        self.change.then(Follow::JobChanged(job));
        Ok(())
    }

    async fn end(&mut self, job: JobId, at: Timestamp, end: &JobEnd) -> Result<(), Error> {
        if end.state.is_end() {
            self.ended.push(job);
        }
        // An agent that was killed before it could report the start still reports the end.
        if self.state(job).await? == Some(JobState::Dispatched) && end.state.is_end() {
            self.start(job, at, "").await?;
        }
        if !self.judge(job, end.state).await? {
            return Ok(());
        }
        let mut end = end.clone();
        end.detail = cut(&end.detail, DETAIL_BYTES);
        let Some(before) = self.change.jobs().find(job).await? else { return Ok(()) };
        if finish(&mut self.change, &before, at, &end).await? {
            self.repositories_changed |= before.kind.is_upkeep();
            self.states.insert(job, Some(end.state));
            let detail = serde_json::json!({ "state": end.state.as_str(), "cause": end.cause.as_str() });
            let outcome = if end.state == JobState::Succeeded { Outcome::Done } else { Outcome::Failed };
            self.note(Action::JobEnd, "job", job.to_string(), outcome, detail);
        }
        Ok(())
    }

    async fn check(
        &mut self,
        repository: RepositoryId,
        at: Timestamp,
        state: RepositoryState,
        detail: &str,
    ) -> Result<(), Error> {
        let detail = Some(cut(detail, DETAIL_BYTES)).filter(|detail| !detail.is_empty());
        let detail = detail.as_deref();
        let recorded =
            self.change.attachments().record_check(self.host.id, repository, state, detail, at).await;
        if attached(recorded)?.is_some() {
            self.note_repository(repository);
        }
        Ok(())
    }

    async fn list(&mut self, repository: RepositoryId, at: Timestamp) -> Result<(), Error> {
        let listing = std::mem::take(&mut self.listing);
        // A clock that is ahead dates snapshots and their listing alike.
        let at = at.min(self.parts.now());
        let before = self.change.attachments().find(self.host.id, repository).await?;
        let is_first = before.is_some_and(|attachment| attachment.listed.is_none());
        let recorded = self.change.snapshots().record_listing(self.host.id, repository, &listing, at).await;
        if attached(recorded)?.is_some() {
            self.note_repository(repository);
            listing::note(&mut self.change, self.host, repository, at, is_first).await?;
            self.plan_changed = true;
            self.change.tell_host(self.host.id);
        }
        Ok(())
    }

    /// What is known of a repository is another: whoever waited for this host to make it asks again.
    fn note_repository(&mut self, repository: RepositoryId) {
        self.repositories_changed = true;
        self.change.tell_repository(repository);
        self.change.then(Follow::SetupFound(repository, self.host.id));
    }

    /// Only the job that was asked for a preview makes one.
    async fn preview(&mut self, job: JobId, snapshots: &[PreviewedSnapshot]) -> Result<(), Error> {
        if self.state(job).await?.is_none() {
            return Ok(());
        }
        let row = self.change.jobs().find(job).await?;
        if row.is_none_or(|row| row.kind != JobKind::PreviewForget) {
            return Ok(());
        }
        self.change.then(Follow::JobChanged(job));
        self.change.previews().add(job, snapshots).await
    }

    /// Only a forget that runs on this host can have removed them, and only where it was sent.
    async fn forget(
        &mut self,
        job: JobId,
        repository: RepositoryId,
        group: SourceGroupId,
        snapshots: &[String],
    ) -> Result<(), Error> {
        if self.state(job).await?.is_none() {
            return Ok(());
        }
        let row = self.change.jobs().find(job).await?;
        let is_its = |row: &Job| row.kind == JobKind::Forget && row.repository == Some(repository);
        let group = self.change.sources().find(group).await?;
        let Some(group) = group.filter(|_| row.as_ref().is_some_and(is_its)) else { return Ok(()) };
        if self.change.snapshots().forget(group.host, repository, snapshots).await? > 0 {
            self.note_repository(repository);
            self.change.tell_host(group.host);
        }
        Ok(())
    }
}

/// A host that was detached meanwhile still reports; that is no error.
fn attached<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

fn bounded(line: &LogLine) -> LogLine {
    LogLine { text: cut(&line.text, LINE_BYTES), ..line.clone() }
}
