//! What is backed up, and when.

use restic_manager_proto::{
    Bandwidth, CommandSource, Hook, Hooks, Misfire, PreviewedSnapshot, Retention, Retry, SecretText,
    SourceOptions,
    api::{
        Page, Reference,
        hooks::{HookOrigin, HookSet},
        hosts::LastBackup,
        jobs::RetentionPreview,
        schedules::{Run, Schedule},
        source_groups::{SourceGroup, UnfilledRule},
    },
    vocabulary::{Cause, JobState, Shell},
};
use std::time::Duration;

use super::{Fake, HOSTILE, ago, command_group_id, group_id, job_id, now, schedule_id};

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

    pub(crate) fn group(&self) -> SourceGroup {
        SourceGroup {
            id: group_id(),
            host: self.of_host(),
            name: "default".to_owned(),
            includes: vec!["/etc".to_owned(), "/srv/www".to_owned(), self.stored()],
            excludes: vec!["node_modules".to_owned(), self.stored(), ".venv".to_owned()],
            options: SourceOptions {
                retry: Some(Retry { attempts: 3, delay_seconds: 300 }),
                one_file_system: true,
                exclude_caches: false,
            },
            command: None,
            command_digest: None,
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

    pub(crate) fn command_group(&self) -> SourceGroup {
        SourceGroup {
            id: command_group_id(),
            name: "shop".to_owned(),
            includes: Vec::new(),
            excludes: Vec::new(),
            options: SourceOptions::default(),
            command: Some(CommandSource {
                shell: None,
                words: vec!["pg_dump".to_owned(), self.stored()],
                file_name: format!("shop{}.dump", self.stored.clone().unwrap_or_default()),
            }),
            command_digest: Some(format!("sha256:{}", "5e".repeat(32))),
            ..self.group()
        }
    }

    pub(crate) fn hooks(&self) -> HookSet {
        let hook = |script: String| Hook {
            shell: Shell::Bash,
            script: SecretText::new(script),
            timeout_seconds: 120,
        };
        if self.empty {
            return HookSet::default();
        }
        HookSet {
            hooks: Hooks {
                pre: Some(hook(format!("systemctl stop shop\n# {}", self.stored()))),
                post: Some(hook("systemctl start shop".to_owned())),
            },
            origin: Some(HookOrigin::SourceGroup),
            pre_digest: Some(format!("sha256:{}", "1a".repeat(32))),
            post_digest: Some(format!("sha256:{}", "2b".repeat(32))),
            set_at: Some(ago(7200)),
            set_by: Some(self.name.clone()),
            unreadable: false,
            version: 2,
        }
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule {
            id: schedule_id(),
            host: self.of_host(),
            name: "nightly".to_owned(),
            cron: if self.name == HOSTILE { HOSTILE.to_owned() } else { "30 2 * * *".to_owned() },
            zone: if self.name == HOSTILE { HOSTILE.to_owned() } else { "Europe/Vienna".to_owned() },
            misfire: Misfire::RunIfOlder { seconds: 90_061 },
            jitter_seconds: 630,
            bandwidth: Bandwidth { upload_kib: Some(2048), download_kib: None },
            enabled: true,
            source_groups: [group_id(), command_group_id()][..if self.two_groups { 2 } else { 1 }]
                .iter()
                .map(|id| Reference { id: *id, name: self.name.clone() })
                .collect(),
            next_run: Some(self.run(2)),
            created_at: ago(800_000),
            version: 5,
        }
    }
}
