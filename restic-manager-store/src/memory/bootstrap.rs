use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use super::tables::Tables;
use crate::{
    Error, ErrorKind, TokenHash,
    bootstrap::{Bootstrap, BootstrapQueries, Bootstraps},
};

#[async_trait]
impl BootstrapQueries for Tables {
    async fn current(&mut self) -> Result<Option<Bootstrap>, Error> {
        Ok(self.bootstrap.clone())
    }
}

#[async_trait]
impl Bootstraps for Tables {
    async fn offer(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        if self.bootstrap.as_ref().is_some_and(|current| current.spent.is_some()) {
            return Err(Error::new(ErrorKind::Conflict, "bootstrap token"));
        }
        self.bootstrap = Some(Bootstrap { token: *token, created: now, spent: None });
        Ok(())
    }

    async fn spend(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        match &mut self.bootstrap {
            Some(current) if current.token == *token && current.spent.is_none() => {
                current.spent = Some(now);
                Ok(())
            }
            Some(current) if current.spent.is_some() => {
                Err(Error::new(ErrorKind::Conflict, "bootstrap token"))
            }
            _ => Err(Error::new(ErrorKind::NotFound, "bootstrap token")),
        }
    }
}
