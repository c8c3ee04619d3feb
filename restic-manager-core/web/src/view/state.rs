//! The words of the vocabulary as pages show them: an icon and a word besides the colour.

use restic_manager_proto::vocabulary::{
    EnrolmentState, Health, JobKind, JobState, Presence, RepositoryState, Severity, Trigger,
};

use super::{Pill, Tone};

pub(crate) fn health_pill(health: Health) -> Pill {
    match health {
        Health::Good => Pill::new(Tone::Good, "shield-check", "backed up"),
        Health::Overdue => Pill::new(Tone::Warn, "hourglass", "overdue"),
        Health::Maintenance => Pill::new(Tone::Unknown, "hourglass", "maintenance"),
        Health::Failing => Pill::new(Tone::Bad, "circle-x", "failing"),
        _ => Pill::new(Tone::Unknown, "circle-help", "unknown"),
    }
}

pub(crate) fn presence_pill(presence: Presence) -> Pill {
    match presence {
        Presence::Online => Pill::new(Tone::Good, "activity", "online"),
        Presence::Offline => Pill::new(Tone::Bad, "wifi-off", "offline"),
        Presence::Maintenance => Pill::new(Tone::Unknown, "hourglass", "maintenance"),
        Presence::Asleep => Pill::new(Tone::Unknown, "moon", "asleep"),
        _ => Pill::new(Tone::Unknown, "circle-dashed", "never connected"),
    }
}

pub(crate) fn job_pill(state: JobState) -> Pill {
    match state {
        JobState::Queued => Pill::new(Tone::Unknown, "clock", "queued"),
        JobState::Dispatched => Pill::new(Tone::Running, "arrow-right", "dispatched"),
        JobState::Running => Pill::new(Tone::Running, "loader", "running"),
        JobState::Succeeded => Pill::new(Tone::Good, "circle-check", "succeeded"),
        JobState::Incomplete => Pill::new(Tone::Warn, "triangle-alert", "incomplete"),
        JobState::Failed => Pill::new(Tone::Bad, "circle-x", "failed"),
        JobState::Cancelled => Pill::new(Tone::Unknown, "circle-slash", "cancelled"),
        JobState::Skipped => Pill::new(Tone::Unknown, "skip-forward", "skipped"),
        _ => Pill::new(Tone::Unknown, "circle-help", "unknown"),
    }
}

/// What a host found at a repository's location.
pub(crate) fn location_pill(state: RepositoryState) -> Pill {
    match state {
        RepositoryState::Ready => Pill::new(Tone::Good, "circle-check", "ready"),
        RepositoryState::Missing => Pill::new(Tone::Bad, "circle-help", "missing"),
        RepositoryState::WrongPassword => Pill::new(Tone::Bad, "key-round", "wrong password"),
        RepositoryState::AccessDenied => Pill::new(Tone::Bad, "lock", "access denied"),
        RepositoryState::Unreachable => Pill::new(Tone::Bad, "wifi-off", "unreachable"),
        RepositoryState::Unfinished => Pill::new(Tone::Bad, "circle-slash", "unfinished"),
        RepositoryState::Failed => Pill::new(Tone::Bad, "circle-x", "failed"),
        _ => Pill::new(Tone::Unknown, "circle-dashed", "not verified"),
    }
}

pub(crate) fn enrolment_pill(state: EnrolmentState) -> Pill {
    match state {
        EnrolmentState::Open => Pill::new(Tone::Running, "hourglass", "waiting"),
        EnrolmentState::Spent => Pill::new(Tone::Good, "circle-check", "enrolled"),
        EnrolmentState::Expired => Pill::new(Tone::Unknown, "clock", "expired"),
        EnrolmentState::Revoked => Pill::new(Tone::Unknown, "ban", "withdrawn"),
        _ => Pill::new(Tone::Unknown, "circle-help", "unknown"),
    }
}

pub(crate) fn severity_pill(severity: Severity) -> Pill {
    match severity {
        Severity::Critical => Pill::new(Tone::Bad, "circle-alert", "critical"),
        Severity::Warning => Pill::new(Tone::Warn, "triangle-alert", "warning"),
        _ => Pill::new(Tone::Unknown, "info", "info"),
    }
}

pub(crate) fn kind_word(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Backup => "Backup",
        JobKind::CheckRepository => "Repository check",
        JobKind::ListSnapshots => "Snapshot listing",
        JobKind::Forget => "Forget",
        JobKind::Prune => "Prune",
        JobKind::Check => "Integrity check",
        JobKind::Unlock => "Unlock",
        JobKind::PreviewForget => "Retention preview",
        JobKind::Restore => "Restore",
        JobKind::Statistics => "Statistics",
        JobKind::DeletionTest => "Deletion test",
        JobKind::ConnectionTest => "Connection test",
        other => other.as_str(),
    }
}

pub(crate) fn trigger_word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "by hand",
        Trigger::Schedule => "by schedule",
        Trigger::System => "by restic-manager",
        other => other.as_str(),
    }
}
