use async_trait::async_trait;
use restic_manager_proto::{Timestamp, UserId};
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error, ErrorKind, TokenHash,
    setup_links::{SetupLink, SetupLinkQueries, SetupLinks},
};

#[async_trait]
impl SetupLinkQueries for Tables {
    async fn of_user(&mut self, user: UserId) -> Result<Option<SetupLink>, Error> {
        Ok(self.setup_links.get(&user).cloned())
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<SetupLink>, Error> {
        Ok(self.setup_links.values().find(|link| link.token == *token).cloned())
    }
}

#[async_trait]
impl SetupLinks for Tables {
    async fn issue(&mut self, link: &SetupLink) -> Result<(), Error> {
        if !self.users.contains_key(&link.user) {
            return Err(Error::new(ErrorKind::NotFound, "user"));
        }
        if self.setup_links.values().any(|other| other.token == link.token) {
            return Err(Error::new(ErrorKind::Taken, "setup link"));
        }
        Arc::make_mut(&mut self.setup_links).insert(link.user, link.clone());
        Ok(())
    }

    async fn remove(&mut self, user: UserId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.setup_links).remove(&user).is_some())
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.setup_links, |link| link.expires < now))
    }
}
