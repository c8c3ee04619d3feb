use async_trait::async_trait;
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error, Page, PageRequest,
    audit::{AuditEntry, AuditHead, AuditQueries, AuditScope},
};

#[async_trait]
impl AuditQueries for Tables {
    async fn page(
        &mut self,
        scope: &AuditScope,
        request: PageRequest<u64>,
    ) -> Result<Page<AuditEntry, u64>, Error> {
        let shown = |row: &&AuditEntry| match scope {
            AuditScope::Everything => true,
            AuditScope::Action(action) => row.entry.action == *action,
            AuditScope::Actor(id) => row.entry.actor.id.as_ref() == Some(id),
            AuditScope::Subject { kind, id } => row
                .entry
                .subject
                .as_ref()
                .is_some_and(|subject| subject.kind == *kind && subject.id.as_ref() == Some(id)),
        };
        let rows = self.audit.iter().rev().map(Arc::as_ref).filter(shown);
        Ok(super::tables::page(rows, &request, |row, after| row.sequence < *after, |row| row.sequence))
    }

    async fn since(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditEntry>, Error> {
        let rows = self.audit.iter().skip_while(|row| row.sequence < sequence);
        Ok(rows.take(limit).map(|row| AuditEntry::clone(row)).collect())
    }

    async fn head(&mut self) -> Result<AuditHead, Error> {
        Ok(self.audit.last().map_or(AuditHead::START, |last| last.head()))
    }
}
