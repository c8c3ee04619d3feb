use async_trait::async_trait;
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error, Page, PageRequest,
    audit::{AuditCursor, AuditEntry, AuditHead, AuditQueries, AuditRange, AuditScope},
};

#[async_trait]
impl AuditQueries for Tables {
    async fn page_of(
        &mut self,
        scope: &AuditScope,
        range: AuditRange,
        request: PageRequest<AuditCursor>,
    ) -> Result<Page<AuditEntry, AuditCursor>, Error> {
        let shown = |row: &&AuditEntry| match scope {
            AuditScope::Everything => true,
            AuditScope::Action(action) => row.entry.action == *action,
            AuditScope::Outcome(outcome) => row.entry.outcome == *outcome,
            AuditScope::Actor(id) => row.entry.actor.id.as_ref() == Some(id),
            AuditScope::Subject { kind, id } => row
                .entry
                .subject
                .as_ref()
                .is_some_and(|subject| subject.kind == *kind && subject.id.as_ref() == Some(id)),
        };
        let of_time = |row: &&AuditEntry| (range.since..=range.until).contains(&row.entry.moment);
        let mut rows: Vec<_> = self.audit.iter().map(Arc::as_ref).filter(shown).filter(of_time).collect();
        rows.sort_unstable_by_key(|row| core::cmp::Reverse(row.cursor()));
        let past = |row: &AuditEntry, after: &AuditCursor| row.cursor() < *after;
        Ok(super::tables::page(rows.into_iter(), &request, past, AuditEntry::cursor))
    }

    async fn entry(&mut self, sequence: u64) -> Result<Option<AuditEntry>, Error> {
        let found = self.audit.iter().find(|row| row.sequence == sequence);
        Ok(found.map(|row| AuditEntry::clone(row)))
    }

    async fn since(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditEntry>, Error> {
        let from = self.audit.partition_point(|row| row.sequence < sequence);
        Ok(self.audit[from..].iter().take(limit).map(|row| AuditEntry::clone(row)).collect())
    }

    async fn head(&mut self) -> Result<AuditHead, Error> {
        Ok(self.audit.last().map_or(AuditHead::START, |last| last.head()))
    }
}
