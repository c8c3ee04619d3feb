//! Who did what: rows that are only ever added, each bound to the one before by a hash.

use async_trait::async_trait;
use restic_manager_proto::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind, Outcome},
};
use sha2::{Digest, Sha256};

use crate::{Error, Page, PageRequest, value::without_nul};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Their id, as text.
    pub id: Option<String>,
    /// Their name at that time.
    pub name: Option<String>,
}

/// What was acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The noun, such as `host`.
    pub kind: String,
    /// Its id, as text.
    pub id: Option<String>,
    /// Its name at that time.
    pub name: Option<String>,
}

/// An entry as it is handed in. It must hold no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAuditEntry {
    /// Which.
    pub id: AuditId,
    /// When.
    pub moment: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Did what.
    pub action: Action,
    /// To what.
    pub subject: Option<Subject>,
    /// With what result.
    pub outcome: Outcome,
    /// From which address.
    pub address: Option<String>,
    /// What else is worth knowing; an object, or null.
    pub detail: serde_json::Value,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its number, without gaps; 1 for the first.
    pub sequence: u64,
    /// What was handed in.
    pub entry: NewAuditEntry,
    /// The hash of the entry before; zeroes for the first.
    pub previous_hash: [u8; 32],
    /// The hash over number, content and `previous_hash`.
    pub hash: [u8; 32],
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last entry; 0 for none.
    pub sequence: u64,
    /// Its hash; zeroes for none.
    pub hash: [u8; 32],
}

impl AuditHead {
    /// The end of an empty chain.
    pub const START: Self = Self { sequence: 0, hash: [0; 32] };
}

impl AuditEntry {
    /// Binds an entry to the end of the chain.
    #[must_use]
    pub fn link(head: AuditHead, entry: NewAuditEntry) -> Self {
        let sequence = head.sequence + 1;
        let entry = storable(entry);
        let hash = chain_hash(sequence, &entry, &head.hash);
        Self { sequence, entry, previous_hash: head.hash, hash }
    }

    /// Whether this entry follows `head` and is as it was written.
    #[must_use]
    pub fn follows(&self, head: AuditHead) -> bool {
        self.sequence == head.sequence + 1
            && self.previous_hash == head.hash
            && self.hash == chain_hash(self.sequence, &self.entry, &head.hash)
    }

    /// Its place in lists.
    #[must_use]
    pub const fn cursor(&self) -> AuditCursor {
        AuditCursor { moment: self.entry.moment, sequence: self.sequence }
    }

    /// Whether number, content and both hashes belong together, whatever comes before.
    #[must_use]
    pub fn is_as_written(&self) -> bool {
        self.hash == chain_hash(self.sequence, &self.entry, &self.previous_hash)
    }

    /// Whether the hash would fit if the entry stood at another place.
    #[must_use]
    pub fn was_written_at(&self, sequence: u64) -> bool {
        self.hash == chain_hash(sequence, &self.entry, &self.previous_hash)
    }

    /// The end of the chain after this entry.
    #[must_use]
    pub const fn head(&self) -> AuditHead {
        AuditHead { sequence: self.sequence, hash: self.hash }
    }
}

/// Which entries a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditScope {
    /// All.
    Everything,
    /// One kind of deed.
    Action(Action),
    /// What ended with one result.
    Outcome(Outcome),
    /// The deeds of one actor, by id.
    Actor(String),
    /// What was done to one thing.
    Subject {
        /// The noun.
        kind: String,
        /// Its id, as text.
        id: String,
    },
}

/// Of which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRange {
    /// From this moment on.
    pub since: Timestamp,
    /// Up to this moment, which is part of it.
    pub until: Timestamp,
}

impl AuditRange {
    /// Of all time.
    pub const ALL: Self = Self { since: Timestamp::MIN, until: Timestamp::MAX };
}

/// Where a page of entries ends: lists are in the order of time, and of numbers where moments are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditCursor {
    /// When the last entry of the page happened.
    pub moment: Timestamp,
    /// Its number.
    pub sequence: u64,
}

/// Queries about the audit log.
#[async_trait]
pub trait AuditQueries: Send {
    /// Entries of a time, newest first.
    async fn page_of(
        &mut self,
        scope: &AuditScope,
        range: AuditRange,
        request: PageRequest<AuditCursor>,
    ) -> Result<Page<AuditEntry, AuditCursor>, Error>;
    /// Entries of all time, newest first.
    async fn page(
        &mut self,
        scope: &AuditScope,
        request: PageRequest<AuditCursor>,
    ) -> Result<Page<AuditEntry, AuditCursor>, Error> {
        self.page_of(scope, AuditRange::ALL, request).await
    }
    /// One entry, by its number.
    async fn entry(&mut self, sequence: u64) -> Result<Option<AuditEntry>, Error>;
    /// Entries from a number on, in order, `limit` at most: for checks of the chain and for export.
    async fn since(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditEntry>, Error>;
    /// The end of the chain.
    async fn head(&mut self) -> Result<AuditHead, Error>;
}

/// Each field with its length before it, so that no two entries have the same bytes.
fn chain_hash(sequence: u64, entry: &NewAuditEntry, previous: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |bytes: Option<&[u8]>| match bytes {
        None => hash.update(u64::MAX.to_be_bytes()),
        Some(bytes) => {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    };
    fn text(text: &Option<String>) -> Option<&[u8]> {
        text.as_deref().map(str::as_bytes)
    }
    field(Some(b"restic-manager audit entry 1"));
    field(Some(previous));
    field(Some(&sequence.to_be_bytes()));
    field(Some(entry.id.as_bytes()));
    field(Some(&entry.moment.as_milliseconds().to_be_bytes()));
    field(Some(entry.actor.kind.as_str().as_bytes()));
    field(text(&entry.actor.id));
    field(text(&entry.actor.name));
    field(Some(entry.action.as_str().as_bytes()));
    field(entry.subject.as_ref().map(|subject| subject.kind.as_bytes()));
    field(entry.subject.as_ref().and_then(|subject| text(&subject.id)));
    field(entry.subject.as_ref().and_then(|subject| text(&subject.name)));
    field(Some(entry.outcome.as_str().as_bytes()));
    field(text(&entry.address));
    let mut detail = String::new();
    canonical(&entry.detail, &mut detail);
    field(Some(detail.as_bytes()));
    hash.finalize().into()
}

/// JSON with sorted keys: the same bytes however the parser of the day orders them.
fn canonical(value: &serde_json::Value, out: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (name, value) in fields {
                canonical(&Value::String(name.clone()), out);
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// The hash must cover what is stored, so what cannot be stored goes before.
fn storable(mut entry: NewAuditEntry) -> NewAuditEntry {
    let clean = |text: &mut Option<String>| {
        if let Some(text) = text {
            *text = without_nul(text);
        }
    };
    clean(&mut entry.actor.id);
    clean(&mut entry.actor.name);
    clean(&mut entry.address);
    if let Some(subject) = &mut entry.subject {
        subject.kind = without_nul(&subject.kind);
        clean(&mut subject.id);
        clean(&mut subject.name);
    }
    entry
}
