//! Repositories, who uses them, what is in them.

use restic_manager_proto::{
    FreezeId, HostId, JobId, LockSeen, Measured, PlanRow, PlanSummary, PlannedClass, RawPath, RepositoryId,
    SearchHit, SnapshotEntry, SnapshotSeen, SourceGroupId,
    api::{
        Reference,
        freezes::Freeze,
        hosts::Attachment,
        repositories::{DayMeasured, DaySize, Repository, RepositoryStatistics, SecretStatus},
        restores::RestorePlan,
        snapshots::Snapshot,
        upkeep::{DeletionTest, Duty, LocksSeen, OwnedLock, Upkeep},
    },
    vocabulary::*,
};
use std::time::Duration;

use super::{Fake, HOSTILE, ago, id, job_id, now, repository_id};

impl Fake {
    pub(super) fn of_repository(&self) -> Reference<RepositoryId> {
        Reference {
            id: repository_id(),
            name: if self.name == HOSTILE { HOSTILE.to_owned() } else { "main".to_owned() },
        }
    }

    pub(super) fn location(&self) -> String {
        if self.name == HOSTILE {
            HOSTILE.to_owned()
        } else {
            "rest:https://backup.example.com/web/".to_owned()
        }
    }

    pub(super) fn freezes(&self) -> Vec<Freeze> {
        let of = |source_group: Option<Reference<SourceGroupId>>, number, cause| Freeze {
            id: id(FreezeId::from_parts, number),
            host: source_group.as_ref().map(|_| self.name.clone()),
            source_group,
            cause,
            reason: self.name.clone(),
            frozen_at: ago(9_000),
            frozen_by: (number > 1).then(|| self.name.clone()),
        };
        let group = Reference { id: id(SourceGroupId::from_parts, 1), name: self.name.clone() };
        vec![of(Some(group), 1, FreezeCause::KeepsLess), of(None, 2, FreezeCause::Manual)]
    }

    fn locks(&self) -> LocksSeen {
        let lock = |host, ago_seconds| OwnedLock {
            lock: LockSeen {
                id: "ab".repeat(32),
                hostname: self.name.clone(),
                process: 4242,
                username: self.name.clone(),
                exclusive: ago_seconds > 5000,
                refreshed_at: ago(ago_seconds),
                stale_at: ago(ago_seconds).after(Duration::from_secs(1800)),
            },
            host,
        };
        let locks = vec![lock(Some(self.of_host()), 9_000), lock(None, 60)];
        LocksSeen { at: ago(30), job: job_id(), count: 3, locks }
    }

    pub(super) fn upkeep(&self) -> Upkeep {
        let duty = |kind, state, hours, ago_seconds| Duty {
            kind,
            state,
            every_hours: Some(hours),
            next_at: Some(now().after(Duration::from_secs(5 * 3600))),
            last_effective_at: Some(ago(ago_seconds)),
            red_at: Some(now().after(Duration::from_secs(2 * 86_400))),
            failures: 0,
            job: None,
            last_job: Some(job_id()),
            last_cause: Some(Cause::None),
            part: (kind == JobKind::Check).then_some(4),
            parts: (kind == JobKind::Check).then_some(20),
            full_read_days: (kind == JobKind::Check).then_some(600),
        };
        Upkeep {
            health: UpkeepState::Overdue,
            backups: UpkeepState::Good,
            runner: Some(match self.more_hosts {
                0 => self.of_host(),
                _ => Reference { id: id(HostId::from_parts, 99), name: "far-away".to_owned() },
            }),
            risk: String::new(),
            parallel: 10,
            parallel_chosen: false,
            duties: vec![
                Duty {
                    failures: 1,
                    last_cause: Some(Cause::AccessDenied),
                    ..duty(JobKind::Forget, UpkeepState::Overdue, 24, 400_000)
                },
                duty(JobKind::Prune, UpkeepState::Good, 168, 90_000),
                duty(JobKind::Check, UpkeepState::Good, 720, 900_000),
                Duty {
                    job: Some(id(JobId::from_parts, 31)),
                    ..duty(JobKind::Statistics, UpkeepState::Good, 24, 9_000)
                },
                duty(JobKind::DeletionTest, UpkeepState::Good, 168, 9_000),
            ],
            deletion: Some(DeletionTest {
                verdict: DeletionVerdict::Possible,
                at: ago(9_000),
                host: self.of_host(),
                job: job_id(),
            }),
            locks: Some(self.locks()),
        }
    }

    pub(super) fn measured(&self, days: u64) -> DayMeasured {
        let measured = Measured {
            snapshots: 256,
            files: 1_234_567,
            restore_bytes: 40 << 40,
            raw_bytes: (2 << 40) - (days << 34),
            uncompressed_bytes: Some(3 << 40),
            locks: 1,
        };
        DayMeasured { at: ago(days * 86_400 + 3600), measured }
    }

