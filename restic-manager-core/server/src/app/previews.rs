//! What a retention policy would keep and remove, seen before it is kept.

use restic_manager_core::{
    retention,
    schedule::{Timetable, shortest_gap},
};
use restic_manager_proto::{
    JobChoice, JobOptions, Retention, SourceGroupId, Timestamp,
    api::{
        Reference,
        jobs::{Job, Preview, RetentionPreview},
        source_groups::{PreviewRetention, UnfilledRule},
    },
    vocabulary::{JobKind, Trigger},
};
use restic_manager_store::{Read, previews::PreviewCursor, retry, schedules::Schedule, sources::SourceGroup};

use super::{
    check::{self, Fields},
    found, jobs, page,
};
use crate::{
    call::{Cx, Request},
    domain::jobs::Wanted,
    failure::Failure,
};

/// Asks the group's own host: it has restic and reads the repository, and nothing that deletes is needed.
pub(crate) async fn create(cx: Cx, request: Request<PreviewRetention>) -> Result<Job, Failure> {
    let (id, policy) = (request.path.group, request.body.retention);
    let mut fields = Fields::default();
    check::retention(&mut fields, &policy);
    if policy.is_empty() {
        fields.check::<(), _>("retention", Err("at least one rule; without any everything is kept"));
    }
    fields.finish()?;
    let requested_by = Some(cx.user()?.id);
    retry(async || {
        let mut change = cx.begin().await?;
        let group = found::source_group(change.sources(), id).await?;
        let kind = JobKind::PreviewForget;
        let wanted = Wanted {
            requested_by,
            source_group: Some(id),
            options: JobOptions::of(JobChoice::Retention(Box::new(policy))),
            ..Wanted::upkeep(group.host, group.repository, kind, Trigger::Manual)
        };
        jobs::queue_wanted(&cx, change, wanted).await
    })
    .await
}

pub(crate) async fn show(cx: Cx, request: Request<Preview>) -> Result<RetentionPreview, Failure> {
    let (id, query) = (request.path.job, request.query);
    let wanted = page::request(query.limit, query.after.as_ref(), |(time, id)| PreviewCursor { time, id })?;
    let mut read = cx.read().await?;
    let job = read.jobs().find(id).await?.filter(|job| job.kind == JobKind::PreviewForget);
    let job = job.ok_or_else(|| Failure::not_found("preview"))?;
    let retention = job.options.retention().unwrap_or_default();
    let group = match job.source_group {
        Some(group) => read.sources().find(group).await?,
        None => None,
    };
    let unfilled = match &group {
        Some(group) => {
            let schedules = read.schedules().of_host(group.host).await?;
            unfilled(&retention, group.id, &schedules, cx.now())
        }
        None => Vec::new(),
    };
    let found = read.previews().page(id, wanted).await?;
    let statistics = job.statistics.unwrap_or_default();
    Ok(RetentionPreview {
        state: job.state,
        source_group: group.map(|SourceGroup { id, name, .. }| Reference { id, name }),
        retention,
        unfilled,
        kept: statistics.snapshots_kept,
        removed: statistics.snapshots_removed,
        snapshots: page::finish(found.items, found.next, |key| (key.time, key.id))?,
    })
}

/// The rules of a group's policy that its schedules do not fill.
pub(super) fn unfilled(
    policy: &Retention,
    group: SourceGroupId,
    schedules: &[Schedule],
    now: Timestamp,
) -> Vec<UnfilledRule> {
    let runs_it = |schedule: &&Schedule| schedule.enabled && schedule.groups.contains(&group);
    let timetables: Vec<_> = schedules
        .iter()
        .filter(runs_it)
        .filter_map(|schedule| Timetable::parse(&schedule.cron, &schedule.zone).ok())
        .collect();
    let gap = shortest_gap(&timetables, now);
    let view = |rule: retention::Unfilled| UnfilledRule {
        rule: rule.rule.to_owned(),
        needs_seconds: rule.needs.as_secs(),
        runs_every_seconds: gap.map(|gap| gap.as_secs()),
    };
    retention::unfilled(policy, gap).into_iter().map(view).collect()
}

/// The same for what is stored, with the schedules of its host.
pub(super) async fn unfilled_of(
    read: &mut dyn Read,
    group: &SourceGroup,
    now: Timestamp,
) -> Result<Vec<UnfilledRule>, Failure> {
    if group.retention.is_empty() {
        return Ok(Vec::new());
    }
    let schedules = read.schedules().of_host(group.host).await?;
    Ok(unfilled(&group.retention, group.id, &schedules, now))
}
