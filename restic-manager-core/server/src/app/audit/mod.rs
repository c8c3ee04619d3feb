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
    let known = cx.shared().proof();
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
    let shown = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    fields.into_iter().filter_map(|(name, value)| Some((name, shown(value)?))).collect()
}
