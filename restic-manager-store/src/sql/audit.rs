use async_trait::async_trait;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, Page, PageRequest,
    audit::{
        Actor, AuditCursor, AuditEntry, AuditHead, AuditQueries, AuditRange, AuditScope, NewAuditEntry,
        Subject,
    },
};

/// Newest first, of one kind; from a cursor back to a moment.
macro_rules! page {
    ($of:literal) => {
        select!(AuditEntry:
            "WHERE ",
            $of,
            "(moment, sequence) < ($1, $2) AND moment >= $3 ORDER BY moment DESC, sequence DESC LIMIT $4"
        )
    };
}

columns! { Actor { kind, id, name } }

columns! { Subject { kind, id, name } }

columns! {
    NewAuditEntry {
        id, moment, actor: "actor_", action, subject?: "subject_", outcome, address, detail,
    }
}

columns! {
    AuditEntry of audit, "audit entry" { sequence, entry: "", previous_hash, hash }
}

columns! { AuditHead of audit, "audit entry" { sequence, hash } }

#[async_trait]
impl<C: Connection> AuditQueries for Sql<C> {
    async fn page_of(
        &mut self,
        scope: &AuditScope,
        range: AuditRange,
        request: PageRequest<AuditCursor>,
    ) -> Result<Page<AuditEntry, AuditCursor>, Error> {
        let end = AuditCursor { moment: range.until, sequence: u64::MAX };
        let AuditCursor { moment, sequence } = request.after.map_or(end, |after| after.min(end));
        let (since, limit) = (range.since, request.limit + 1);
        let (sql, values) = match scope {
            AuditScope::Everything => (page!(""), values![moment, sequence, since, limit]),
            AuditScope::Action(action) => {
                (page!("action = $5 AND "), values![moment, sequence, since, limit, action])
            }
            AuditScope::Outcome(outcome) => {
                (page!("outcome = $5 AND "), values![moment, sequence, since, limit, outcome])
            }
            AuditScope::Actor(id) => {
                (page!("actor_id = $5 AND "), values![moment, sequence, since, limit, id])
            }
            AuditScope::Subject { kind, id } => (
                page!("subject_kind = $5 AND subject_id = $6 AND "),
                values![moment, sequence, since, limit, kind, id],
            ),
        };
        let entries = self.rows(sql, values).await?;
        Ok(Page::from_overfull(entries, request.limit, AuditEntry::cursor))
    }

    async fn entry(&mut self, sequence: u64) -> Result<Option<AuditEntry>, Error> {
        self.row(select!(AuditEntry: "WHERE sequence = $1"), values![sequence]).await
    }

    async fn since(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditEntry>, Error> {
        let sql = select!(AuditEntry: "WHERE sequence >= $1 ORDER BY sequence LIMIT $2");
        self.rows(sql, values![sequence, limit]).await
    }

    async fn head(&mut self) -> Result<AuditHead, Error> {
        let newest = select!(AuditHead: "WHERE sequence = (SELECT MAX(sequence) FROM audit)");
        Ok(self.row(newest, vec![]).await?.unwrap_or(AuditHead::START))
    }
}
