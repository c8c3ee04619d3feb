//! Metrics under the names of the widely used restic exporter, so that its dashboards and alerts work unchanged.
//!
//! That exporter is for one repository; here the label `repository` tells them apart unless one is asked for. -1 says that
//! something is not known. Times are in UTC.

use restic_manager_proto::{SnapshotSeen, Statistics, vocabulary::JobKind};
use restic_manager_store::upkeep::Duty;
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use super::families::{Family, Series, Value, seconds};
use crate::{
    audit::hex,
    parts::scrapes::{Figures, GroupFigures, RepositoryFigures},
};

/// What is told of all repositories, or of one.
pub(super) struct View {
    pub(super) figures: Arc<Figures>,
    pub(super) repository: Option<String>,
}

impl View {
    fn tells(&self, repository: &str) -> bool {
        self.repository.as_ref().is_none_or(|wanted| wanted == repository)
    }

    /// The label that tells repositories apart.
    fn label<'v>(&self, repository: &'v str) -> Option<(&'static str, Cow<'v, str>)> {
        self.repository.is_none().then_some(("repository", Cow::Borrowed(repository)))
    }
}

/// A number, or that it is not known.
fn known(number: Option<f64>) -> f64 {
    number.unwrap_or(-1.0)
}

const fn count(number: u64) -> f64 {
    number as f64
}

/// A family with a series for each repository.
macro_rules! repository {
    ($name:literal, $help:literal, $value:expr) => {
        Family::gauge($name, $help, |view| repositories(view, $value))
    };
}

/// A family with a series for each source group that has a snapshot.
macro_rules! backup {
    ($name:literal, $help:literal, $value:expr) => {
        Family::gauge(concat!("restic_backup_", $name), $help, |view| backups(view, $value))
    };
}

pub(super) const FAMILIES: &[Family<View>] = &[
    repository!(
        "restic_check_success",
        "Result of the last check: 1 good, 0 failed, 2 not checked",
        |repository| { check(repository.duty(JobKind::Check)) }
    ),
    repository!("restic_locks_total", "Locks in the repository", |repository| {
        known(repository.measured.map(|measured| count(measured.measured.locks)))
    }),
    repository!("restic_size_total", "Bytes that the repository stores", |repository| {
        known(repository.measured.map(|measured| count(measured.measured.raw_bytes)))
    }),
    repository!("restic_uncompressed_size_total", "The same bytes before compression", |repository| {
        known(repository.measured.and_then(|measured| measured.measured.uncompressed_bytes).map(count))
    }),
    repository!(
        "restic_compression_ratio",
        "How many times smaller compression makes the data",
        |repository| { known(ratio(repository)) }
    ),
    repository!("restic_blob_count_total", "Blobs in the repository", |_| known(None)),
    repository!("restic_snapshots_total", "Snapshots in the repository", |repository| {
        known(repository.measured.map(|measured| count(measured.measured.snapshots)))
    }),
    Family::gauge("restic_scrape_duration_seconds", "How long gathering the figures took", |view| {
        vec![Series { labels: Vec::new(), value: Value::Number(view.figures.took.as_secs_f64()) }]
    }),
    backup!("timestamp", "When the newest snapshot was made, as a Unix time", |_, snapshot| seconds(
        snapshot.time
    )),
    backup!("snapshots_total", "Snapshots", |group, _| count(group.snapshots)),
    backup!("files_total", "Files in the newest snapshot", |_, snapshot| known(snapshot.files.map(count))),
    backup!("size_total", "Bytes of the files in the newest snapshot", |_, snapshot| known(
        snapshot.bytes.map(count)
    )),
    backup!("files_new", "Files that were new in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.files_new)
    }),
    backup!("files_changed", "Files that had changed in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.files_changed)
    }),
    backup!("files_unmodified", "Files that had not changed in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.files_unmodified)
    }),
    backup!("dirs_new", "Folders that were new in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.folders_new)
    }),
    backup!("dirs_changed", "Folders that had changed in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.folders_changed)
    }),
    backup!("dirs_unmodified", "Folders that had not changed in the newest snapshot", |group, snapshot| {
        made_by(group, snapshot, |statistics| statistics.folders_unmodified)
    }),
    backup!("data_added_bytes", "Bytes that the newest snapshot added to the repository", |_, snapshot| {
        known(snapshot.bytes_added.map(count))
    }),
    backup!("duration_seconds", "How long making the newest snapshot took", |group, snapshot| {
        known(job_of(group, snapshot).and(group.took).map(|took| took.as_secs_f64()))
    }),
];

