//! What the end of a job says of what is backed up: as alerts, and as a line in the days of its source group.

use restic_manager_core::{
    alert::{self as rules, ENDS_OF_BACKUPS},
    anomaly::{self, Run},
};
use restic_manager_proto::{
    AlertId, JobEnd, Scope, SourceGroupId, Statistics, Timestamp,
    vocabulary::{AlertKind, JobKind, JobState},
};
use restic_manager_store::{
    Error, PageRequest,
    alerts::AlertSubject,
    backup_days::BackupDay,
    jobs::{Job, JobScope},
    sources::SourceGroup,
};

use super::{
    alerts::{found, raise, resolve, shown_by, spoken},
    freeze::raise_about_group,
    sight::{self, Sight},
};
use crate::parts::Change;

/// Jobs of a group that are looked at for what is usual: some of them made no snapshot.
const LOOKED_AT: usize = 2 * anomaly::MOST_RUNS;
/// What a backup can be unusual in.
const ANOMALIES: [AlertKind; 4] =
    [AlertKind::SourceShrunk, AlertKind::SourceGrown, AlertKind::ChangeAnomaly, AlertKind::DurationAnomaly];

/// Notes what the end of a job means, within the transaction that ends it. `job` is as it was.
pub(crate) async fn note_end(
    change: &mut Change<'_>,
    job: &Job,
    at: Timestamp,
    end: &JobEnd,
) -> Result<(), Error> {
    if !matches!(job.kind, JobKind::Backup | JobKind::CheckRepository | JobKind::ListSnapshots) {
        return Ok(());
    }
    let cause = see(change, job, end).await?;
    let Some(id) = job.source_group.filter(|_| job.kind == JobKind::Backup && end.state.is_verdict()) else {
        return Ok(());
    };
    let Some(group) = change.sources().find(id).await? else { return Ok(()) };
    let source = source(change, &group).await?;
    judge_end(change, &group, &source, job, end, cause).await?;
    if matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
        count(change, &group, at, &end.statistics).await?;
        judge_figures(change, &group, &source, job, end).await?;
    }
    Ok(())
}

/// What the job met at its repository is how its host sees that. Answers the alert about it, if it gave reason to one.
async fn see(change: &mut Change<'_>, job: &Job, end: &JobEnd) -> Result<Option<AlertId>, Error> {
    let seen = rules::seen_by_job(end.state, end.cause);
    let Some((repository, state)) = job.repository.zip(seen) else { return Ok(None) };
    let Some(before) = change.attachments().find(job.host, repository).await? else { return Ok(None) };
    if before.state != state {
        let detail = Some(end.detail.as_str()).filter(|detail| !detail.is_empty());
        change.attachments().note_state(job.host, repository, state, detail).await?;
    }
    let sight = Sight { host: job.host, repository, state, detail: &end.detail, job: Some(job.id) };
    sight::note(change, &before, sight).await
}

/// Of the alerts about how a group's last backup ended, the one that fits lasts.
async fn judge_end(
    change: &mut Change<'_>,
    group: &SourceGroup,
    source: &str,
    job: &Job,
    end: &JobEnd,
    cause: Option<AlertId>,
) -> Result<(), Error> {
    let now = rules::of_backup(end.state, end.cause);
    let about = AlertSubject::new("source-group", group.id);
    for kind in ENDS_OF_BACKUPS.into_iter().filter(|kind| Some(*kind) != now) {
        resolve(change, kind, &about).await?;
    }
    let Some(kind) = now else { return Ok(()) };
    let why = spoken(end.cause.as_str());
    let summary = match kind {
        AlertKind::BackupIncomplete => format!("The backup of {source} left something out: {why}."),
        AlertKind::SourceMissing => format!("Nothing of what {source} backs up is there."),
        AlertKind::OutOfSpace => format!("The backup of {source} found no space left."),
        AlertKind::HookFailed => format!("A script around the backup of {source} failed."),
        _ => format!("The backup of {source} failed: {why}."),
    };
    let detail = serde_json::json!({ "cause": end.cause.as_str() });
    let mut finding = found(change.parts(), kind, about, source, summary, detail);
    (finding.repository, finding.cause) = (Some(group.repository), cause);
    raise(change, &shown_by(finding, group.host, job.id, &end.detail)).await
}

