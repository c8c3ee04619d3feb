//! Hosts, and those that are expected.

use restic_manager_proto::{
    Bandwidth, HostFacts, HostId, JobId, SecretText,
    api::{
        Reference,
        enrolments::{Enrolment, Invitation},
        fleet::Fleet,
        hosts::{Configuration, Day, Host, LastBackup},
        pending_hosts::PendingHost,
        registration::Registration,
    },
    policy::PolicyReport,
    vocabulary::*,
};
use std::time::Duration;

use super::{FINGERPRINT, Fake, HOSTILE, ago, enrolment_id, host_id, id, job_id, now, pending_host_id};

impl Fake {
    pub(super) fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::default();
        if !self.empty {
            (fleet.hosts, fleet.good, fleet.overdue, fleet.failing, fleet.unknown) = (42, 39, 1, 1, 1);
            fleet.alerts_critical = 1;
            (fleet.online, fleet.jobs_running, fleet.jobs_queued, fleet.enrolments_open) = (40, 1, 2, 1);
            fleet.pending_hosts = 2;
        }
        fleet
    }

    pub(super) fn registration(&self) -> Registration {
        Registration {
            open: true,
            announce: !self.empty,
            linux_command: "{ printf \"RM_ANNOUNCE='%s'\\n\" 'yes'; curl …; } | sudo sh".to_owned(),
        }
    }

    pub(super) fn announced(&self, first: bool) -> PendingHost {
        PendingHost {
            id: pending_host_id(),
            name: self.numbered(if first { 1 } else { 2 }),
            fingerprint: FINGERPRINT.to_owned(),
            operating_system: "linux".to_owned(),
            os_version: self.name.clone(),
            architecture: "x86_64".to_owned(),
            agent_version: self.name.clone(),
            address: Some("192.0.2.7".to_owned()),
            connected: first,
            first_seen_at: ago(600),
            last_seen_at: ago(30),
            expires_at: now().after(Duration::from_secs(3000)),
            looked_at: first.then(|| ago(60)),
            namesake: first.then(host_id),
            same_name: u64::from(first),
        }
    }

    pub(super) fn numbered(&self, last: u8) -> String {
        if self.name == "web-01" {
            ["web-01", "db-01", "laptop-ada", "mail-02"][usize::from(last) % 4].to_owned()
        } else {
            self.name.clone()
        }
    }

    pub(crate) fn host(&self, health: Health, last: u8) -> Host {
        let mut facts = HostFacts::default();
        facts.hostname = self.name.clone();
        facts.operating_system = "linux".to_owned();
        facts.os_version =
            if self.name == HOSTILE { HOSTILE.to_owned() } else { "Debian GNU/Linux 12".to_owned() };
        facts.architecture = "x86_64".to_owned();
        facts.agent_version = "0.1.0".to_owned();
        facts.restic_version = Some("0.18.0".to_owned());
        facts.time_zone = Some("Europe/Vienna".to_owned());
        let policy = self.policy.clone().unwrap_or_else(|| PolicyReport::without_file(self.name.clone()));
        facts.policy = Some(Box::new(policy));
        let last_backup = (health != Health::Unknown).then(|| LastBackup {
            job: job_id(),
            state: if health == Health::Failing { JobState::Failed } else { JobState::Succeeded },
            cause: if health == Health::Failing { Cause::WrongPassword } else { Cause::None },
            ended_at: ago(5400),
        });
        Host {
            id: id(HostId::from_parts, last),
            name: if last == 1 { self.name.clone() } else { self.numbered(last) },
            restic_name: "web-before".to_owned(),
            bandwidth: Bandwidth { upload_kib: Some(4096), download_kib: None },
            tags: vec![
                "prod".to_owned(),
                if self.name == HOSTILE { HOSTILE.to_owned() } else { "web".to_owned() },
            ],
            presence_mode: PresenceMode::AlwaysOn,
            presence: if health == Health::Overdue { Presence::Asleep } else { Presence::Online },
            health,
            enrolled_at: ago(9_000_000),
            token_since: Some(ago(90_000)),
            last_seen_at: Some(ago(12)),
            address: Some(if self.name == HOSTILE { HOSTILE.to_owned() } else { "192.0.2.17".to_owned() }),
            facts,
            worst_backup: last_backup.clone(),
            last_backup,
            last_snapshot_at: (health != Health::Unknown)
                .then(|| ago(if health == Health::Overdue { 400_000 } else { 5400 })),
            snapshots: 128,
            size_bytes: Some(52_613_349_376),
            running_job: (health == Health::Failing).then(|| id(JobId::from_parts, 31)),
            next_run_at: (health != Health::Unknown).then(|| now().after(Duration::from_secs(40_000))),
            fresh_until: (health != Health::Unknown).then(|| now().after(Duration::from_secs(80_000))),
            days: if health == Health::Unknown { Vec::new() } else { days() },
            configuration: Configuration {
                wanted: Some(4),
                held: Some(if health == Health::Good { 4 } else { 3 }),
                drift_since: (health != Health::Good).then(|| ago(7200)),
                refusal: if self.name == HOSTILE { HOSTILE.to_owned() } else { String::new() },
            },
            deleted_at: self.removed.then(|| ago(3600)),
            is_runner: true,
            version: 7,
        }
    }

    pub(super) fn of_host(&self) -> Reference<HostId> {
        Reference { id: host_id(), name: self.name.clone() }
    }

    pub(super) fn enrolment(&self) -> Enrolment {
        Enrolment {
            id: enrolment_id(),
            host_name: self.name.clone(),
            tags: vec!["prod".to_owned(), self.name.clone()],
            presence_mode: PresenceMode::AlwaysOn,
            repositories: vec![self.of_repository()],
            include_paths: vec!["/etc".to_owned()],
            state: if self.enrolled { EnrolmentState::Spent } else { EnrolmentState::Open },
            created_at: ago(60),
            expires_at: now().after(Duration::from_secs(3540)),
            host: self.enrolled.then(host_id),
            take_over: None,
            replaced_by: None,
        }
    }

    pub(super) fn invitation(&self) -> Invitation {
        Invitation {
            enrolment: self.enrolment(),
            token: SecretText::new("rme_one-time-token"),
            server_url: "https://backup.example.com".to_owned(),
            server_fingerprint: FINGERPRINT.to_owned(),
            linux_command: SecretText::new(format!(
                "curl -fsS https://backup.example.com/install/linux.sh | sudo RM_ENROL_TOKEN=rme_one-time-token sh # {}",
                self.name
            )),
        }
    }
}

/// Thirty days of which some went wrong.
fn days() -> Vec<Day> {
    let day = |back: u64| Day {
        start: ago(back * 86_400),
        good: u32::from(!matches!(back, 3 | 5 | 11)),
        incomplete: u32::from(back == 5),
        failed: u32::from(back == 3),
        missed: u32::from(back == 11),
    };
    (0..30).rev().filter(|back| *back != 20).map(day).collect()
}
