//! What agents report becomes rows: everything that came together is committed together, and acknowledged after.

use super::{
    inbox::Batch,
    intake::{Committed, Intake},
    listing,
    slots::Skipped,
};
use crate::{
    domain::{
        configuration,
        jobs::end::finish,
        leases, plan, setup,
        sight::{self, Sight},
        skew, suspicions, vanished,
    },
    parts::{Follow, Parts, shares::Share},
};
use restic_manager_proto::{
    JobEnd, JobId, LogLine, PreviewedSnapshot, RepositoryId, SourceGroupId, Timestamp,
    agent::ReportItem,
    limits::{COMMAND_BYTES, DETAIL_BYTES, LINE_BYTES, cut},
    vocabulary::{Action, JobKind, JobState, LogStream, Outcome, RepositoryState},
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
    listing::write_ahead(parts, host, &items).await?;
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
                skew::note(&mut self.change, self.host, &row, at).await?;
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
        let lines = within_share(&mut self.share, lines.iter().map(bounded).collect());
        self.change.logs().append(job, &lines).await?;
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
            self.waiting = self.waiting.map(|waiting| waiting.saturating_sub(before.slots.is_some().into()));
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
        let host = self.host.id;
        // A host that was detached meanwhile still reports.
        let Some(before) = self.change.attachments().find(host, repository).await? else { return Ok(()) };
        let detail = cut(detail, DETAIL_BYTES);
        let kept = Some(detail.as_str()).filter(|detail| !detail.is_empty());
        self.change.attachments().record_check(host, repository, state, kept, at).await?;
        if state == RepositoryState::Ready {
            setup::note_ready(&mut self.change, &before).await?;
        }
        let sight = Sight { host, repository, state, detail: &detail, job: None };
        sight::note(&mut self.change, &before, sight).await?;
        self.note_repository(repository);
        Ok(())
    }

    async fn list(&mut self, repository: RepositoryId, at: Timestamp) -> Result<(), Error> {
        let (host, listing) = (self.host.id, std::mem::take(&mut self.listing));
        // A clock that is ahead dates snapshots and their listing alike.
        let at = at.min(self.parts.now());
        let before = self.change.attachments().find(host, repository).await?;
        let listed = before.as_ref().and_then(|attachment| attachment.listed);
        let recorded = self.change.snapshots().record_listing(host, repository, &listing, at).await;
        if let Some(change) = attached(recorded)? {
            if let Some(attachment) = &before {
                setup::note_ready(&mut self.change, attachment).await?;
            }
            if let Some(listed) = listed.filter(|_| change.removed > 0) {
                vanished::note(&mut self.change, host, repository, listed, change.removed).await?;
            }
            self.note_repository(repository);
            suspicions::note(&mut self.change, self.host, repository, at, listed).await?;
            self.plan_changed = true;
            self.change.tell_host(self.host.id);
        }
        Ok(())
    }

    /// What is known of a repository is another.
    fn note_repository(&mut self, repository: RepositoryId) {
        self.repositories_changed = true;
        self.change.tell_repository(repository);
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

/// The lines, as long as the host has room for them today; then one in the place of all, if that is shorter.
fn within_share(share: &mut Share, lines: Vec<LogLine>) -> Vec<LogLine> {
    let bytes = text_bytes(&lines);
    let lines = if share.has_room_for_log(bytes) { lines } else { left_out(&lines, bytes) };
    share.log_bytes = share.log_bytes.saturating_add(text_bytes(&lines));
    lines
}

fn text_bytes(lines: &[LogLine]) -> usize {
    lines.iter().map(|line| line.text.len()).sum()
}

/// What stands for lines for which there is no room today.
fn left_out(lines: &[LogLine], bytes: usize) -> Vec<LogLine> {
    let count = lines.len();
    let text = format!("{count} lines were left out here: the host has reported 256 MiB of logs today");
    let mark = |last: &LogLine| LogLine { stream: LogStream::Agent, text, ..last.clone() };
    lines.last().map(mark).into_iter().filter(|mark| mark.text.len() < bytes).collect()
}

fn bounded(line: &LogLine) -> LogLine {
    LogLine { text: cut(&line.text, LINE_BYTES), ..line.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LOG_BYTES_OF_DAY;

    fn lines(count: u64, bytes: usize) -> Vec<LogLine> {
        let at = Timestamp::from_milliseconds(0);
        let line = |sequence| LogLine { sequence, at, stream: LogStream::Stdout, text: "x".repeat(bytes) };
        (1..=count).map(line).collect()
    }

    #[test]
    fn what_there_is_no_room_for_today_gives_way_to_a_line() {
        let mut share = Share { log_bytes: LOG_BYTES_OF_DAY - 4000, ..Share::default() };
        assert_eq!(within_share(&mut share, lines(3, 1000)).len(), 3);
        let kept = within_share(&mut share, lines(3, 1000));
        let [mark] = kept.as_slice() else { panic!("{kept:?}") };
        assert!(mark.text.starts_with("3 lines were left out"), "{}", mark.text);
        assert_eq!((mark.sequence, mark.stream), (3, LogStream::Agent));
        assert_eq!(share.log_bytes, LOG_BYTES_OF_DAY - 1000 + mark.text.len());
        share.log_bytes = LOG_BYTES_OF_DAY;
        assert!(within_share(&mut share, lines(3, 1)).is_empty(), "nothing becomes longer");
    }
}
