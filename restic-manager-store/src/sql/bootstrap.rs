use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, TokenHash,
    bootstrap::{Bootstrap, BootstrapQueries, Bootstraps},
};

columns! { Bootstrap of bootstrap, "bootstrap token" { token, created, spent } }

#[async_trait]
impl<C: Connection> BootstrapQueries for Sql<C> {
    async fn current(&mut self) -> Result<Option<Bootstrap>, Error> {
        self.row(select!(Bootstrap: ""), vec![]).await
    }
}

#[async_trait]
impl<C: Connection> Bootstraps for Sql<C> {
    async fn offer(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        let sql = "INSERT INTO bootstrap (slot, token, created) VALUES (1, $1, $2) \
                   ON CONFLICT (slot) DO UPDATE SET token = excluded.token, created = excluded.created \
                   WHERE bootstrap.spent IS NULL";
        self.expect((sql, values![token, now]), Error::new(ErrorKind::Conflict, "bootstrap token")).await
    }

    async fn spend(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE bootstrap SET spent = $2 WHERE token = $1 AND spent IS NULL";
        if self.change(sql, values![token, now]).await? {
            return Ok(());
        }
        let spent = self.any("SELECT slot FROM bootstrap WHERE spent IS NOT NULL", vec![]).await?;
        Err(Error::new(if spent { ErrorKind::Conflict } else { ErrorKind::NotFound }, "bootstrap token"))
    }
}
