//! Slots of schedules, as agents fire them and pass over them, become jobs: one for each source group and slot,
//! however often it is told.

use restic_manager_core::{
    job::{deadlines, is_end_for},
    schedule::{Doubt, TellingFacts, Timetable, judge_told},
};
use restic_manager_proto::{
    JobEnd, JobId, JobOptions, ScheduleId, SourceGroupId, Timestamp,
    agent::SlotJob,
    limits::SLOT_GROUPS,
    vocabulary::{Action, AlertKind, Cause, JobKind, JobState, Outcome, Trigger},
};
use restic_manager_store::{
    Error,
    hosts::DayTally,
    jobs::{NewJob, Slots},
    schedules::Schedule,
};
use std::{mem, time::Duration};

use super::intake::Intake;
use crate::{
    domain::jobs::end::close,
    limits::WAITING_SLOT_JOBS,
    parts::{Follow, refusals::Refused},
};

/// No day before these is kept.
const DAYS: Duration = Duration::from_secs(86_400 * DayTally::KEPT as u64);

/// Slots that an agent passed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skipped<'a> {
    pub(super) slots: Slots,
    pub(super) cause: Cause,
    pub(super) groups: &'a [SourceGroupId],
}

/// A schedule that an agent tells of.
enum Told {
    Known(Schedule),
    /// It was removed, and the agent may not know yet.
    Removed(ScheduleId),
}

impl Told {
    const fn id(&self) -> ScheduleId {
        match self {
            Self::Known(row) => row.id,
            Self::Removed(id) => *id,
        }
    }

    fn timetable(&self) -> Option<Timetable> {
        let Self::Known(row) = self else { return None };
        Timetable::parse(&row.cron, &row.zone).ok()
    }

    /// Since when it has the times that it has.
    const fn since(&self) -> Timestamp {
        match self {
            Self::Known(row) => row.since,
            Self::Removed(_) => Timestamp::MIN,
        }
    }
}

