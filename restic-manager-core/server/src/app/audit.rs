//! Who did what.

use restic_manager_proto::api::{
    Page,
    audit::{Entry, List},
};
use restic_manager_store::audit::{AuditEntry, AuditScope};
use serde_json::Value;
use std::collections::BTreeMap;

use super::page;
use crate::{
    failure::Failure,
    http::{Cx, Request},
};

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<Entry>, Failure> {
    let query = request.query;
    let wanted = page::request(query.limit, query.after.as_ref(), |sequence: u64| sequence)?;
    let scope = query.action.map_or(AuditScope::Everything, AuditScope::Action);
    let found = cx.read().await?.audit().page(&scope, wanted).await?;
    page::finish(found.items.into_iter().map(view).collect(), found.next, |sequence| sequence)
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
pub(super) fn words(detail: Value) -> BTreeMap<String, String> {
    let Value::Object(fields) = detail else { return BTreeMap::new() };
    let shown = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    fields.into_iter().filter_map(|(name, value)| Some((name, shown(value)?))).collect()
}
