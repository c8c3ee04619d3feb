//! Store, read and transaction over [`Tables`].

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::tables::Tables;
use crate::{
    Audit, Error, Read, Soundness, Store, Transaction,
    audit::{AuditEntry, AuditHead},
    nouns::{accessors, nouns},
};

/// A database in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: Arc<RwLock<Tables>>,
    writer: Arc<Mutex<()>>,
}

impl MemoryStore {
    /// An empty database.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> Tables {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        Ok(Box::new(self.tables()))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        Ok(Box::new(MemoryTransaction {
            tables: self.tables(),
            shared: Arc::clone(&self.tables),
            _turn: turn,
        }))
    }

    async fn inspect(&self) -> Result<Soundness, Error> {
        Ok(Soundness::NotLooked)
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Read for Tables {
    nouns!(accessors queries);
}

struct MemoryTransaction {
    tables: Tables,
    shared: Arc<RwLock<Tables>>,
    _turn: OwnedMutexGuard<()>,
}

#[async_trait]
impl Transaction for MemoryTransaction {
    nouns!(accessors changes tables);

    fn reading(&mut self) -> &mut dyn Read {
        &mut self.tables
    }

    async fn commit(mut self: Box<Self>, audit: Audit) -> Result<(), Error> {
        let entries = audit.into_entries();
        if !entries.is_empty() {
            let log = Arc::make_mut(&mut self.tables.audit);
            let mut head = log.last().map_or(AuditHead::START, |last| last.head());
            for entry in entries {
                let linked = Arc::new(AuditEntry::link(head, entry));
                head = linked.head();
                log.push(linked);
            }
        }
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = self.tables;
        Ok(())
    }
}
