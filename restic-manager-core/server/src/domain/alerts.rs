//! Findings that need somebody.

use restic_manager_core::alert::meaning;
use restic_manager_proto::{RepositoryId, vocabulary::AlertKind};
use restic_manager_store::{
    Error, Transaction,
    alerts::{AlertSubject, NewAlert},
};
use serde_json::Value;

use crate::parts::Parts;

/// A finding as it is raised: `transaction.alerts().raise(&found(…))`. After the commit,
/// [`FleetEvent::Alerts`] is to be announced. `summary` is one sentence, `detail` an object without secrets.
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

/// A repository as summaries call it.
pub(crate) async fn repository_name(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
) -> Result<String, Error> {
    let found = transaction.repositories().find(repository).await?;
    Ok(found.map_or_else(|| repository.to_string(), |repository| repository.name))
}
