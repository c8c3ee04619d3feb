//! What each kind of alert means, in one table: what it is about, how much it matters, when it is raised and over, and
//! what to do next. And the rules by which facts become alerts.

mod backups;
mod hosts;
mod repositories;
mod row;
mod signs;
mod trust;

use core::time::Duration;

use restic_manager_proto::{
    Timestamp,
    vocabulary::{AlertKind, Cause, JobState, PresenceMode, RepositoryState, Severity},
};

use crate::presence::absent_at;
pub use row::{Meaning, OFFLINE_GRACE, Resolved};
pub use signs::{API_TOKEN_NOTICE, API_TOKEN_USED, Skew, clock_skew, disk, is_older, token_is_overdue};

/// An alert can be taken on for so long at most.
pub const LONGEST_ACKNOWLEDGEMENT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Longest reason for taking one on, in characters.
pub const LONGEST_REASON: usize = 200;

/// Every kind, once.
pub fn meanings() -> impl Iterator<Item = &'static Meaning> {
    [backups::ROWS, repositories::ROWS, hosts::ROWS, trust::ROWS].into_iter().flatten()
}

/// What a kind means. A kind that has no row matters and says so.
#[must_use]
pub fn meaning(kind: AlertKind) -> Meaning {
    let unknown = Meaning {
        kind,
        subject: "server",
        severity: Severity::Warning,
        graver_after: None,
        raised: "Something was found that this version has no words for.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Look what the summary says.",
    };
    meanings().copied().find(|row| row.kind == kind).unwrap_or(unknown)
}

/// What the end of a backup is, as an alert about its source group; at most one of these lasts.
pub const ENDS_OF_BACKUPS: [AlertKind; 5] = [
    AlertKind::BackupFailed,
    AlertKind::BackupIncomplete,
    AlertKind::SourceMissing,
    AlertKind::OutOfSpace,
    AlertKind::HookFailed,
];

/// Which of [`ENDS_OF_BACKUPS`] a backup's end gives reason to.
#[must_use]
pub const fn of_backup(state: JobState, cause: Cause) -> Option<AlertKind> {
    match (state, cause) {
        (JobState::Failed, Cause::SourceMissing) => Some(AlertKind::SourceMissing),
        (JobState::Failed, Cause::OutOfSpace) => Some(AlertKind::OutOfSpace),
        (JobState::Failed | JobState::Incomplete, Cause::HookFailed) => Some(AlertKind::HookFailed),
        (JobState::Failed, _) => Some(AlertKind::BackupFailed),
        (JobState::Incomplete, _) => Some(AlertKind::BackupIncomplete),
        _ => None,
    }
}

/// The states of a repository that are alerts about it.
pub const STATES_OF_REPOSITORIES: [RepositoryState; 4] = [
    RepositoryState::Unreachable,
    RepositoryState::Missing,
    RepositoryState::WrongPassword,
    RepositoryState::AccessDenied,
];

/// The alert about a repository that is so for one of its hosts.
#[must_use]
pub const fn of_repository(state: RepositoryState) -> Option<AlertKind> {
    match state {
        RepositoryState::Unreachable => Some(AlertKind::RepositoryUnreachable),
        RepositoryState::Missing => Some(AlertKind::RepositoryMissing),
        RepositoryState::WrongPassword => Some(AlertKind::WrongPassword),
        RepositoryState::AccessDenied => Some(AlertKind::AccessDenied),
        _ => None,
    }
}

/// What the end of a job says of its repository, as its host sees it; `None` when it says nothing.
#[must_use]
pub const fn seen_by_job(state: JobState, cause: Cause) -> Option<RepositoryState> {
    match (state, cause) {
        (JobState::Succeeded | JobState::Incomplete, _) => Some(RepositoryState::Ready),
        (JobState::Failed, Cause::Unreachable) => Some(RepositoryState::Unreachable),
        (JobState::Failed, Cause::RepositoryMissing) => Some(RepositoryState::Missing),
        (JobState::Failed, Cause::WrongPassword) => Some(RepositoryState::WrongPassword),
        (JobState::Failed, Cause::AccessDenied) => Some(RepositoryState::AccessDenied),
        _ => None,
    }
}

