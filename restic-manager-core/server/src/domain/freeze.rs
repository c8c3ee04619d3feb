//! Forget and prune that are paused: who pauses them, what that stops, and the alert that goes with it.
//!
//! A frozen repository has neither forget nor prune. A frozen source group is left out of forgets; a prune goes on, because
//! it removes nothing that a snapshot needs.

use restic_manager_core::alert::{Freezing, freezing};
use restic_manager_proto::{
    RepositoryId, SourceGroupId, UserId,
    limits::cut,
    vocabulary::{Action, AlertKind, FreezeCause, JobKind},
};
use restic_manager_store::{
    Error,
    alerts::{AlertSubject, NewAlert, Raised},
    audit::{NewAuditEntry, Subject},
    freezes::{Freeze, FreezeQueries},
    sources::SourceGroup,
};

use super::alerts::{found, raise, raised, repository_name, resolve};
use crate::{
    entry::{SYSTEM, entry, subject},
    parts::Change,
};

/// The longest reason that an alert gives, in bytes.
const REASON_BYTES: usize = 300;

/// What is frozen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frozen<'a> {
    /// Forget and prune.
    Repository(RepositoryId),
    /// What forget makes of its snapshots.
    SourceGroup(&'a SourceGroup),
}

impl Frozen<'_> {
    const fn ids(self) -> (RepositoryId, Option<SourceGroupId>) {
        match self {
            Self::Repository(repository) => (repository, None),
            Self::SourceGroup(group) => (group.repository, Some(group.id)),
        }
    }
}

/// Freezes by decision of the server, with its audit entry; says whether that is news.
pub(crate) async fn freeze(
    change: &mut Change<'_>,
    what: Frozen<'_>,
    cause: FreezeCause,
    reason: String,
) -> Result<bool, Error> {
    let Some(freeze) = place(change, what, cause, reason, None).await? else { return Ok(false) };
    let parts = change.parts();
    let note = NewAuditEntry {
        subject: about(change, &freeze).await?,
        detail: detail(&freeze),
        ..entry(parts.mint.audit(), parts.now(), SYSTEM, Action::FreezeCreate)
    };
    change.note(note);
    Ok(true)
}

/// Raises a finding about a source group; where its kind asks for that, the group is frozen when the alert opens. Who lifts
/// the freeze while the alert lasts has looked: it is not placed anew. A group without a policy loses nothing, and one that
/// gets a policy later is frozen by that.
pub(crate) async fn raise_about_group(
    change: &mut Change<'_>,
    finding: &NewAlert,
    group: &SourceGroup,
) -> Result<(), Error> {
    let opens = opens(raised(change, finding).await?);
    let freezes = freezing(finding.kind) == Some(Freezing::SourceGroup) && !group.retention.is_empty();
    if opens && freezes {
        freeze(change, Frozen::SourceGroup(group), FreezeCause::Alert, reason(finding)).await?;
    }
    Ok(())
}

/// The same about a repository.
pub(crate) async fn raise_about_repository(
    change: &mut Change<'_>,
    finding: &NewAlert,
    repository: RepositoryId,
) -> Result<(), Error> {
    let opens = opens(raised(change, finding).await?);
    if opens && freezing(finding.kind) == Some(Freezing::Repository) {
        freeze(change, Frozen::Repository(repository), FreezeCause::Alert, reason(finding)).await?;
    }
    Ok(())
}

const fn opens(raised: Raised) -> bool {
    matches!(raised, Raised::First(_) | Raised::Reopened(_))
}

fn reason(finding: &NewAlert) -> String {
    cut(finding.summary.trim_end_matches('.'), REASON_BYTES)
}

/// Freezes, and raises the alert that lasts as long; `None` where the same is frozen for that cause already.
pub(crate) async fn place(
    change: &mut Change<'_>,
    what: Frozen<'_>,
    cause: FreezeCause,
    reason: String,
    created_by: Option<UserId>,
) -> Result<Option<Freeze>, Error> {
    let parts = change.parts();
    let (repository, source_group) = what.ids();
    let id = parts.mint.freeze();
    let freeze = Freeze { id, repository, source_group, cause, reason, created: parts.now(), created_by };
    if !change.freezes().add(&freeze).await? {
        return Ok(None);
    }
    let name = name_of(change, &freeze).await?;
    let summary = match what {
        Frozen::Repository(_) => format!("Forget and prune of {name} are frozen: {}.", freeze.reason),
        Frozen::SourceGroup(_) => format!("The forget of {name} is frozen: {}.", freeze.reason),
    };
    let kind = AlertKind::RetentionFrozen;
    let finding = found(parts, kind, alert_subject(&freeze), &name, summary, detail(&freeze));
    raise(change, &finding).await?;
    change.tell_repository(repository);
    Ok(Some(freeze))
}

/// Lifts a freeze. The alert is over with the last one of the same thing.
pub(crate) async fn lift(change: &mut Change<'_>, freeze: &Freeze) -> Result<bool, Error> {
    if !change.freezes().lift(freeze.id).await? {
        return Ok(false);
    }
    let left = change.freezes().of_repository(freeze.repository).await?;
    if !left.iter().any(|other| other.source_group == freeze.source_group) {
        resolve(change, AlertKind::RetentionFrozen, &alert_subject(freeze)).await?;
    }
    change.tell_repository(freeze.repository);
    Ok(true)
}

fn alert_subject(freeze: &Freeze) -> AlertSubject {
    match freeze.source_group {
        Some(group) => AlertSubject::new("source-group", group),
        None => AlertSubject::new("repository", freeze.repository),
    }
}

