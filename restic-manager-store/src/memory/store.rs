//! Store, read and transaction over [`Tables`].

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::tables::Tables;
use crate::{
    Audit, Error, Read, Store, Transaction,
    attachments::{AttachmentQueries, Attachments},
    audit::{AuditEntry, AuditHead, AuditQueries},
    bootstrap::{BootstrapQueries, Bootstraps},
    enrolments::{EnrolmentQueries, Enrolments},
    hosts::{HostQueries, Hosts},
    jobs::{JobQueries, Jobs},
    logs::{LogQueries, Logs},
    meta::{Meta, MetaQueries},
    replies::{Replies, ReplyQueries},
    repositories::{Repositories, RepositoryQueries},
    sessions::{SessionQueries, Sessions},
    snapshots::{SnapshotQueries, Snapshots},
    sources::{SourceGroupQueries, SourceGroups},
    users::{UserQueries, Users},
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
        Ok(Box::new(MemoryRead { tables: self.tables() }))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        Ok(Box::new(MemoryTransaction {
            tables: self.tables(),
            shared: Arc::clone(&self.tables),
            _turn: turn,
        }))
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

struct MemoryRead {
    tables: Tables,
}

impl Read for MemoryRead {
    fn enrolments(&mut self) -> &mut dyn EnrolmentQueries {
        &mut self.tables
    }
    fn hosts(&mut self) -> &mut dyn HostQueries {
        &mut self.tables
    }
    fn repositories(&mut self) -> &mut dyn RepositoryQueries {
        &mut self.tables
    }
    fn attachments(&mut self) -> &mut dyn AttachmentQueries {
        &mut self.tables
    }
    fn sources(&mut self) -> &mut dyn SourceGroupQueries {
        &mut self.tables
    }
    fn jobs(&mut self) -> &mut dyn JobQueries {
        &mut self.tables
    }
    fn logs(&mut self) -> &mut dyn LogQueries {
        &mut self.tables
    }
    fn snapshots(&mut self) -> &mut dyn SnapshotQueries {
        &mut self.tables
    }
    fn users(&mut self) -> &mut dyn UserQueries {
        &mut self.tables
    }
    fn sessions(&mut self) -> &mut dyn SessionQueries {
        &mut self.tables
    }
    fn bootstrap(&mut self) -> &mut dyn BootstrapQueries {
        &mut self.tables
    }
    fn audit(&mut self) -> &mut dyn AuditQueries {
        &mut self.tables
    }
    fn replies(&mut self) -> &mut dyn ReplyQueries {
        &mut self.tables
    }
    fn meta(&mut self) -> &mut dyn MetaQueries {
        &mut self.tables
    }
}

struct MemoryTransaction {
    tables: Tables,
    shared: Arc<RwLock<Tables>>,
    _turn: OwnedMutexGuard<()>,
}

#[async_trait]
impl Transaction for MemoryTransaction {
    fn enrolments(&mut self) -> &mut dyn Enrolments {
        &mut self.tables
    }
    fn hosts(&mut self) -> &mut dyn Hosts {
        &mut self.tables
    }
    fn repositories(&mut self) -> &mut dyn Repositories {
        &mut self.tables
    }
    fn attachments(&mut self) -> &mut dyn Attachments {
        &mut self.tables
    }
    fn sources(&mut self) -> &mut dyn SourceGroups {
        &mut self.tables
    }
    fn jobs(&mut self) -> &mut dyn Jobs {
        &mut self.tables
    }
    fn logs(&mut self) -> &mut dyn Logs {
        &mut self.tables
    }
    fn snapshots(&mut self) -> &mut dyn Snapshots {
        &mut self.tables
    }
    fn users(&mut self) -> &mut dyn Users {
        &mut self.tables
    }
    fn sessions(&mut self) -> &mut dyn Sessions {
        &mut self.tables
    }
    fn bootstrap(&mut self) -> &mut dyn Bootstraps {
        &mut self.tables
    }
    fn audit(&mut self) -> &mut dyn AuditQueries {
        &mut self.tables
    }
    fn replies(&mut self) -> &mut dyn Replies {
        &mut self.tables
    }
    fn meta(&mut self) -> &mut dyn Meta {
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
