//! What is backed up, and when.

use restic_manager_proto::{
    Misfire, PreviewedSnapshot, Retention,
    api::{
        Page, Reference,
        hosts::LastBackup,
        jobs::RetentionPreview,
        schedules::{Run, Schedule},
        source_groups::{SourceGroup, UnfilledRule},
    },
    vocabulary::{Cause, JobState},
};
use std::time::Duration;

use super::{Fake, HOSTILE, ago, group_id, job_id, now, schedule_id};

impl Fake {
    pub(super) fn unfilled(&self) -> UnfilledRule {
        let rule = format!("hourly{}", self.name);
        UnfilledRule { rule, needs_seconds: 3600, runs_every_seconds: Some(86_400) }
    }

    pub(super) fn preview(&self) -> RetentionPreview {
        let snapshot = |number: u64, kept_by: &[&str]| PreviewedSnapshot {
            id: format!("{number:064x}"),
            time: ago(number * 86_400),
            kept_by: kept_by.iter().map(|rule| format!("{rule}{}", self.name)).collect(),
        };
        RetentionPreview {
            state: JobState::Succeeded,
            source_group: Some(Reference { id: group_id(), name: self.name.clone() }),
            retention: Retention { daily: Some(7), ..Retention::default() },
            unfilled: vec![self.unfilled()],
            kept: Some(2),
            removed: Some(1),
            snapshots: Page {
                items: vec![
                    snapshot(1, &["daily snapshot", "last snapshot"]),
                    snapshot(2, &["daily snapshot"]),
                    snapshot(9, &[]),
                ],
                next: None,
            },
        }
    }

    pub(super) fn group(&self) -> SourceGroup {
        SourceGroup {
            id: group_id(),
            host: self.of_host(),
            name: "default".to_owned(),
            includes: vec!["/etc".to_owned(), "/srv/www".to_owned(), self.name.clone()],
            excludes: vec!["*.tmp".to_owned(), self.name.clone()],
            tag: "default".to_owned(),
            repository: self.of_repository(),
            retention: Retention { last: Some(3), hourly: Some(24), daily: Some(14), ..Retention::default() },
            unfilled: vec![self.unfilled()],
            last_backup: Some(LastBackup {
                job: job_id(),
                state: JobState::Incomplete,
                cause: Cause::SourceUnreadable,
                ended_at: ago(4000),
            }),
            last_snapshot_at: Some(ago(4000)),
            fresh_until: Some(now().after(Duration::from_secs(80_000))),
            created_at: ago(900_000),
            version: 3,
        }
    }

    pub(super) fn run(&self, number: u64) -> Run {
        Run {
            at: now().after(Duration::from_secs(number * 86_400)),
            local: format!("2026-11-2{} 02:30 CET", number + 2),
            note: if number == 2 { self.name.clone() } else { String::new() },
        }
    }

    pub(super) fn schedule(&self) -> Schedule {
        Schedule {
            id: schedule_id(),
            host: self.of_host(),
            name: "nightly".to_owned(),
            cron: if self.name == HOSTILE { HOSTILE.to_owned() } else { "30 2 * * *".to_owned() },
            zone: if self.name == HOSTILE { HOSTILE.to_owned() } else { "Europe/Vienna".to_owned() },
            misfire: Misfire::RunIfOlder { seconds: 90_000 },
            jitter_seconds: 600,
            enabled: true,
            source_groups: vec![Reference { id: group_id(), name: self.name.clone() }],
            next_run: Some(self.run(2)),
            created_at: ago(800_000),
            version: 5,
        }
    }
}
