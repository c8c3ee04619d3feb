//! What keeps a repository small and healthy: forget, prune, check, unlock.
//!
//! Each needs the repository for itself. The server sees to that among its own hosts; against anybody else restic's
//! locks stand. One that a dead process of this host has left is removed, any other is waited for and never touched.

use core::time::Duration;

use restic_manager_proto::{
    JobEnd, PreviewedSnapshot, Retention, Span, Timestamp,
    agent::{ForgetPolicy, ReportItem},
    vocabulary::{Cause, JobKind, JobState},
};
use restic_manager_restic::{
    Cause as ResticCause, Event,
    command::{
        self, Check, Command, CommandError, Filter, Forget, Invocation, Keep, List, ObjectKind, Prune,
        ReadData, Snapshots,
    },
    document::{self, ForgetGroup},
    event::Snapshot,
    process::Resources,
};

use super::{
    deletion, end,
    job::{Job, Means, host_and_tags},
    locks, measure, preview, stage,
    stage::Ran,
};

/// How long upkeep waits for somebody else's lock. Whatever made it comes again by itself.
const LOCK_PATIENCE: Duration = Duration::from_secs(2 * 60);
const LOCK_INTERVAL: Duration = Duration::from_secs(10);
/// Longest plan of a forget, and longest listing of what is left: some fifty thousand snapshots.
const LISTING_BYTES: usize = 64 * 1024 * 1024;
/// Snapshots in one command: 26 KB of arguments.
const IDS: usize = 400;
/// Snapshots in one report.
const REPORTED: usize = 250;
/// Snapshots that the log names one by one, for each policy.
const NAMED: usize = 200;

/// What one policy removes.
struct Plan {
    remove: Vec<String>,
    keep: u64,
}

pub(super) type Ended = Box<JobEnd>;

