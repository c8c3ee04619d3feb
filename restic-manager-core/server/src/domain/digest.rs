//! What a digest tells besides alerts, read when it is first tried. The same however often it is tried.

use core::time::Duration;
use restic_manager_core::notify::{MOST_NAMED, Report};
use restic_manager_proto::vocabulary::Timing;
use restic_manager_proto::{HostId, Scope, SourceGroupId, Timestamp, vocabulary::NoticeKind};
use restic_manager_store::{Error, Read, backup_days::BackupDay, deliveries::Delivery, jobs::Job};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The report of a digest. Figures are of hosts: a route that asks for some repositories, or is gone, tells of alerts alone.
pub(crate) async fn report(read: &mut dyn Read, claimed: &Delivery) -> Result<Option<Report>, Error> {
    let Some(route) = claimed.route.filter(|_| claimed.kind == NoticeKind::Digest) else { return Ok(None) };
    let Some(route) = read.routes().find(route).await? else { return Ok(None) };
    if !route.rule.matcher.repositories.is_empty() {
        return Ok(None);
    }
    let until = claimed.tried.unwrap_or(claimed.created);
    let from = until.before(if route.rule.timing == Timing::Weekly { 7 * DAY } else { DAY });
    of_time(read, &route.rule.matcher.scope, from, until).await.map(Some)
}

async fn of_time(
    read: &mut dyn Read,
    scope: &Scope,
    from: Timestamp,
    until: Timestamp,
) -> Result<Report, Error> {
    let ended = read.metrics().ended_between(scope, from, until).await?;
    let mut failed = Vec::new();
    for job in read.metrics().failed_between(scope, from, until, MOST_NAMED).await? {
        failed.push((name_of(read, &job).await?, job.kind, job.cause));
    }
    let mut grown = Vec::new();
    for one in read.backup_days().most_grown(scope, BackupDay::of(from), MOST_NAMED).await? {
        grown.push((source(read, one.host, Some(one.source_group)).await?, one.bytes_added));
    }
    let ended = ended.into_iter().map(|one| (one.kind, one.state, one.jobs)).collect();
    Ok(Report { from, until, ended, failed, grown })
}

/// What a job was about: its source group, else its repository on its host.
async fn name_of(read: &mut dyn Read, job: &Job) -> Result<String, Error> {
    let source = source(read, job.host, job.source_group).await?;
    let repository = match job.repository.filter(|_| job.source_group.is_none()) {
        Some(repository) => read.repositories().find(repository).await?,
        None => None,
    };
    Ok(repository.map_or_else(|| source.clone(), |repository| format!("{source} on {}", repository.name)))
}

/// A source group as alerts call it, `web-01/system`, or its host; something that is gone by its id.
async fn source(read: &mut dyn Read, host: HostId, group: Option<SourceGroupId>) -> Result<String, Error> {
    let name = read.hosts().find(host).await?.map_or_else(|| host.to_string(), |host| host.name);
    let Some(group) = group else { return Ok(name) };
    let group = read.sources().find(group).await?.map_or_else(|| group.to_string(), |group| group.name);
    Ok(format!("{name}/{group}"))
}
