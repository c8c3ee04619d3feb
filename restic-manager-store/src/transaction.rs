//! A change, and what must be said for it to be kept.

use async_trait::async_trait;

use crate::{
    Error, Read,
    audit::NewAuditEntry,
    nouns::{declare, nouns},
};

/// Why a change may be kept: its audit entry, or the reason why it needs none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Audit {
    /// One entry.
    Entry(Box<NewAuditEntry>),
    /// Several entries, in this order.
    Entries(Vec<NewAuditEntry>),
    /// No entry. The text says why none is needed, and finds all such places with one search.
    Routine(&'static str),
}

impl Audit {
    /// One entry.
    #[must_use]
    pub fn entry(entry: NewAuditEntry) -> Self {
        Self::Entry(Box::new(entry))
    }

    /// The entries, in their order; none for what needs none.
    #[must_use]
    pub fn into_entries(self) -> Vec<NewAuditEntry> {
        match self {
            Self::Entry(entry) => vec![*entry],
            Self::Entries(entries) => entries,
            Self::Routine(_) => Vec::new(),
        }
    }
}

nouns!(declare changes {
    /// Queries and changes that are kept together or not at all.
    ///
    /// Each accessor gives a noun's changes, and its queries too, which see what this transaction changed. After an
    /// error the transaction can only be dropped, which undoes it.
    #[async_trait]
    pub trait Transaction: Send
} {
    /// The queries alone, for code that only reads and does not care whether a transaction is open.
    fn reading(&mut self) -> &mut dyn Read;

    /// Keeps the change. When this returns, it survives a crash of the process and of the machine.
    ///
    /// Not cancel-safe: when the future is dropped the change may or may not be kept.
    async fn commit(self: Box<Self>, audit: Audit) -> Result<(), Error>;
});