/// What its upkeep says of a repository: only a check that came to its end without damage since the last failure is good.
fn check(duty: Option<&Duty>) -> f64 {
    match duty {
        Some(duty) if duty.failures > 0 => 0.0,
        Some(duty) if duty.effective.is_some() => 1.0,
        _ => 2.0,
    }
}

fn ratio(repository: &RepositoryFigures) -> Option<f64> {
    let measured = repository.measured?.measured;
    let (before, after) = (measured.uncompressed_bytes?, measured.raw_bytes);
    (after > 0).then(|| count(before) / count(after))
}

/// What the last job of a group did, if that made this snapshot.
fn job_of<'v>(group: &'v GroupFigures, snapshot: &SnapshotSeen) -> Option<&'v Statistics> {
    group.statistics.as_ref().filter(|statistics| statistics.snapshot.as_deref() == Some(&snapshot.id))
}

fn made_by(group: &GroupFigures, snapshot: &SnapshotSeen, number: fn(&Statistics) -> u64) -> f64 {
    known(job_of(group, snapshot).map(|statistics| count(number(statistics))))
}

fn repositories(view: &View, value: fn(&RepositoryFigures) -> f64) -> Vec<Series<'_>> {
    let told = view.figures.repositories.iter().filter(|repository| view.tells(&repository.name));
    let one = |repository: &RepositoryFigures| Value::Number(value(repository));
    told.map(|told| Series { labels: view.label(&told.name).into_iter().collect(), value: one(told) })
        .collect()
}

fn backups(view: &View, value: fn(&GroupFigures, &SnapshotSeen) -> f64) -> Vec<Series<'_>> {
    let told = view.figures.groups.iter().filter(|group| view.tells(&group.repository));
    let mut seen = BTreeSet::new();
    let mut series = Vec::new();
    for (group, snapshot) in told.filter_map(|group| Some((group, group.newest.as_ref()?))) {
        // Two groups may back up the same under one tag: a series must not come twice.
        let tag = snapshot.tags.first().map_or("", String::as_str);
        let hash = hash(snapshot);
        if seen.insert((&group.repository, &snapshot.hostname, tag, hash.clone())) {
            let labels = view.label(&group.repository).into_iter().chain(labels(snapshot, hash)).collect();
            series.push(Series { labels, value: Value::Number(value(group, snapshot)) });
        }
    }
    series
}

fn labels(snapshot: &SnapshotSeen, hash: String) -> [(&'static str, Cow<'_, str>); 7] {
    [
        ("client_hostname", Cow::Borrowed(&snapshot.hostname)),
        ("client_username", Cow::Borrowed(&snapshot.username)),
        ("client_version", Cow::Borrowed(snapshot.program_version.as_deref().unwrap_or_default())),
        ("snapshot_hash", Cow::Owned(hash)),
        ("snapshot_tag", Cow::Borrowed(snapshot.tags.first().map_or("", String::as_str))),
        ("snapshot_tags", Cow::Owned(snapshot.tags.join(","))),
        // That exporter leaves paths out unless it is told to show them.
        ("snapshot_paths", Cow::Borrowed("")),
    ]
}

/// What that exporter tells snapshots apart by: host, user and paths.
fn hash(snapshot: &SnapshotSeen) -> String {
    let text = format!("{}{}{}", snapshot.hostname, snapshot.username, snapshot.paths.join(","));
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::Timestamp;

    #[test]
    fn snapshots_are_told_apart_as_that_exporter_does() {
        let mut snapshot = SnapshotSeen::new("ab", Timestamp::from_milliseconds(0));
        (snapshot.hostname, snapshot.username) = ("web-1".into(), "root".into());
        snapshot.paths = vec!["/etc".into(), "/home".into()];
        // printf 'web-1root/etc,/home' | sha256sum
        assert_eq!(hash(&snapshot), "d069c1afdab2cb777821eed6b8d2e48c0999c4378499e9d38302bd6b8e81d973");
    }
}
