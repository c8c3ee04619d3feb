//! A store around another one: whatever is kept is also told to a second place, after it was kept.

use async_trait::async_trait;
use restic_manager_store::{
    Audit, Error, Read, Soundness, Store, Transaction, audit::NewAuditEntry, forward_nouns,
};
use std::sync::Arc;

/// Where entries go.
pub(crate) type Mirror = Arc<dyn Fn(&NewAuditEntry) + Send + Sync>;

/// Tells each kept audit entry to a mirror, such as a log that the database's owner cannot change.
pub(crate) struct Mirrored<S> {
    inner: S,
    mirror: Mirror,
}

impl<S: Store> Mirrored<S> {
    pub(crate) fn new(inner: S, mirror: impl Fn(&NewAuditEntry) + Send + Sync + 'static) -> Self {
        Self { inner, mirror: Arc::new(mirror) }
    }
}

#[async_trait]
impl<S: Store> Store for Mirrored<S> {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        self.inner.read().await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let inner = self.inner.begin().await?;
        Ok(Box::new(MirroredTransaction { inner, mirror: Arc::clone(&self.mirror) }))
    }

    async fn inspect(&self) -> Result<Soundness, Error> {
        self.inner.inspect().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

struct MirroredTransaction {
    inner: Box<dyn Transaction>,
    mirror: Mirror,
}

#[async_trait]
impl Transaction for MirroredTransaction {
    forward_nouns!(Transaction, inner);

    async fn commit(self: Box<Self>, audit: Audit) -> Result<(), Error> {
        let entries = match &audit {
            Audit::Entry(entry) => vec![NewAuditEntry::clone(entry)],
            Audit::Entries(entries) => entries.clone(),
            // A routine change has no entry.
            _ => Vec::new(),
        };
        self.inner.commit(audit).await?;
        entries.iter().for_each(|entry| (self.mirror)(entry));
        Ok(())
    }
}
