//! Retention policies as restic takes them, and what restic would do by them.

use restic_manager_proto::{
    JobEnd, Retention, Span, Timestamp,
    agent::{ForgetPolicy, JobOrder},
    is_future,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    command::{self, CommandError, Filter, Forget, GroupBy, Keep},
    document::ForgetGroup,
    event::Snapshot,
};

use super::{
    end::{self, Ended},
    log::JobLog,
    repository::is_empty,
    run::{self, Run},
};

/// Snapshots in one report.
pub(super) const REPORTED: usize = 250;
/// Snapshots that the log names one by one, for each policy.
const NAMED: usize = 200;
const PLAN: &str = "the plan of the forget";

/// What one policy keeps and removes.
pub(super) struct Plan {
    pub(super) groups: Vec<ForgetGroup>,
    pub(super) remove: Vec<String>,
    keep: u64,
}

impl Plan {
    /// The snapshots of nothing at all, such as of a command that printed nothing; none where there are no others.
    pub(super) fn empty(&self) -> Vec<String> {
        let all = || self.groups.iter().flat_map(|group| group.keep.iter().chain(&group.remove));
        if all().all(is_empty) {
            return Vec::new();
        }
        all().filter(|snapshot| is_empty(snapshot)).filter_map(|snapshot| snapshot.id.clone()).collect()
    }

    /// A snapshot of a time that has not come. By its date it would be the newest and push out others, whatever the rules,
    /// and restic knows of no way to leave it out.
    pub(super) fn ahead(&self, now: Timestamp) -> Option<String> {
        let all = self.groups.iter().flat_map(|group| group.keep.iter().chain(&group.remove));
        let mut ahead = all.filter(|snapshot| is_future(moment(snapshot), now));
        ahead.next().map(named)
    }
}

/// The counts of all policies of a job.
#[derive(Default)]
pub(super) struct Tally {
    kept: u64,
    removed: u64,
    passed_over: Option<String>,
}

impl Tally {
    pub(super) fn count(&mut self, plan: &Plan) {
        self.kept += plan.keep;
        self.removed += plan.remove.len() as u64;
    }

    pub(super) fn count_removed(&mut self, snapshots: usize) {
        self.removed += snapshots as u64;
    }

    /// A policy was not applied.
    pub(super) fn pass_over(&mut self, policy: &ForgetPolicy, snapshot: &str, log: &JobLog) {
        let tag = policy.tag.escape_debug();
        let why = format!(
            "{tag} on {}: nothing is removed, because snapshot {snapshot} has not come yet",
            policy.host_name
        );
        log.remark(&why);
        self.passed_over.get_or_insert(why);
    }

    pub(super) fn end(self, log: &JobLog, removed: &str) -> JobEnd {
        log.remark(&format!("{} snapshots {removed}, {} kept", self.removed, self.kept));
        let mut end = match self.passed_over {
            None => JobEnd::new(JobState::Succeeded, Cause::None),
            Some(why) => end::without_run(JobState::Failed, Cause::FutureSnapshot, &why),
        };
        end.statistics.snapshots_kept = Some(self.kept);
        end.statistics.snapshots_removed = Some(self.removed);
        end
    }
}

/// The policies of an order.
pub(super) fn policies(order: &JobOrder) -> Result<&[ForgetPolicy], CommandError> {
    let missing = CommandError::Missing { verb: "forget", what: "a policy" };
    order.forget().map(|forget| forget.policies.as_slice()).ok_or(missing)
}

/// The policy whose command the job is shown as.
pub(super) fn first(order: &JobOrder) -> Result<&ForgetPolicy, CommandError> {
    policies(order)?.first().ok_or(CommandError::Missing { verb: "forget", what: "a policy" })
}

/// By host and tags: changed sources stay in the same group.
pub(super) fn host_and_tags() -> GroupBy {
    let mut group_by = GroupBy::host();
    group_by.tags = true;
    group_by
}

/// A policy as restic takes it. Grouping keeps each set of tags apart, so that a snapshot which carries a tag more is in
/// a group of its own.
pub(super) fn by_rule(policy: &ForgetPolicy, dry_run: bool) -> Forget {
    let mut filter = Filter::all();
    filter.hosts.push(policy.host_name.clone());
    filter.tags.push(vec![policy.tag.clone()]);
    let mut forget = Forget::by_rule(retention(&policy.retention));
    if let Forget::ByRule { filter: of, group_by, dry_run: dry, .. } = &mut forget {
        (*of, *group_by, *dry) = (filter, Some(host_and_tags()), dry_run);
    }
    forget
}

/// What restic would remove of a source group's own snapshots, and of no others: a tag more makes a snapshot somebody
/// else's.
pub(super) async fn plan(run: &mut Run<'_>, policy: &ForgetPolicy) -> Result<Plan, Ended> {
    let tag = policy.tag.escape_debug();
    run.log.remark(&format!("{} on {}: keeping {}", tag, policy.host_name, policy.retention));
    let planned = run.looking(&by_rule(policy, true))?;
    let output = run.output(&planned, PLAN).await?;
    let mut groups: Vec<ForgetGroup> =
        if output.trim_ascii().is_empty() { Vec::new() } else { run::read(output, PLAN).await? };
    groups.retain(|group| {
        group.host == policy.host_name && group.tags.as_slice() == core::slice::from_ref(&policy.tag)
    });
    groups.iter().for_each(|group| name(run.log, group));
    let keep = groups.iter().map(|group| group.keep.len() as u64).sum();
    let removed = groups.iter().flat_map(|group| &group.remove);
    let remove: Vec<_> = removed.filter_map(|snapshot| snapshot.id.clone()).collect();
    if keep == 0 && !remove.is_empty() {
        let detail = "restic would keep none of a source group's snapshots, so none is removed";
        return Err(end::failed(Cause::AgentRefused, detail));
    }
    Ok(Plan { groups, remove, keep })
}

fn name(log: &JobLog, group: &ForgetGroup) {
    for (word, snapshots) in [("keep  ", &group.keep), ("remove", &group.remove)] {
        for snapshot in snapshots.iter().take(NAMED) {
            log.stdout(&format!("{word} {}", named(snapshot)));
        }
        if snapshots.len() > NAMED {
            log.stdout(&format!("{word} … and {} more", snapshots.len() - NAMED));
        }
    }
}

fn named(snapshot: &Snapshot) -> String {
    let id = snapshot.id.as_deref().unwrap_or_default();
    format!("{} of {}", &id[..id.floor_char_boundary(8)], moment(snapshot))
}

fn moment(snapshot: &Snapshot) -> Timestamp {
    Timestamp::from_milliseconds(snapshot.time.unix_seconds().saturating_mul(1000))
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
