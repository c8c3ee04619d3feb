use async_trait::async_trait;
use restic_manager_proto::{SessionId, Timestamp, UserId};

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind, PageRequest, TokenHash,
    sessions::{Session, SessionQueries, Sessions},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, family, user_id, token, started, created, proved, confirmed, last_seen, idle_expires, expires, address, \
             user_agent, replaced_by FROM sessions ",
            $rest
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: columns.next()?,
        family: columns.next()?,
        user: columns.next()?,
        token: columns.next()?,
        started: columns.next()?,
        created: columns.next()?,
        proved: columns.next()?,
        confirmed: columns.next()?,
        last_seen: columns.next()?,
        idle_expires: columns.next()?,
        expires: columns.next()?,
        address: columns.next()?,
        user_agent: columns.next()?,
        replaced_by: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> SessionQueries for Sql<C> {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, Error> {
        self.row(select!("WHERE id = $1"), values![id], "session", read).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Session>, Error> {
        self.row(select!("WHERE token = $1"), values![token], "session", read).await
    }

    async fn newest_of(&mut self, family: SessionId) -> Result<Option<Session>, Error> {
        self.row(select!("WHERE family = $1 AND replaced_by IS NULL"), values![family], "session", read).await
    }

    async fn live_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let sql = select!(
            "WHERE user_id = $1 AND replaced_by IS NULL AND idle_expires > $2 AND expires > $2 \
             ORDER BY id DESC LIMIT $3"
        );
        self.rows(sql, values![user, now, PageRequest::<()>::LIMIT], "session", read).await
    }
}

#[async_trait]
impl<C: Connection> Sessions for Sql<C> {
    async fn open(&mut self, session: &Session) -> Result<(), Error> {
        if !self.any("SELECT id FROM users WHERE id = $1", values![session.user]).await? {
            return Err(Error::new(ErrorKind::NotFound, "user"));
        }
        let sql = "INSERT INTO sessions (id, family, user_id, token, started, created, proved, confirmed, \
                   last_seen, idle_expires, expires, address, user_agent, replaced_by) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
        let values = values![
            session.id,
            session.family,
            session.user,
            session.token,
            session.started,
            session.created,
            session.proved,
            session.confirmed,
            session.last_seen,
            session.idle_expires,
            session.expires,
            session.address,
            session.user_agent,
            session.replaced_by
        ];
        if self.change(sql, values).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Taken, "session token"))
        }
    }

    async fn touch(&mut self, id: SessionId, seen: Timestamp, idle_expires: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE sessions SET last_seen = $2, idle_expires = $3, confirmed = COALESCE(confirmed, $2) \
                   WHERE id = $1";
        if self.change(sql, values![id, seen, idle_expires]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "session"))
        }
    }

    async fn prove(&mut self, id: SessionId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE sessions SET proved = $2 WHERE id = $1 AND replaced_by IS NULL";
        if self.change(sql, values![id, now]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "session"))
        }
    }

    async fn rotate(&mut self, old: SessionId, new: &Session) -> Result<(), Error> {
        let sql = "UPDATE sessions SET replaced_by = $2 WHERE id = $1 AND replaced_by IS NULL";
        if !self.change(sql, values![old, new.id]).await? {
            let known = self.any("SELECT id FROM sessions WHERE id = $1", values![old]).await?;
            return Err(Error::new(if known { ErrorKind::Conflict } else { ErrorKind::NotFound }, "session"));
        }
        self.open(new).await
    }

    async fn supersede(&mut self, old: SessionId, stale: SessionId, new: &Session) -> Result<(), Error> {
        let sql = "UPDATE sessions SET replaced_by = $3 WHERE id = $1 AND replaced_by = $2";
        if !self.change(sql, values![old, stale, new.id]).await? {
            let known = self.any("SELECT id FROM sessions WHERE id = $1", values![old]).await?;
            return Err(Error::new(if known { ErrorKind::Conflict } else { ErrorKind::NotFound }, "session"));
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
