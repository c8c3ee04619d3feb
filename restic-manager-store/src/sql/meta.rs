use async_trait::async_trait;

use super::{Connection, Sql, value::values};
use crate::{
    Error,
    meta::{Meta, MetaQueries},
};

#[async_trait]
impl<C: Connection> MetaQueries for Sql<C> {
    async fn value(&mut self, name: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT value FROM meta WHERE name = $1";
        self.only(sql, values![name], "fact").await
    }
}

#[async_trait]
impl<C: Connection> Meta for Sql<C> {
    async fn put(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(sql, values![name, value]).await?;
        Ok(())
    }
}
