//! Slots of schedules, as agents fire them and pass over them, become jobs: one for each source group and slot,
//! however often it is told.

use restic_manager_core::{
    job::{deadlines, is_end_for},
    schedule::Timetable,
};
use restic_manager_proto::{
    JobEnd, JobId, JobOptions, ScheduleId, SourceGroupId, Timestamp,
    agent::SlotJob,
    vocabulary::{Action, Cause, JobKind, JobState, Outcome, Trigger},
};
use restic_manager_store::{
    Error,
    hosts::DayTally,
    jobs::{NewJob, Slots},
};
use std::time::Duration;

use super::intake::Intake;
use crate::domain::jobs::end::close;

/// Most source groups that a slot is taken for; a schedule has no more.
const MOST_GROUPS: usize = 64;
/// No day before these is kept.
const DAYS: Duration = Duration::from_secs(86_400 * DayTally::KEPT as u64);

/// Slots that an agent passed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skipped<'a> {
    pub(super) slots: Slots,
    pub(super) cause: Cause,
    pub(super) groups: &'a [SourceGroupId],
}

impl Intake<'_> {
    /// A slot is due: its jobs are queued, and wait for their turn.
    pub(super) async fn slot_due(
        &mut self,
        schedule: ScheduleId,
        slot: Timestamp,
        at: Timestamp,
        jobs: &[SlotJob],
    ) -> Result<(), Error> {
        if self.is_foreign_schedule(schedule).await? {
            return Ok(());
        }
        let now = self.parts.now();
        for SlotJob { job, group, repository } in jobs.iter().take(MOST_GROUPS).copied() {
            // Told again, or another host's, which is noted.
            if self.state(job).await?.is_some() || self.change.jobs().find(job).await?.is_some() {
                continue;
            }
            if self.is_foreign_group(group).await? {
                continue;
            }
            // An agent that waited a day to say so has all the time that others have.
            let deadlines = deadlines(JobKind::Backup, now);
            let new = NewJob {
                id: job,
                host: self.host.id,
                kind: JobKind::Backup,
                trigger: Trigger::Schedule,
                requested_by: None,
                source_group: Some(group),
                slots: Some(Slots::one(schedule, slot)),
                repository: Some(repository),
                options: JobOptions::default(),
                dispatch_by: Some(deadlines.dispatch_by),
                end_by: Some(deadlines.end_by),
                created: at.min(now),
            };
            if self.queue(&new).await? {
                self.states.insert(job, Some(JobState::Queued));
                self.queued = true;
            }
        }
        self.plan_changed = true;
        Ok(())
    }

    /// Slots will not run: each group has a job that says why.
    pub(super) async fn slot_skipped(&mut self, skipped: Skipped<'_>) -> Result<(), Error> {
        let Skipped { slots, groups, .. } = skipped;
        if slots.last < slots.first || slots.count == 0 || self.is_foreign_schedule(slots.schedule).await? {
            return Ok(());
        }
        let now = self.parts.now();
        let cause = if is_end_for(JobState::Skipped, skipped.cause) { skipped.cause } else { Cause::Other };
        let mut news = false;
        for group in groups.iter().take(MOST_GROUPS).copied() {
            let known = self.change.jobs().in_slot(slots.schedule, slots.first, group).await?;
            if known.is_some() || self.is_foreign_group(group).await? {
                continue;
            }
            let created = slots.first.min(now);
            let group_row = self.change.sources().find(group).await?;
            let new = NewJob {
                id: JobId::from_parts(created, self.entropy()),
                host: self.host.id,
                kind: JobKind::Backup,
                trigger: Trigger::Schedule,
                requested_by: None,
                source_group: Some(group),
                slots: Some(slots),
                repository: group_row.map(|group| group.repository),
                options: JobOptions::default(),
                dispatch_by: None,
                end_by: None,
                created,
            };
            if !self.queue(&new).await? {
                continue;
            }
            news = true;
            let mut end = JobEnd::new(JobState::Skipped, cause);
            if slots.count > 1 {
                end.detail = format!("{} runs in a row", slots.count);
            }
            if let Some(job) = self.change.jobs().find(new.id).await? {
                close(&mut self.change, &job, now, &end).await?;
            }
        }
        if news && slots.count > 1 && DayTally::is_missed(cause) {
            let days = self.days(slots).await?;
            self.change.hosts().note_missed(self.host.id, &days).await?;
        }
        self.plan_changed = true;
        Ok(())
    }

    /// Records a job; says whether there was none yet for its slot and group.
    async fn queue(&mut self, new: &NewJob) -> Result<bool, Error> {
        let slots = new.slots.zip(new.source_group);
        if let Some((slots, group)) = slots {
            let known = self.change.jobs().in_slot(slots.schedule, slots.first, group).await?;
            if let Some(known) = known {
                tracing::warn!(job.id = %new.id, other.id = %known, host.id = %self.host.id, "an agent told of a slot that has a job already");
                return Ok(false);
            }
        }
        self.change.jobs().queue(new).await?;
        self.change.tell_job(new.id, self.host.id);
        self.change.tell_host(self.host.id);
        Ok(true)
    }

    /// The days on which slots lay, as far as they are kept: one entry for each.
    async fn days(&mut self, slots: Slots) -> Result<Vec<i64>, Error> {
        let start = slots.first.max(slots.last.before(DAYS));
        let schedule = self.change.schedules().find(slots.schedule).await?;
        let timetable = schedule.and_then(|one| Timetable::parse(&one.cron, &one.zone).ok());
        let (first, last) = (DayTally::day_of(start), DayTally::day_of(slots.last));
        let mut days: Vec<i64> = match timetable {
            // A day is looked at once, however many slots it has.
            Some(timetable) => (first..=last).filter(|day| falls_on(&timetable, *day, slots)).collect(),
            None => (first..=last).collect(),
        };
        days.dedup();
        Ok(days)
    }

    async fn is_foreign_schedule(&mut self, schedule: ScheduleId) -> Result<bool, Error> {
        let row = self.change.schedules().find(schedule).await?;
        let foreign = row.is_some_and(|row| row.host != self.host.id);
        if foreign {
            self.note_overreach("schedule", schedule.to_string());
        }
        Ok(foreign)
    }

    async fn is_foreign_group(&mut self, group: SourceGroupId) -> Result<bool, Error> {
        let row = self.change.sources().find(group).await?;
        let foreign = row.is_some_and(|row| row.host != self.host.id);
        if foreign {
            self.note_overreach("source-group", group.to_string());
        }
        Ok(foreign)
    }

    fn note_overreach(&mut self, kind: &str, id: String) {
        tracing::warn!(host.id = %self.host.id, kind, id, "an agent reported on something that is not its own");
        if self.parts.hub.may_record_refusal(self.parts.now()) {
            self.note(Action::AgentOverreach, kind, id, Outcome::Refused, serde_json::Value::Null);
        }
    }

    fn entropy(&self) -> [u8; 10] {
        let mut entropy = [0; 10];
        self.parts.random.fill(&mut entropy);
        entropy
    }
}

/// Whether one of the slots lies on a day.
fn falls_on(timetable: &Timetable, day: i64, slots: Slots) -> bool {
    let start = Timestamp::from_milliseconds(day.saturating_mul(86_400_000));
    let end = start.after(Duration::from_secs(86_400));
    let before = start.max(slots.first).before(Duration::from_millis(1));
    timetable.after(before).next().is_some_and(|slot| slot < end && slot <= slots.last)
}
