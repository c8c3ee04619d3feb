use async_trait::async_trait;
use restic_manager_proto::{SessionId, Timestamp, UserId};
use std::sync::Arc;

use super::tables::{Tables, remove, row};
use crate::{
    Error, ErrorKind, PageRequest, TokenHash,
    sessions::{Session, SessionQueries, Sessions},
};

#[async_trait]
impl SessionQueries for Tables {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, Error> {
        Ok(self.sessions.get(&id).cloned())
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Session>, Error> {
        Ok(self.sessions.values().find(|session| session.token == *token).cloned())
    }

    async fn newest_of(&mut self, family: SessionId) -> Result<Option<Session>, Error> {
        let newest = |session: &&Session| session.family == family && session.replaced_by.is_none();
        Ok(self.sessions.values().find(newest).cloned())
    }

    async fn live_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let live = |session: &&Session| {
            session.user == user
                && session.replaced_by.is_none()
                && session.idle_expires > now
                && session.expires > now
        };
        Ok(self.sessions.values().rev().filter(live).take(PageRequest::<()>::LIMIT).cloned().collect())
    }
}

#[async_trait]
impl Sessions for Tables {
    async fn open(&mut self, session: &Session) -> Result<(), Error> {
        if !self.users.contains_key(&session.user) {
            return Err(Error::new(ErrorKind::NotFound, "user"));
        }
        if self.sessions.values().any(|other| other.id == session.id || other.token == session.token) {
            return Err(Error::new(ErrorKind::Taken, "session token"));
        }
        Arc::make_mut(&mut self.sessions).insert(session.id, session.clone());
        Ok(())
    }

    async fn touch(&mut self, id: SessionId, seen: Timestamp, idle_expires: Timestamp) -> Result<(), Error> {
        let session = row(&mut self.sessions, &id, "session")?;
        session.last_seen = seen;
        session.confirmed.get_or_insert(seen);
        session.idle_expires = idle_expires;
        Ok(())
    }

    async fn prove(&mut self, id: SessionId, now: Timestamp) -> Result<(), Error> {
        let session = row(&mut self.sessions, &id, "session")?;
        if session.replaced_by.is_some() {
            return Err(Error::new(ErrorKind::NotFound, "session"));
        }
        session.proved = now;
        Ok(())
    }

    async fn rotate(&mut self, old: SessionId, new: &Session) -> Result<(), Error> {
        let session = row(&mut self.sessions, &old, "session")?;
        if session.replaced_by.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "session"));
        }
        session.replaced_by = Some(new.id);
        self.open(new).await
    }

    async fn supersede(&mut self, old: SessionId, stale: SessionId, new: &Session) -> Result<(), Error> {
        let session = row(&mut self.sessions, &old, "session")?;
        if session.replaced_by != Some(stale) {
            return Err(Error::new(ErrorKind::Conflict, "session"));
        }
        session.replaced_by = Some(new.id);
        let waits = |session: &&mut Session| session.replaced_by.is_none() && session.confirmed.is_none();
        let Some(stale) = Arc::make_mut(&mut self.sessions).get_mut(&stale).filter(waits) else {
            return Err(Error::new(ErrorKind::Conflict, "session"));
        };
        stale.replaced_by = Some(new.id);
        self.open(new).await
    }

    async fn end_family(&mut self, family: SessionId) -> Result<u64, Error> {
        Ok(remove(&mut self.sessions, |session| session.family == family))
    }

    async fn end_all_of(&mut self, user: UserId, except_family: Option<SessionId>) -> Result<u64, Error> {
        Ok(remove(&mut self.sessions, |session| {
            session.user == user && Some(session.family) != except_family
        }))
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.sessions, |session| session.expires < now))
    }
}
