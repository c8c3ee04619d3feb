//! Who did what, and the proof of it.

mod export;
mod filter;
pub(in crate::app) mod words;

use restic_manager_proto::api::{
    Page,
    audit::{CheckpointMark, Entry, List, Proof, Proven, Show, State},
};
use restic_manager_store::{
    audit::{AuditCursor, AuditEntry},
    checkpoints::AuditCheckpoint,
};

use super::page::{self, Sieve};
use filter::EntryFilter;
use words::words;

use crate::{
    audit::{Checkpoint, hex},
    call::{Cx, Request},
    failure::Failure,
};

pub(crate) use export::export;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<Entry>, Failure> {
    let query = request.query;
    let cursor = |(moment, sequence)| AuditCursor { moment, sequence };
    let wanted = page::request(query.limit, query.after.as_ref(), cursor)?;
    let filter = EntryFilter::of(query)?;
    let mut read = cx.read().await?;
    let mut sieve = Sieve::new(wanted);
    while let Some(part) = sieve.wants() {
        let found = read.audit().page_of(&filter.scope, filter.range, part).await?;
        sieve.take(found, AuditEntry::cursor, |entry| filter.passes(entry));
    }
    let (found, next) = sieve.finish();
    let next = next.map(|cursor| (cursor.moment, cursor.sequence));
    page::finish(found.into_iter().map(entry_body).collect(), next, |cursor| cursor)
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
        entry: entry_body(stored),
    })
}

pub(crate) async fn state(cx: Cx, _: Request<State>) -> Result<Proof, Failure> {
    let known = cx.parts().audit_proof.last();
    let mut read = cx.read().await?;
    Ok(Proof {
        entries: read.audit().head().await?.sequence,
        verified_up_to: known.verified.map(|(head, _)| head.sequence),
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

fn entry_body(stored: AuditEntry) -> Entry {
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