/// Why a slot is not taken.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum SlotRefusal {
    #[error(transparent)]
    Doubted(Doubt),
    #[error("{WAITING_SLOT_JOBS} jobs of its slots wait already")]
    TooManyWait,
    #[error("it told of too many in one day")]
    TooManyToday,
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
        let Some(schedule) = self.schedule(schedule).await? else { return Ok(()) };
        let now = self.parts.now();
        let doubt = self.judge_slot(&schedule, slot).await?.err();
        for SlotJob { job, group, repository } in jobs.iter().take(SLOT_GROUPS).copied() {
            // Told again, or another host's, which is noted.
            if self.state(job).await?.is_some() || self.change.jobs().find(job).await?.is_some() {
                continue;
            }
            if self.is_foreign_group(group).await? {
                continue;
            }
            if let Some(why) = doubt.map(SlotRefusal::Doubted).or(self.lacks_room().await?) {
                self.refuse_slot(job, slot, why).await?;
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
                slots: Some(Slots::one(schedule.id(), slot)),
                repository: Some(repository),
                options: JobOptions::default(),
                dispatch_by: Some(deadlines.dispatch_by),
                end_by: Some(deadlines.end_by),
                created: at.min(now),
            };
            if self.queue(&new).await? {
                self.states.insert(job, Some(JobState::Queued));
                self.queued = true;
                self.waiting = self.waiting.map(|waiting| waiting + 1);
                self.share.slot_jobs += 1;
            }
        }
        self.plan_changed = true;
        Ok(())
    }

    /// Slots will not run: each group has a job that says why.
    pub(super) async fn slot_skipped(&mut self, skipped: Skipped<'_>) -> Result<(), Error> {
        let Skipped { slots, groups, .. } = skipped;
        let Some(schedule) = self.schedule(slots.schedule).await? else { return Ok(()) };
        if slots.last < slots.first || slots.count == 0 {
            return Ok(());
        }
        let now = self.parts.now();
        for slot in [slots.first, slots.last] {
            if let Err(doubt) = self.judge_slot(&schedule, slot).await? {
                return self.note_refused_slot(slot, SlotRefusal::Doubted(doubt)).await;
            }
        }
        let cause = if is_end_for(JobState::Skipped, skipped.cause) { skipped.cause } else { Cause::Other };
        let mut news = false;
        for group in groups.iter().take(SLOT_GROUPS).copied() {
            let known = self.change.jobs().in_slot(slots.schedule, slots.first, group).await?;
            if known.is_some() || self.is_foreign_group(group).await? {
                continue;
            }
            if !self.share.has_room_for_slot() {
                self.note_refused_slot(slots.first, SlotRefusal::TooManyToday).await?;
                break;
            }
            self.share.slot_jobs += 1;
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

    /// The schedule that a slot is told of; none when it is another host's, which is noted.
    async fn schedule(&mut self, schedule: ScheduleId) -> Result<Option<Told>, Error> {
        match self.change.schedules().find(schedule).await? {
            Some(row) if row.host != self.host.id => {
                self.note_overreach("schedule", schedule.to_string());
                Ok(None)
            }
            Some(row) => Ok(Some(Told::Known(row))),
            None => Ok(Some(Told::Removed(schedule))),
        }
    }

    /// Whether a slot can be one of the schedule's.
    async fn judge_slot(&mut self, schedule: &Told, slot: Timestamp) -> Result<Result<(), Doubt>, Error> {
        let now = self.parts.now();
        let settled = self.settled(now).await?;
        let timetable = schedule.timetable();
        let made = match schedule {
            Told::Known(row) => row.created,
            Told::Removed(_) => self.host.enrolled,
        };
        // What was changed since it was made had other times until then.
        let settled = settled.max(schedule.since());
        Ok(judge_told(&TellingFacts { timetable: timetable.as_ref(), made, settled }, slot, now))
    }

    /// Up to when the agent may have followed another configuration than it shall have now.
    async fn settled(&mut self, now: Timestamp) -> Result<Timestamp, Error> {
        let row = self.change.hosts().find(self.host.id).await?;
        let drifts = row.is_none_or(|row| row.configuration.drift_since.is_some());
        Ok(if drifts { Timestamp::MAX } else { self.parts.hub.settled(self.host.id).unwrap_or(now) })
    }

    /// Why there is no room for one job of a slot more.
    async fn lacks_room(&mut self) -> Result<Option<SlotRefusal>, Error> {
        if !self.share.has_room_for_slot() {
            return Ok(Some(SlotRefusal::TooManyToday));
        }
        let waiting = match self.waiting {
            Some(waiting) => waiting,
            None => {
                let active = self.change.jobs().active_of(self.host.id).await?;
                active.iter().filter(|job| job.slots.is_some()).count()
            }
        };
        self.waiting = Some(waiting);
        Ok((waiting >= WAITING_SLOT_JOBS).then_some(SlotRefusal::TooManyWait))
    }

    /// The agent's job is not taken: it is asked to give it up.
    async fn refuse_slot(&mut self, job: JobId, slot: Timestamp, why: SlotRefusal) -> Result<(), Error> {
        self.states.insert(job, None);
        self.cancelled += 1;
        // An agent that tells of more is not asked for each; they end with their deadline.
        if self.cancelled <= SLOT_GROUPS {
            self.change.then(Follow::CancelJob(self.host.id, job));
        }
        self.note_refused_slot(slot, why).await
    }

    async fn note_refused_slot(&mut self, slot: Timestamp, why: SlotRefusal) -> Result<(), Error> {
        if mem::replace(&mut self.is_doubted, true) {
            return Ok(());
        }
        tracing::warn!(host.id = %self.host.id, %slot, %why, "a slot that an agent told of is not taken");
        let detail = serde_json::json!({ "slot": slot.to_string(), "reason": why.to_string() });
        if self.parts.refusals.may_record(Refused::ByAgents, self.parts.now()) {
            let host = self.host.id.to_string();
            self.note(Action::AgentOverreach, "host", host, Outcome::Refused, detail.clone());
        }
        let summary = format!("Slots that the agent of {} told of are not taken: {why}.", self.host.name);
        self.raise(AlertKind::AgentOverreach, summary, detail).await
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
        if self.parts.refusals.may_record(Refused::ByAgents, self.parts.now()) {
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
