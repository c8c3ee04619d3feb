use async_trait::async_trait;
use restic_manager_proto::{Timestamp, UserId};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, TokenHash,
    setup_links::{SetupLink, SetupLinkQueries, SetupLinks},
};

columns! {
    SetupLink of setup_links, "setup link", key "user_id" { user = user_id, token, created, created_by, expires }
}

#[async_trait]
impl<C: Connection> SetupLinkQueries for Sql<C> {
    async fn of_user(&mut self, user: UserId) -> Result<Option<SetupLink>, Error> {
        self.row(select!(SetupLink: "WHERE user_id = $1"), values![user]).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<SetupLink>, Error> {
        self.row(select!(SetupLink: "WHERE token = $1"), values![token]).await
    }
}

#[async_trait]
impl<C: Connection> SetupLinks for Sql<C> {
    async fn issue(&mut self, link: &SetupLink) -> Result<(), Error> {
        if !self.any("SELECT id FROM users WHERE id = $1", values![link.user]).await? {
            return Err(Error::new(ErrorKind::NotFound, "user"));
        }
        if self.any("SELECT user_id FROM setup_links WHERE token = $1", values![link.token]).await? {
            return Err(Error::new(ErrorKind::Taken, "setup link"));
        }
        self.upsert(link).await
    }

    async fn remove(&mut self, user: UserId) -> Result<bool, Error> {
        self.change("DELETE FROM setup_links WHERE user_id = $1", values![user]).await
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM setup_links WHERE expires < $1", values![now]).await
    }
}