impl Job<'_> {
    /// The command that an upkeep job is about.
    pub(super) fn upkeep_command(&self, means: &Means) -> Result<Invocation, CommandError> {
        let version = &means.restic.version;
        match self.order.kind {
            JobKind::Forget | JobKind::PreviewForget => {
                let forget = self.order.forget.as_ref();
                let policy = forget.and_then(|forget| forget.policies.first());
                let nothing = CommandError::Missing { verb: "forget", what: "a policy" };
                let preview = self.order.kind == JobKind::PreviewForget;
                let connection = if preview { &means.look } else { &means.work };
                by_rule(policy.ok_or(nothing)?, preview).prepare(connection, version)
            }
            JobKind::Prune => Prune::new().prepare(&means.work, version),
            JobKind::Check => {
                let mut check = Check::new();
                check.read_data = self.order.read_data.and_then(read_data);
                check.prepare(&means.work, version)
            }
            JobKind::Statistics => measure::command().prepare(&means.look, version),
            JobKind::DeletionTest => deletion::listing().prepare(&means.look, version),
            _ => List::new(ObjectKind::Locks).prepare(&means.look, version),
        }
    }

    /// Does an upkeep job, once the repository opens.
    pub(super) async fn keep_up(&mut self, means: &Means, invocation: &Invocation) -> JobEnd {
        match self.order.kind {
            JobKind::Forget | JobKind::PreviewForget => self.forget(means).await.unwrap_or_else(|end| *end),
            JobKind::Statistics => self.measure(means).await.unwrap_or_else(|end| *end),
            JobKind::DeletionTest => self.test_deletion(means).await.unwrap_or_else(|end| *end),
            JobKind::Prune => self.prune(means, invocation).await,
            JobKind::Check => self.check(means, invocation).await,
            _ => self.unlock(means).await,
        }
    }

    async fn forget(&mut self, means: &Means) -> Result<JobEnd, Ended> {
        let Some(order) = self.order.forget.clone() else {
            return Ok(end::without_run(JobState::Failed, Cause::AgentRefused, "there is no policy"));
        };
        let dry_run = order.dry_run || self.order.kind == JobKind::PreviewForget;
        let mut done = JobEnd::new(JobState::Succeeded, Cause::None);
        let (mut kept, mut removed) = (0, 0);
        for policy in &order.policies {
            let plan = self.plan(means, policy).await?;
            kept += plan.keep;
            if !dry_run {
                self.remove(means, policy, &plan.remove).await?;
            }
            removed += plan.remove.len() as u64;
        }
        done.statistics.snapshots_kept = Some(kept);
        done.statistics.snapshots_removed = Some(removed);
        let word = if dry_run { "would be removed" } else { "removed" };
        self.log.remark(&format!("{removed} snapshots {word}, {kept} kept"));
        Ok(done)
    }

    /// What restic would remove of a source group's own snapshots, and of no others: a tag more makes a snapshot
    /// somebody else's.
    async fn plan(&mut self, means: &Means, policy: &ForgetPolicy) -> Result<Plan, Ended> {
        let tag = policy.tag.escape_debug();
        self.log.remark(&format!("{} on {}: keeping {}", tag, policy.host_name, policy.retention));
        let planned = by_rule(policy, true)
            .prepare(&means.look, &means.restic.version)
            .map_err(|error| end::refused(&error))?;
        let output = self.document(means, &planned, "the plan of the forget").await?;
        let groups: Vec<ForgetGroup> = if output.trim_ascii().is_empty() {
            Vec::new()
        } else {
            document::parse(&output).map_err(|error| unreadable("the plan of the forget", &error))?
        };
        let own = |group: &&ForgetGroup| {
            group.host == policy.host_name && group.tags.as_slice() == core::slice::from_ref(&policy.tag)
        };
        let mut plan = Plan { remove: Vec::new(), keep: 0 };
        for group in groups.iter().filter(own) {
            plan.keep += group.keep.len() as u64;
            plan.remove.extend(group.remove.iter().filter_map(|snapshot| snapshot.id.clone()));
            self.name(group);
            if self.order.kind == JobKind::PreviewForget {
                self.report_preview(group).await;
            }
        }
        if plan.keep == 0 && !plan.remove.is_empty() {
            let detail = "restic would keep none of a source group's snapshots, so none is removed";
            return Err(end::without_run(JobState::Failed, Cause::AgentRefused, detail).into());
        }
        Ok(plan)
    }

    async fn report_preview(&self, group: &ForgetGroup) {
        let snapshots = preview::of(group);
        let item = |part: &[PreviewedSnapshot]| ReportItem::RetentionPreviewed {
            job: self.order.job,
            snapshots: part.to_vec(),
        };
        self.shared.ledger.append(snapshots.chunks(REPORTED).map(item).collect()).await;
    }

    fn name(&self, group: &ForgetGroup) {
        for (word, snapshots) in [("keep  ", &group.keep), ("remove", &group.remove)] {
            for snapshot in snapshots.iter().take(NAMED) {
                self.log.stdout(&format!("{word} {}", named(snapshot)));
            }
            if snapshots.len() > NAMED {
                self.log.stdout(&format!("{word} … and {} more", snapshots.len() - NAMED));
            }
        }
    }

    /// Removes snapshots by id, and looks whether they are gone: restic and the storage may both say that all is well
    /// when nothing was removed.
    async fn remove(&mut self, means: &Means, policy: &ForgetPolicy, ids: &[String]) -> Result<(), Ended> {
        for some in ids.chunks(IDS) {
            let forget = Forget::by_ids(some)
                .prepare(&means.work, &means.restic.version)
                .map_err(|error| end::refused(&error))?;
            let ran = self.alone(means, &forget).await?;
            let left = self.left_of(means, some).await?;
            let gone: Vec<_> = some.iter().filter(|id| !left.contains(id)).cloned().collect();
            self.report_forgotten(policy, &gone).await;
            if ran.stopped.is_some() || !ran.succeeded() {
                return Err(self.end_of(means, &ran).await.into());
            }
            if !left.is_empty() {
                let detail = format!("the storage did not remove {} of {} snapshots", left.len(), some.len());
                return Err(end::without_run(JobState::Failed, Cause::AccessDenied, &detail).into());
            }
        }
        Ok(())
    }

    async fn left_of(&mut self, means: &Means, ids: &[String]) -> Result<Vec<String>, Ended> {
        let mut snapshots = Snapshots::new();
        // Unknown ids are no error, but no known one at all is in some versions: all are listed, and these looked for.
        snapshots.filter = Filter::all();
        let listing =
            snapshots.prepare(&means.look, &means.restic.version).map_err(|error| end::refused(&error))?;
        let output = self.document(means, &listing, "the listing of the snapshots").await?;
        let listed: Vec<Snapshot> =
            document::parse(&output).map_err(|error| unreadable("the listing of the snapshots", &error))?;
        let is_listed = |id: &&String| listed.iter().any(|snapshot| snapshot.id.as_ref() == Some(*id));
        Ok(ids.iter().filter(is_listed).cloned().collect())
    }

    async fn report_forgotten(&self, policy: &ForgetPolicy, gone: &[String]) {
        let item = |snapshots: &[String]| ReportItem::SnapshotsForgotten {
            job: self.order.job,
            repository: self.order.repository.id,
            group: policy.group,
            snapshots: snapshots.to_vec(),
        };
        let items: Vec<_> = gone.chunks(REPORTED).map(item).collect();
        if !items.is_empty() {
            self.shared.ledger.append(items).await;
        }
    }

    async fn prune(&mut self, means: &Means, invocation: &Invocation) -> JobEnd {
        self.log.remark(&format!("restic {} prunes", means.restic.version));
        match self.alone(means, invocation).await {
            Ok(ran) => self.end_of(means, &ran).await,
            Err(end) => *end,
        }
    }

    async fn check(&mut self, means: &Means, invocation: &Invocation) -> JobEnd {
        self.log.remark(&format!("restic {} checks", means.restic.version));
        let mut problems = None;
        let ran = self.alone_seeing(means, invocation, |event| {
            if let Event::CheckSummary(summary) = event {
                problems = Some(summary.num_errors);
            }
        });
        let ran = match ran.await {
            Ok(ran) => ran,
            Err(end) => return *end,
        };
        let mut end = self.end_of(means, &ran).await;
        match (end.state, end.cause, problems) {
            (JobState::Succeeded, ..) => end.statistics.problems = Some(0),
            // restic has one exit code for damage and for not having been able to look.
            (JobState::Failed, Cause::Other | Cause::RepositoryDamaged, Some(found)) if found > 0 => {
                end.cause = Cause::RepositoryDamaged;
                end.statistics.problems = Some(found);
            }
            _ => {}
        }
        end
    }

    async fn unlock(&mut self, means: &Means) -> JobEnd {
        let sweep = self.sweep(means).await;
        let Some(left) = sweep.left else {
            let detail = "the repository did not tell its locks, or has too many of them";
            return end::without_run(JobState::Failed, Cause::Other, detail);
        };
        for lock in &left {
            self.log.remark(&format!("left alone: {}", locks::describe(lock)));
        }
        let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
        end.detail = left.first().map(locks::describe).unwrap_or_default();
        end.statistics.locks_removed = Some(sweep.removed);
        end.statistics.locks_left = Some(left.len() as u64);
        self.log.remark(&format!("{} locks removed, {} left", sweep.removed, left.len()));
        end
    }

    pub(super) async fn alone(&mut self, means: &Means, invocation: &Invocation) -> Result<Ran, Ended> {
        self.alone_seeing(means, invocation, |_| {}).await
    }

    /// Runs a command that needs the repository for itself, and logs what it says. A lock that a dead process of this
    /// host has left is removed; any other is waited for, and in the end the run comes back that met it.
    async fn alone_seeing(
        &mut self,
        means: &Means,
        invocation: &Invocation,
        mut see: impl FnMut(&Event),
    ) -> Result<Ran, Ended> {
        let (mut waited, mut swept) = (Duration::ZERO, false);
        loop {
            let Self { stop, log, .. } = self;
            let ran = stage::watch(&means.restic.runner, invocation, stop, |event| {
                say(log, &event);
                see(&event);
            });
            let ran = ran.await.map_err(|error| end::not_started(&error))?;
            if ran.finished.outcome.cause != ResticCause::Locked || ran.stopped.is_some() {
                return Ok(ran);
            }
            if !swept && self.sweep(means).await.removed > 0 {
                swept = true;
                continue;
            }
            if waited >= LOCK_PATIENCE {
                return Ok(ran);
            }
            if waited.is_zero() {
                self.log.remark(&format!("the repository is locked {}; waiting", holder(&ran)));
            }
            waited += LOCK_INTERVAL;
            tokio::select! {
                biased;
                reason = self.stop.stopped() => return Err(end::stopped(reason).into()),
                () = tokio::time::sleep(LOCK_INTERVAL) => {}
            }
        }
    }

    pub(super) async fn end_of(&self, means: &Means, ran: &Ran) -> JobEnd {
        let mut end = end::of_run(ran);
        if end.cause == Cause::RepositoryLocked {
            end.detail = format!("locked {}", holder(ran));
        }
        if end.lock_left {
            end.lock_left = self.own_lock_left(means, self.since(&ran.finished.resources)).await;
        }
        end::note_resources(&mut end.statistics, &ran.finished.resources);
        end
    }

    /// When a run that is over began.
    fn since(&self, resources: &Resources) -> Timestamp {
        self.shared.clock.now().before(resources.elapsed + Duration::from_secs(1))
    }

    /// What a command that takes no lock prints.
    pub(super) async fn document(
        &mut self,
        means: &Means,
        invocation: &Invocation,
        what: &str,
    ) -> Result<Vec<u8>, Ended> {
        let (output, ran) = self.capture(&means.restic.runner, invocation, LISTING_BYTES).await?;
        if !ran.succeeded() {
            return Err(end::of_run(&ran).into());
        }
        let too_long = || end::without_run(JobState::Failed, Cause::Other, &format!("{what} is too long"));
        output.ok_or_else(|| too_long().into())
    }
}

