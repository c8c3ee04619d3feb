//! Findings that need somebody.

use restic_manager_core::alert::meaning;
use restic_manager_proto::{
    RepositoryId,
    api::events::FleetEvent,
    vocabulary::{AlertKind, NoticeKind},
};
use restic_manager_store::{
    Error,
    alerts::{AlertSubject, NewAlert, Raised},
    repositories::RepositoryQueries,
};
use serde_json::Value;

use super::deliveries;
use crate::parts::{Change, Parts};

/// A finding, to be [raised](raise()). `summary` is one sentence, `detail` an object without secrets.
pub(crate) fn found(
    parts: &Parts,
    kind: AlertKind,
    subject: AlertSubject,
    subject_name: &str,
    summary: impl Into<String>,
    detail: Value,
) -> NewAlert {
    NewAlert {
        id: parts.mint.alert(),
        kind,
        severity: meaning(kind).severity,
        subject,
        subject_name: subject_name.to_owned(),
        summary: summary.into(),
        detail,
        moment: parts.now(),
    }
}

/// Raises a finding.
pub(crate) async fn raise(change: &mut Change<'_>, finding: &NewAlert) -> Result<(), Error> {
    if let Raised::First(alert) = change.alerts().raise(finding).await? {
        deliveries::queue(change, alert, NoticeKind::Raised).await?;
    }
    change.tell(FleetEvent::Alerts {});
    Ok(())
}

/// What was found is over.
pub(crate) async fn resolve(
    change: &mut Change<'_>,
    kind: AlertKind,
    about: &AlertSubject,
) -> Result<bool, Error> {
    let now = change.parts().now();
    let lasting = change.alerts().unresolved(kind, about).await?;
    let is_news = change.alerts().resolve(kind, about, now).await?;
    if let Some(alert) = lasting.filter(|_| is_news) {
        deliveries::queue(change, alert.id, NoticeKind::Resolved).await?;
        change.tell(FleetEvent::Alerts {});
    }
    Ok(is_news)
}

/// A repository as summaries call it.
pub(crate) async fn repository_name(
    repositories: &mut dyn RepositoryQueries,
    repository: RepositoryId,
) -> Result<String, Error> {
    let found = repositories.find(repository).await?;
    Ok(found.map_or_else(|| repository.to_string(), |repository| repository.name))
}