/// One more backup on its day.
async fn count(
    change: &mut Change<'_>,
    group: &SourceGroup,
    at: Timestamp,
    figures: &Statistics,
) -> Result<(), Error> {
    let day = BackupDay {
        host: group.host,
        day: BackupDay::of(at),
        source_group: group.id,
        runs: 1,
        bytes_processed: figures.bytes_processed,
        bytes_added: figures.bytes_stored.unwrap_or(figures.bytes_added),
        milliseconds: figures.duration_milliseconds,
    };
    change.backup_days().note(&day).await
}

/// Raises what is unusual about a backup, and resolves what is usual again. What it froze stays so until an admin lifts it:
/// that a host shows its files again does not say that they are the same.
async fn judge_figures(
    change: &mut Change<'_>,
    group: &SourceGroup,
    source: &str,
    job: &Job,
    end: &JobEnd,
) -> Result<(), Error> {
    let about = AlertSubject::new("source-group", group.id);
    let before = usual(change, group.id, &about, job).await?;
    let unusual = anomaly::judge(&before, &run(&end.statistics));
    for kind in ANOMALIES {
        let Some(anomaly) = unusual.iter().find(|anomaly| anomaly.kind == kind) else {
            resolve(change, kind, &about).await?;
            continue;
        };
        let detail =
            serde_json::json!({ "found": anomaly.found, "usual": anomaly.usual, "runs": anomaly.runs });
        let summary = anomaly.words(source);
        let mut finding = found(change.parts(), kind, about.clone(), source, summary.clone(), detail);
        finding.repository = Some(group.repository);
        raise_about_group(change, &shown_by(finding, group.host, job.id, &summary), group).await?;
    }
    Ok(())
}

/// The runs that say what is usual for a group, oldest first: those since it backs up what it does now, and since
/// somebody last said that something unusual was meant to be.
async fn usual(
    change: &mut Change<'_>,
    group: SourceGroupId,
    about: &AlertSubject,
    job: &Job,
) -> Result<Vec<Run>, Error> {
    let mut since = vec![Some(change.sources().reads_since(group).await?)];
    for kind in ANOMALIES {
        since.push(change.alerts().dismissed(kind, about).await?);
    }
    let since = anomaly::baseline(since);
    let scope = JobScope::SourceGroup(group);
    let jobs = change.jobs().page(scope, &Scope::All, PageRequest::first(LOOKED_AT)).await?.items;
    let counts = |other: &&Job| {
        other.id != job.id
            && other.kind == JobKind::Backup
            && matches!(other.state, JobState::Succeeded | JobState::Incomplete)
            && other.ended.is_some_and(|ended| ended >= since)
    };
    let runs = jobs.iter().filter(counts).filter_map(|other| other.statistics.as_ref()).map(run);
    let mut runs: Vec<_> = runs.take(anomaly::MOST_RUNS).collect();
    runs.reverse();
    Ok(runs)
}

const fn run(figures: &Statistics) -> Run {
    Run {
        files_new: figures.files_new,
        files_changed: figures.files_changed,
        files_unmodified: figures.files_unmodified,
        bytes_processed: figures.bytes_processed,
        bytes_added: figures.bytes_added,
        milliseconds: figures.duration_milliseconds,
    }
}

/// A source group as summaries call it: `web-01/system`.
pub(super) async fn source(change: &mut Change<'_>, group: &SourceGroup) -> Result<String, Error> {
    let host = change.hosts().find(group.host).await?;
    Ok(host.map_or_else(|| group.name.clone(), |host| format!("{}/{}", host.name, group.name)))
}
