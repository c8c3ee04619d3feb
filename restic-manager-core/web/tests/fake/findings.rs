//! Alerts and the audit log.

use restic_manager_proto::{
    api::{alerts, audit, hosts},
    vocabulary::*,
};

use super::{Fake, HOSTILE, ago, alert_id, host_id, id, job_id, now};

impl Fake {
    pub(super) fn alert(&self, state: AlertState) -> alerts::Alert {
        let taken = state != AlertState::Open;
        let over = state == AlertState::Resolved;
        alerts::Alert {
            id: if taken {
                id(restic_manager_proto::AlertId::from_parts, 60 + u8::from(over))
            } else {
                alert_id()
            },
            kind: AlertKind::AgentOverreach,
            severity: if over { Severity::Warning } else { Severity::Critical },
            state,
            subject_kind: "host".to_owned(),
            subject_id: host_id().to_string(),
            subject: self.name.clone(),
            summary: if self.name == HOSTILE {
                HOSTILE.to_owned()
            } else {
                "The agent reported on a job of another host.".to_owned()
            },
            next_step: "Treat the host as taken over until you know better.".to_owned(),
            detail: [("job".to_owned(), self.name.clone())].into(),
            evidence: self.name.clone(),
            host: Some(host_id()),
            repository: None,
            job: Some(job_id()),
            cause: None,
            below: u64::from(!taken) * 79,
            acknowledged_until: taken.then(|| now().after(core::time::Duration::from_secs(90_000))),
            reason: if taken { self.name.clone() } else { String::new() },
            settles_at: None,
            history: vec![
                alerts::AlertEvent {
                    at: ago(90_000),
                    step: AlertStep::Raised,
                    by: None,
                    text: self.name.clone(),
                },
                alerts::AlertEvent {
                    at: ago(300),
                    step: AlertStep::Acknowledged,
                    by: Some(self.name.clone()),
                    text: self.name.clone(),
                },
            ],
            count: if taken { 1 } else { 1204 },
            first_seen_at: ago(90_000),
            last_seen_at: ago(400),
            acknowledged_at: taken.then(|| ago(300)),
            acknowledged_by: taken.then(|| self.name.clone()),
            resolved_at: over.then(|| ago(60)),
            resolved_by: over.then(|| self.name.clone()),
        }
    }

    /// Backups of 40 days, with one left out.
    pub(super) fn backup_days(&self) -> hosts::HostStatistics {
        let day = |back: u64| hosts::DayOfBackups {
            start: ago(back * 86_400),
            runs: 2,
            bytes: (900 - 5 * back) << 22,
            bytes_added: (back % 7) << 20,
            duration_milliseconds: 60_000 + back * 1000,
        };
        let days = (1..=40).rev().filter(|back| *back != 9).map(day);
        hosts::HostStatistics { days: if self.empty { Vec::new() } else { days.collect() } }
    }

    pub(super) fn proof(&self) -> audit::Proof {
        let checkpoint = audit::CheckpointMark {
            sequence: 1200,
            signed_at: ago(900),
            line: format!("restic-manager-audit-1:1200:{}", "0a".repeat(90)),
        };
        audit::Proof {
            entries: 1204,
            verified_up_to: Some(1204),
            verified_at: Some(ago(20)),
            whole_at: (!self.empty).then(|| ago(4000)),
            fault: (self.name == HOSTILE).then(|| self.name.clone()),
            checkpoint: Some(checkpoint),
        }
    }

    pub(super) fn entry_of_a_job(&self) -> audit::Entry {
        audit::Entry {
            action: Action::JobCreate,
            subject_kind: "job".to_owned(),
            subject_id: job_id().to_string(),
            subject: String::new(),
            ..self.entry()
        }
    }

    pub(super) fn entry(&self) -> audit::Entry {
        audit::Entry {
            id: id(restic_manager_proto::AuditId::from_parts, 8),
            sequence: 41,
            at: ago(300),
            actor_kind: ActorKind::User,
            actor_id: Some(self.name.clone()),
            actor: self.name.clone(),
            action: Action::HostUpdate,
            subject_kind: "host".to_owned(),
            subject_id: host_id().to_string(),
            subject: self.name.clone(),
            address: Some(self.name.clone()),
            detail: [("name".to_owned(), self.name.clone())].into(),
        }
    }
}
