use async_trait::async_trait;
use restic_manager_proto::{Timestamp, UserId};

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind, TokenHash,
    setup_links::{SetupLink, SetupLinkQueries, SetupLinks},
};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT user_id, token, created, created_by, expires FROM setup_links ", $rest)
    };
}

fn read(columns: &mut Columns<'_>) -> Result<SetupLink, Error> {
    Ok(SetupLink {
        user: columns.next()?,
        token: columns.next()?,
        created: columns.next()?,
        created_by: columns.next()?,
        expires: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> SetupLinkQueries for Sql<C> {
    async fn of_user(&mut self, user: UserId) -> Result<Option<SetupLink>, Error> {
        self.row(select!("WHERE user_id = $1"), values![user], "setup link", read).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<SetupLink>, Error> {
        self.row(select!("WHERE token = $1"), values![token], "setup link", read).await
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
        let sql = "INSERT INTO setup_links (user_id, token, created, created_by, expires) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET token = excluded.token, \
                   created = excluded.created, created_by = excluded.created_by, expires = excluded.expires";
        let SetupLink { user, token, created, created_by, expires } = link;
        self.execute(sql, values![user, token, created, created_by, expires]).await?;
        Ok(())
    }

    async fn remove(&mut self, user: UserId) -> Result<bool, Error> {
        self.change("DELETE FROM setup_links WHERE user_id = $1", values![user]).await
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM setup_links WHERE expires < $1", values![now]).await
    }
}