/// What audit entries are about.
pub(crate) async fn about(change: &mut Change<'_>, freeze: &Freeze) -> Result<Option<Subject>, Error> {
    let name = name_of(change, freeze).await?;
    Ok(match freeze.source_group {
        Some(group) => subject("source-group", group, name),
        None => subject("repository", freeze.repository, name),
    })
}

/// More words for an audit entry or an alert.
pub(crate) fn detail(freeze: &Freeze) -> serde_json::Value {
    serde_json::json!({
        "freeze": freeze.id.to_string(),
        "cause": freeze.cause.as_str(),
        "reason": freeze.reason,
    })
}

async fn name_of(change: &mut Change<'_>, freeze: &Freeze) -> Result<String, Error> {
    let group = match freeze.source_group {
        Some(group) => change.sources().find(group).await?,
        None => None,
    };
    let Some(group) = group else { return repository_name(change.repositories(), freeze.repository).await };
    let host = change.hosts().find(group.host).await?.map(|host| host.name).unwrap_or_default();
    Ok(format!("{} on {host}", group.name))
}

/// What is frozen of a repository.
#[derive(Debug, Default)]
pub(crate) struct Freezes(Vec<Freeze>);

impl Freezes {
    pub(crate) async fn of(freezes: &mut dyn FreezeQueries, repository: RepositoryId) -> Result<Self, Error> {
        Ok(Self(freezes.of_repository(repository).await?))
    }

    fn whole(&self) -> Option<&Freeze> {
        self.0.iter().find(|freeze| freeze.source_group.is_none())
    }

    /// The freeze that keeps a source group's snapshots.
    pub(crate) fn of_group(&self, group: SourceGroupId) -> Option<&Freeze> {
        self.whole().or_else(|| self.0.iter().find(|freeze| freeze.source_group == Some(group)))
    }

    /// Why a job of a kind has nothing left to do; `None` where it has, or nothing of its kind is ever frozen. `groups` are
    /// those that have policies.
    pub(crate) fn stops(&self, kind: JobKind, groups: &[SourceGroup]) -> Option<String> {
        let freeze = match kind {
            JobKind::Prune => self.whole(),
            JobKind::Forget if groups.is_empty() => self.whole(),
            JobKind::Forget => {
                let frozen: Option<Vec<_>> = groups.iter().map(|group| self.of_group(group.id)).collect();
                frozen.and_then(|frozen| frozen.first().copied())
            }
            _ => None,
        };
        freeze.map(|freeze| format!("frozen since {}: {}", freeze.created, freeze.reason))
    }

    /// Whether anything of a duty is frozen.
    pub(crate) fn touch(&self, kind: JobKind, groups: &[SourceGroup]) -> bool {
        let a_part = kind == JobKind::Forget && groups.iter().any(|group| self.of_group(group.id).is_some());
        a_part || self.stops(kind, groups).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::{FreezeId, HostId, Retention, SourceOptions, Timestamp};

    fn group(number: u8) -> SourceGroup {
        SourceGroup {
            id: SourceGroupId::from_bytes([number; 16]),
            host: HostId::from_bytes([1; 16]),
            name: format!("group-{number}"),
            includes: Vec::new(),
            excludes: Vec::new(),
            tag: format!("group-{number}"),
            repository: RepositoryId::from_bytes([1; 16]),
            retention: Retention { last: Some(1), ..Retention::default() },
            options: SourceOptions::default(),
            command: None,
            last_backup: None,
            created: Timestamp::from_milliseconds(0),
            version: 1,
        }
    }

    fn frozen(group: Option<u8>) -> Freeze {
        Freeze {
            id: FreezeId::from_bytes([group.unwrap_or(9); 16]),
            repository: RepositoryId::from_bytes([1; 16]),
            source_group: group.map(|number| SourceGroupId::from_bytes([number; 16])),
            cause: FreezeCause::Manual,
            reason: "because".to_owned(),
            created: Timestamp::from_milliseconds(0),
            created_by: None,
        }
    }

    #[test]
    fn a_frozen_repository_has_neither_forget_nor_prune() {
        let (whole, groups) = (Freezes(vec![frozen(None)]), [group(1)]);
        for kind in [JobKind::Forget, JobKind::Prune] {
            assert!(whole.stops(kind, &groups).is_some_and(|why| why.ends_with(": because")), "{kind}");
            assert!(whole.stops(kind, &[]).is_some() && whole.touch(kind, &groups));
            assert!(Freezes::default().stops(kind, &groups).is_none());
        }
        for kind in [JobKind::Backup, JobKind::Check, JobKind::PreviewForget, JobKind::Unlock] {
            assert!(whole.stops(kind, &groups).is_none(), "{kind} removes no snapshot");
        }
    }

    #[test]
    fn a_frozen_source_group_is_left_out_and_the_others_go_on() {
        let (one, groups) = (Freezes(vec![frozen(Some(1))]), [group(1), group(2)]);
        assert_eq!(one.stops(JobKind::Forget, &groups), None);
        assert!(one.touch(JobKind::Forget, &groups) && !one.touch(JobKind::Prune, &groups));
        assert!(one.of_group(groups[0].id).is_some() && one.of_group(groups[1].id).is_none());
        assert!(one.stops(JobKind::Forget, &groups[..1]).is_some(), "nothing is left of it");
        assert_eq!(one.stops(JobKind::Prune, &groups), None, "its snapshots keep their data");
        assert!(!one.touch(JobKind::Forget, &groups[1..]), "a group without a policy is not looked at");
    }
}