/// A policy as restic takes it. Grouping keeps each set of tags apart, so that a snapshot which carries a tag more is in
/// a group of its own.
fn by_rule(policy: &ForgetPolicy, dry_run: bool) -> Forget {
    let mut filter = Filter::all();
    filter.hosts.push(policy.host_name.clone());
    filter.tags.push(vec![policy.tag.clone()]);
    let mut forget = Forget::by_rule(retention(&policy.retention));
    if let Forget::ByRule { filter: of, group_by, dry_run: dry, .. } = &mut forget {
        (*of, *group_by, *dry) = (filter, Some(host_and_tags()), dry_run);
    }
    forget
}

fn retention(policy: &Retention) -> command::Retention {
    let count = |number: Option<u32>| number.and_then(Keep::count);
    let span = |span: Option<Span>| {
        span.map(|span| command::Span::new(span.years, span.months, span.days, span.hours))
    };
    let mut rule = command::Retention::default();
    (rule.last, rule.hourly) = (count(policy.last), count(policy.hourly));
    (rule.daily, rule.weekly) = (count(policy.daily), count(policy.weekly));
    (rule.monthly, rule.yearly) = (count(policy.monthly), count(policy.yearly));
    (rule.within, rule.within_hourly) = (span(policy.within), span(policy.within_hourly));
    (rule.within_daily, rule.within_weekly) = (span(policy.within_daily), span(policy.within_weekly));
    (rule.within_monthly, rule.within_yearly) = (span(policy.within_monthly), span(policy.within_yearly));
    rule
}

