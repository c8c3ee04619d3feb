use async_trait::async_trait;
use restic_manager_proto::{SessionId, Timestamp, UserId};

use super::{
    Connection, Sql,
    record::{columns, select},
    transaction::unfit,
    value::values,
};
use crate::{
    Error, ErrorKind, PageRequest, TokenHash,
    sessions::{Session, SessionQueries, Sessions},
};

columns! {
    Session of sessions, "session" {
        id, family, user = user_id, token, started, created, proved, confirmed, last_seen, idle_expires, expires,
        address, user_agent, replaced_by,
    }
}

#[async_trait]
impl<C: Connection> SessionQueries for Sql<C> {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, Error> {
        self.row(select!(Session: "WHERE id = $1"), values![id]).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Session>, Error> {
        self.row(select!(Session: "WHERE token = $1"), values![token]).await
    }

    async fn newest_of(&mut self, family: SessionId) -> Result<Option<Session>, Error> {
        self.row(select!(Session: "WHERE family = $1 AND replaced_by IS NULL"), values![family]).await
    }

    async fn live_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let sql = select!(
        Session:
                    "WHERE user_id = $1 AND replaced_by IS NULL AND idle_expires > $2 AND expires > $2 \
                     ORDER BY id DESC LIMIT $3"
                );
        self.rows(sql, values![user, now, PageRequest::<()>::LIMIT]).await
    }
}

#[async_trait]
impl<C: Connection> Sessions for Sql<C> {
    async fn open(&mut self, session: &Session) -> Result<(), Error> {
        if !self.any("SELECT id FROM users WHERE id = $1", values![session.user]).await? {
            return Err(Error::new(ErrorKind::NotFound, "user"));
        }
        if self.insert(session).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "session token")) }
    }

    async fn touch(&mut self, id: SessionId, seen: Timestamp, idle_expires: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE sessions SET last_seen = $2, idle_expires = $3, confirmed = COALESCE(confirmed, $2) \
                   WHERE id = $1";
        self.expect((sql, values![id, seen, idle_expires]), Error::new(ErrorKind::NotFound, "session")).await
    }

    async fn prove(&mut self, id: SessionId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE sessions SET proved = $2 WHERE id = $1 AND replaced_by IS NULL";
        self.expect((sql, values![id, now]), Error::new(ErrorKind::NotFound, "session")).await
    }

    async fn rotate(&mut self, old: SessionId, new: &Session) -> Result<(), Error> {
        let sql = "UPDATE sessions SET replaced_by = $2 WHERE id = $1 AND replaced_by IS NULL";
        if !self.change(sql, values![old, new.id]).await? {
            let known = self.any("SELECT id FROM sessions WHERE id = $1", values![old]).await?;
            return Err(unfit(known, "session"));
        }
        self.open(new).await
    }

    async fn supersede(&mut self, old: SessionId, stale: SessionId, new: &Session) -> Result<(), Error> {
        let sql = "UPDATE sessions SET replaced_by = $3 WHERE id = $1 AND replaced_by = $2";
        if !self.change(sql, values![old, stale, new.id]).await? {
            let known = self.any("SELECT id FROM sessions WHERE id = $1", values![old]).await?;
            return Err(unfit(known, "session"));
        }
        let sql = "UPDATE sessions SET replaced_by = $2 \
                   WHERE id = $1 AND replaced_by IS NULL AND confirmed IS NULL";
        if !self.change(sql, values![stale, new.id]).await? {
            return Err(Error::new(ErrorKind::Conflict, "session"));
        }
        self.open(new).await
    }

    async fn end_family(&mut self, family: SessionId) -> Result<u64, Error> {
        self.execute("DELETE FROM sessions WHERE family = $1", values![family]).await
    }

    async fn end_all_of(&mut self, user: UserId, except_family: Option<SessionId>) -> Result<u64, Error> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND ($2 IS NULL OR family <> $2)";
        self.execute(sql, values![user, except_family]).await
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM sessions WHERE expires < $1", values![now]).await
    }
}
