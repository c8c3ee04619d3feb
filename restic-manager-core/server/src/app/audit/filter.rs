//! What a filter of the audit log asks for.

use restic_manager_proto::{Timestamp, api::audit::Filter};
use restic_manager_store::{
    audit::{AuditEntry, AuditRange, AuditScope},
    fold,
};

use crate::failure::Failure;

/// What a filter asks for: the part that the store finds by an index, and the part that is looked at row by row.
pub(super) struct EntryFilter {
    pub(super) scope: AuditScope,
    pub(super) range: AuditRange,
    filter: Filter,
    text: Option<String>,
}

impl EntryFilter {
    pub(super) fn of(filter: Filter) -> Result<Self, Failure> {
        let scope = match &filter {
            Filter { subject_id: Some(_), subject_kind: None, .. } => {
                return Err(Failure::field("subject_kind", "the kind of the subject too, such as `host`"));
            }
            Filter { subject_id: Some(id), subject_kind: Some(kind), .. } => {
                AuditScope::Subject { kind: kind.clone(), id: id.clone() }
            }
            Filter { actor: Some(actor), .. } => AuditScope::Actor(actor.clone()),
            Filter { action: Some(action), .. } => AuditScope::Action(*action),
            Filter { outcome: Some(outcome), .. } => AuditScope::Outcome(*outcome),
            _ => AuditScope::Everything,
        };
        let range = AuditRange {
            since: filter.since.unwrap_or(Timestamp::MIN),
            until: filter.until.unwrap_or(Timestamp::MAX),
        };
        let text = filter.text.as_deref().map(fold).filter(|text| !text.is_empty());
        Ok(Self { scope, range, filter, text })
    }

    /// Whether every entry passes.
    pub(super) fn is_everything(&self) -> bool {
        self.scope == AuditScope::Everything
            && self.range == AuditRange::ALL
            && self.text.is_none()
            && self.filter.subject_kind.is_none()
    }

    pub(super) fn passes(&self, stored: &AuditEntry) -> bool {
        let (entry, filter) = (&stored.entry, &self.filter);
        let subject = entry.subject.as_ref();
        let named = |text: &str| {
            let names = [entry.actor.name.as_deref(), subject.and_then(|subject| subject.name.as_deref())];
            names.into_iter().flatten().any(|name| fold(name).starts_with(text))
        };
        filter.action.is_none_or(|action| entry.action == action)
            && filter.outcome.is_none_or(|outcome| entry.outcome == outcome)
            && filter.actor.as_ref().is_none_or(|actor| entry.actor.id.as_ref() == Some(actor))
            && filter
                .subject_kind
                .as_ref()
                .is_none_or(|kind| subject.is_some_and(|subject| subject.kind == *kind))
            && self.text.as_deref().is_none_or(named)
    }
}
