//! The one maker of audit entries: who did what, to what.

use restic_manager_proto::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_store::{
    audit::{Actor, NewAuditEntry, Subject},
    hosts::Host,
};

/// The server itself.
pub(crate) const SYSTEM: Actor = Actor { kind: ActorKind::System, id: None, name: None };
/// Somebody who has not shown who they are.
pub(crate) const ANONYMOUS: Actor = Actor { kind: ActorKind::Anonymous, id: None, name: None };

/// The agent of a host.
pub(crate) fn agent(host: &Host) -> Actor {
    Actor { kind: ActorKind::Agent, id: Some(host.id.to_string()), name: Some(host.name.clone()) }
}

/// What an entry is about.
pub(crate) fn subject(kind: &str, id: impl ToString, name: impl Into<String>) -> Option<Subject> {
    Some(Subject { kind: kind.to_owned(), id: Some(id.to_string()), name: Some(name.into()) })
}

/// The same, for what has no name.
pub(crate) fn nameless(kind: &str, id: impl ToString) -> Option<Subject> {
    Some(Subject { kind: kind.to_owned(), id: Some(id.to_string()), name: None })
}

/// An entry of what was done, with what every entry has; the other fields are set by struct update.
pub(crate) fn entry(id: AuditId, moment: Timestamp, actor: Actor, action: Action) -> NewAuditEntry {
    NewAuditEntry {
        id,
        moment,
        actor,
        action,
        subject: None,
        outcome: Outcome::Done,
        address: None,
        detail: serde_json::Value::Null,
    }
}