/// Whether an alert ends with the one that is its cause: the next run says whether all is well again. The others are
/// told by themselves then.
#[must_use]
pub const fn ends_with_cause(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::BackupFailed)
}

/// Alerts of one kind about different hosts that become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: a row of a table")]
pub struct Gathering {
    /// The one about all of them, whose subject is the server.
    pub into: AlertKind,
    /// So many hosts at least,
    pub hosts: usize,
    /// and such a part of all hosts, in hundredths, up to [`MOST_GATHERED`],
    pub share: usize,
    /// within so long.
    pub within: Duration,
}

/// So many hosts are one matter, however many there are.
pub const MOST_GATHERED: usize = 500;
/// A fleet need not be counted further: a part of it is [`MOST_GATHERED`] from here on.
pub const COUNTED_HOSTS: usize = 5 * MOST_GATHERED;

impl Gathering {
    /// How many hosts it takes, in a fleet of so many.
    #[must_use]
    pub fn needed(&self, fleet: usize) -> usize {
        fleet.saturating_mul(self.share).div_ceil(100).min(MOST_GATHERED).max(self.hosts)
    }
}

/// What alerts of a kind become when many hosts have one.
#[must_use]
pub const fn gathering(kind: AlertKind) -> Option<Gathering> {
    match kind {
        AlertKind::HostOffline => Some(Gathering {
            into: AlertKind::ManyHostsOffline,
            hosts: 5,
            share: 20,
            within: Duration::from_secs(2 * 60),
        }),
        AlertKind::AgentOutdated => Some(Gathering {
            into: AlertKind::ManyAgentsOutdated,
            hosts: 5,
            share: 0,
            within: Duration::from_secs(24 * 60 * 60),
        }),
        AlertKind::SourceShrunk | AlertKind::SourceGrown | AlertKind::ChangeAnomaly => Some(Gathering {
            into: AlertKind::ManyAnomalies,
            hosts: 3,
            share: 0,
            within: Duration::from_secs(60 * 60),
        }),
        _ => None,
    }
}

/// What an alert keeps from losing snapshots, until a person has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: what can be frozen")]
pub enum Freezing {
    /// Forget leaves the snapshots of the source group.
    SourceGroup,
    /// The repository has neither forget nor prune.
    Repository,
}

/// What is frozen when an alert of a kind opens: where data may be lost, what is older must stay; where snapshots or their
/// data are, a prune would take what could still be recovered. Backups go on.
#[must_use]
pub const fn freezing(kind: AlertKind) -> Option<Freezing> {
    match kind {
        AlertKind::SourceShrunk | AlertKind::ChangeAnomaly => Some(Freezing::SourceGroup),
        AlertKind::SnapshotsVanished | AlertKind::RepositoryDamaged => Some(Freezing::Repository),
        _ => None,
    }
}

/// From when on a host's silence is an alert, unless it is seen again. `None` where silence is no fault: it sleeps at
/// times, or was never seen.
#[must_use]
pub fn offline_from(mode: PresenceMode, last_seen: Option<Timestamp>) -> Option<Timestamp> {
    match mode {
        PresenceMode::AlwaysOn => last_seen.map(|seen| absent_at(seen).after(OFFLINE_GRACE)),
        _ => None,
    }
}

/// What is wrong with the way in which somebody takes on an alert, by the field that is wrong.
///
/// # Errors
/// The field, and what should stand there.
pub fn check_acknowledgement(
    reason: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), (&'static str, String)> {
    if reason.chars().count() > LONGEST_REASON {
        return Err(("reason", format!("at most {LONGEST_REASON} characters")));
    }
    if reason.chars().any(char::is_control) {
        return Err(("reason", "one line, without control characters".to_owned()));
    }
    match until {
        Some(until) if until <= now => {
            Err(("until", format!("later than now, such as {}", now.after(Duration::from_secs(86_400)))))
        }
        Some(until) if until > now.after(LONGEST_ACKNOWLEDGEMENT) => {
            Err(("until", "at most 90 days ahead".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
