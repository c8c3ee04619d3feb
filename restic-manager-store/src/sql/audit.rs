use async_trait::async_trait;

use super::{
    Connection, Sql,
    value::{Columns, values},
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
        concat!(
            select!(""),
            "WHERE ",
            $of,
            "(moment, sequence) < ($1, $2) AND moment >= $3 ORDER BY moment DESC, sequence DESC LIMIT $4"
        )
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, \
             subject_name, outcome, address, detail, previous_hash, hash FROM audit ",
            $rest
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        sequence: columns.next()?,
        entry: NewAuditEntry {
            id: columns.next()?,
            moment: columns.next()?,
            actor: Actor { kind: columns.next()?, id: columns.next()?, name: columns.next()? },
            action: columns.next()?,
            subject: read_subject(columns)?,
            outcome: columns.next()?,
            address: columns.next()?,
            detail: columns.next()?,
        },
        previous_hash: columns.next()?,
        hash: columns.next()?,
    })
}

fn read_subject(columns: &mut Columns<'_>) -> Result<Option<Subject>, Error> {
    let (kind, id, name) = (columns.next::<Option<String>>()?, columns.next()?, columns.next()?);
    Ok(kind.map(|kind| Subject { kind, id, name }))
}

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
        let entries = self.rows(sql, values, "audit entry", read).await?;
        Ok(Page::from_overfull(entries, request.limit, AuditEntry::cursor))
    }

    async fn entry(&mut self, sequence: u64) -> Result<Option<AuditEntry>, Error> {
        self.row(select!("WHERE sequence = $1"), values![sequence], "audit entry", read).await
    }

    async fn since(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditEntry>, Error> {
        let sql = select!("WHERE sequence >= $1 ORDER BY sequence LIMIT $2");
        self.rows(sql, values![sequence, limit], "audit entry", read).await
    }

    async fn head(&mut self) -> Result<AuditHead, Error> {
        let sql = "SELECT sequence, hash FROM audit WHERE sequence = (SELECT MAX(sequence) FROM audit)";
        let head = self
            .row(sql, vec![], "audit entry", |columns| {
                Ok(AuditHead { sequence: columns.next()?, hash: columns.next()? })
            })
            .await?;
        Ok(head.unwrap_or(AuditHead::START))
    }
}

impl<C: Connection> Sql<C> {
    pub(super) async fn append_entry(&mut self, linked: &AuditEntry) -> Result<(), Error> {
        let sql = "INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, \
                   subject_id, subject_name, outcome, address, detail, previous_hash, hash) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        let NewAuditEntry { id, moment, actor, action, subject, outcome, address, detail } = &linked.entry;
        let subject = subject.as_ref();
        let values = values![
            linked.sequence,
            id,
            moment,
            actor.kind,
            actor.id,
            actor.name,
            action,
            subject.map(|subject| &subject.kind),
            subject.and_then(|subject| subject.id.as_ref()),
            subject.and_then(|subject| subject.name.as_ref()),
            outcome,
            address,
            detail,
            linked.previous_hash,
            linked.hash
        ];
        self.execute(sql, values).await?;
        Ok(())
    }
}