fn read_data(wanted: restic_manager_proto::ReadData) -> Option<ReadData> {
    match wanted {
        restic_manager_proto::ReadData::Part { part, parts } => Some(ReadData::Part { part, parts }),
        restic_manager_proto::ReadData::Percent { percent } => Some(ReadData::Percent(percent.into())),
        restic_manager_proto::ReadData::All {} => Some(ReadData::All),
        _ => None,
    }
}

fn named(snapshot: &Snapshot) -> String {
    let id = snapshot.id.as_deref().unwrap_or_default();
    let time = Timestamp::from_milliseconds(snapshot.time.unix_seconds().saturating_mul(1000));
    format!("{} of {time}", &id[..id.floor_char_boundary(8)])
}

fn holder(ran: &Ran) -> String {
    match &ran.finished.outcome.lock {
        Some(lock) => {
            let how = if lock.is_exclusive { "exclusively by" } else { "by" };
            let created = lock.created.as_ref().map(|at| format!(", since {at}")).unwrap_or_default();
            format!("{how} process {} on {} by {}{created}", lock.pid, lock.host, lock.user)
        }
        None => "by another restic".to_owned(),
    }
}

pub(super) fn unreadable(what: &str, error: &dyn core::fmt::Display) -> Ended {
    end::without_run(JobState::Failed, Cause::Other, &format!("could not read {what}: {error}")).into()
}

pub(super) fn say(log: &super::log::JobLog, event: &Event) {
    match event {
        Event::Failure(failure) => log.stderr(&failure.text()),
        Event::ExitError(error) => log.stderr(&error.message),
        Event::Text { text, .. } | Event::Unrecognized { text } if !text.trim().is_empty() => {
            log.stdout(text)
        }
        Event::Overlong { head, cut_bytes } => log.stdout(&format!("{head}… ({cut_bytes} bytes more)")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_policy_reaches_restic() {
        let json = r#"{"last":1,"hourly":2,"daily":3,"weekly":4,"monthly":5,"yearly":6,"within":"1y","within_hourly":"2m",
            "within_daily":"3d","within_weekly":"4h","within_monthly":"5y","within_yearly":"6y"}"#;
        let policy: Retention = serde_json::from_str(json).expect("a policy");
        let rule = retention(&policy);
        assert_eq!(rule.yearly, Keep::count(6));
        assert_eq!(rule.within_weekly, Some(command::Span::new(0, 0, 0, 4)));
        let words = format!("{rule:?}");
        // Eleven more than the tags, which no policy has.
        assert_eq!(words.matches("Some").count(), 12, "{words}");
        assert_eq!(retention(&Retention::default()), command::Retention::default());
    }
}
