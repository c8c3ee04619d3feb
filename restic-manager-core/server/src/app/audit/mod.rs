//! Who did what, and the proof of it.

mod export;

use restic_manager_proto::{
    Timestamp,
    api::{
        Page,
        audit::{CheckpointMark, Entry, Filter, List, Proof, Proven, Show, State},
    },
};
use restic_manager_store::{
    audit::{AuditCursor, AuditEntry, AuditRange, AuditScope},
    checkpoints::AuditCheckpoint,
    fold,
};
use serde_json::Value;
use std::collections::BTreeMap;

use super::page::{self, Sieve};
use crate::{
    audit::{Checkpoint, hex},
    failure::Failure,
    http::{Cx, Request},
};

pub(crate) use export::export;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<Entry>, Failure> {
    let query = request.query;
    let cursor = |(moment, sequence)| AuditCursor { moment, sequence };
    let wanted = page::request(query.limit, query.after.as_ref(), cursor)?;
    let filter = Wanted::of(query)?;
    let mut read = cx.read().await?;
    let mut sieve = Sieve::new(wanted);
    while let Some(part) = sieve.wants() {
        let found = read.audit().page_of(&filter.scope, filter.range, part).await?;
        sieve.take(found, AuditEntry::cursor, |entry| filter.passes(entry));
    }
    let (found, next) = sieve.finish();
    let next = next.map(|cursor| (cursor.moment, cursor.sequence));
    page::finish(found.into_iter().map(view).collect(), next, |cursor| cursor)
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Proven, Failure> {
    let sequence = request.path.sequence;
    let mut read = cx.read().await?;
    let stored = read.audit().entry(sequence).await?.ok_or_else(|| Failure::not_found("audit entry"))?;
    let covering = read.checkpoints().covering(sequence, 1).await?;
    Ok(Proven {
        previous_hash: hex(&stored.previous_hash),
        hash: hex(&stored.hash),
        as_written: stored.is_as_written(),
        checkpoint: covering.first().copied().map(mark),
        entry: view(stored),
    })
}

pub(crate) async fn state(cx: Cx, _: Request<State>) -> Result<Proof, Failure> {
    let known = cx.parts().audit_proof.last();
    let mut read = cx.read().await?;
    Ok(Proof {
        entries: read.audit().head().await?.sequence,
        verified_up_to: known.verified.map(|(sequence, _)| sequence),
        verified_at: known.verified.map(|(_, at)| at),
        whole_at: known.whole,
        fault: known.fault,
        checkpoint: read.checkpoints().last().await?.map(mark),
    })
}

fn mark(stored: AuditCheckpoint) -> CheckpointMark {
    let line = Checkpoint::from(stored).to_string();
    CheckpointMark { sequence: stored.head.sequence, signed_at: stored.moment, line }
}

/// What a filter asks for: the part that the store finds by an index, and the part that is looked at row by row.
struct Wanted {
    scope: AuditScope,
    range: AuditRange,
    filter: Filter,
    text: Option<String>,
}

impl Wanted {
    fn of(filter: Filter) -> Result<Self, Failure> {
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
    fn is_everything(&self) -> bool {
        self.scope == AuditScope::Everything
            && self.range == AuditRange::ALL
            && self.text.is_none()
            && self.filter.subject_kind.is_none()
    }

    fn passes(&self, stored: &AuditEntry) -> bool {
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

fn view(stored: AuditEntry) -> Entry {
    let AuditEntry { sequence, entry, .. } = stored;
    let mut detail = words(entry.detail);
    detail.insert("outcome".to_owned(), entry.outcome.to_string());
    let subject = entry.subject;
    Entry {
        id: entry.id,
        sequence,
        at: entry.moment,
        actor_kind: entry.actor.kind,
        actor_id: entry.actor.id,
        actor: entry.actor.name.unwrap_or_default(),
        action: entry.action,
        subject_kind: subject.as_ref().map(|subject| subject.kind.clone()).unwrap_or_default(),
        subject_id: subject.as_ref().and_then(|subject| subject.id.clone()).unwrap_or_default(),
        subject: subject.and_then(|subject| subject.name).unwrap_or_default(),
        address: entry.address,
        detail,
    }
}

/// An object as `name: value` pairs.
pub(in crate::app) fn words(detail: Value) -> BTreeMap<String, String> {
    let Value::Object(fields) = detail else { return BTreeMap::new() };
    let given = fields.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name, in_words(value))).collect()
}

/// A value as people read it: lists with commas, what became another with an arrow, the kind of a thing by what it
/// holds.
fn in_words(value: Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text,
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.into_iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields_in_words(fields),
        plain => plain.to_string(),
    }
}

fn fields_in_words(mut fields: serde_json::Map<String, Value>) -> String {
    if let (2, Some(before), Some(after)) = (fields.len(), fields.get("before"), fields.get("after")) {
        let same = before == after;
        let (before, after) = (in_words(before.clone()), in_words(after.clone()));
        return if same { after } else { format!("{before} → {after}") };
    }
    match fields.remove("kind") {
        Some(kind) if fields.is_empty() => in_words(kind),
        _ => {
            let pairs = fields.into_iter().map(|(name, value)| format!("{name}: {}", in_words(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_are_words_and_no_code() {
        let detail = json!({
            "with": ["password", "totp"],
            "role": { "before": "viewer", "after": "admin" },
            "disabled": { "before": false, "after": false },
            "scope": { "before": { "kind": "all" }, "after": { "kind": "tags", "tags": ["berlin", "paris"] } },
            "sessions": 3,
            "tags": [],
            "nothing": null,
        });
        let told: Vec<_> = words(detail).into_iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(
            told,
            [
                "disabled=false",
                "role=viewer → admin",
                "scope=all → tags: berlin, paris",
                "sessions=3",
                "tags=none",
                "with=password, totp",
            ]
        );
        assert!(words(json!("not an object")).is_empty());
    }
}