    pub(super) fn statistics(&self) -> RepositoryStatistics {
        RepositoryStatistics {
            days: (0..20).rev().map(|day| self.measured(day)).collect(),
            ratio: Some(20.0),
            last_prune_at: Some(ago(90_000)),
            last_check_at: None,
        }
    }

    pub(crate) fn repository(&self) -> Repository {
        let set = SecretStatus { set_at: Some(ago(260_000)), set_by: Some(self.name.clone()) };
        Repository {
            id: repository_id(),
            upkeep: self.upkeep(),
            name: self.of_repository().name,
            location: self.location(),
            backend: "rest".to_owned(),
            password: set.clone(),
            everyday: set,
            maintenance: SecretStatus::default(),
            hosts: 2 + self.more_hosts,
            snapshots: 256,
            last_snapshot_at: Some(ago(5400)),
            measured: Some(self.measured(0)),
            trend: (0..20)
                .rev()
                .map(|day| self.measured(day))
                .map(|day| DaySize { at: day.at, raw_bytes: day.measured.raw_bytes })
                .collect(),
            created_at: ago(9_000_000),
            version: 4,
        }
    }

    pub(super) fn attachment(&self, state: RepositoryState) -> Attachment {
        let well = matches!(state, RepositoryState::Ready | RepositoryState::Unverified);
        Attachment {
            host: self.of_host(),
            repository: self.of_repository(),
            location: (!well).then(|| self.location()),
            state,
            detail: if well {
                String::new()
            } else {
                format!("Fatal: wrong password or no key found {}", self.name)
            },
            next_step: if well {
                String::new()
            } else {
                "Set the password the repository was made with, then check again.".to_owned()
            },
            checked_at: Some(ago(600)),
        }
    }

    pub(super) fn snapshot(&self, seconds: u64) -> Snapshot {
        let mut snapshot = SnapshotSeen::new(
            "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d",
            ago(seconds),
        );
        snapshot.paths = vec!["/etc".to_owned(), "/srv/www".to_owned(), self.name.clone()];
        snapshot.tags = vec!["default".to_owned(), self.name.clone()];
        snapshot.hostname = self.name.clone();
        snapshot.program_version = Some("restic 0.18.0".to_owned());
        snapshot.files = Some(184_201);
        snapshot.bytes = Some(52_613_349_376);
        snapshot.bytes_added = Some(412_090_112);
        Snapshot { snapshot, repository: self.of_repository(), seen_at: ago(600) }
    }

    pub(super) fn hits(&self) -> Vec<SearchHit> {
        let folder = RawPath::new("/srv/www");
        self.entries().into_iter().map(|entry| SearchHit { folder: folder.clone(), entry }).collect()
    }

    /// A plan with something of everything.
    pub(super) fn restore_plan(&self) -> RestorePlan {
        let mut summary = PlanSummary::default();
        summary.id = format!("sha256:{}", "c".repeat(64));
        summary.classes = PlanClass::ALL
            .iter()
            .filter(|class| self.blocked || **class != PlanClass::Blocked)
            .map(|class| PlannedClass { class: *class, entries: 1234, bytes: 5_678_901 })
            .collect();
        (summary.bytes, summary.inodes, summary.free_bytes) = (5_678_901, 7, Some(1 << 40));
        let row = |class: &PlanClass| PlanRow {
            class: *class,
            path: RawPath::new(format!("/srv/www/{}", self.name)),
            size: 41_236,
        };
        RestorePlan { summary, rows: PlanClass::ALL.iter().map(row).collect(), more: true }
    }

    /// What a folder holds: names that a page must not take for anything else among them.
    pub(super) fn entries(&self) -> Vec<SnapshotEntry> {
        let entry = |name: &[u8], kind: EntryKind| {
            let mut entry = SnapshotEntry::new(RawPath::new(name), kind);
            (entry.mode, entry.modified_at) = (0o755, Some(ago(86_400)));
            (entry.uid, entry.gid, entry.user) = (33, 33, "www-data".to_owned());
            entry
        };
        let mut file = entry(b"index.html", EntryKind::File);
        (file.size, file.mode) = (41_236, 0o640);
        let mut link = entry(b"current", EntryKind::Symlink);
        link.link_target = Some(RawPath::new("releases/7"));
        let mut lossy = entry("caf\u{fffd}".as_bytes(), EntryKind::File);
        lossy.inexact = true;
        vec![
            entry(b"assets", EntryKind::Folder),
            link,
            file,
            lossy,
            entry(b"line\nbreak \xff", EntryKind::File),
            entry(self.name.as_bytes(), EntryKind::Folder),
            entry(b"run.sock", EntryKind::Special),
        ]
    }
}
