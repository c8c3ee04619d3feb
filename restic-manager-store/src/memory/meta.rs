use async_trait::async_trait;
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error,
    meta::{Meta, MetaQueries},
};

#[async_trait]
impl MetaQueries for Tables {
    async fn value(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.meta.get(name).cloned())
    }
}

#[async_trait]
impl Meta for Tables {
    async fn put(&mut self, name: &str, value: &str) -> Result<(), Error> {
        Arc::make_mut(&mut self.meta).insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}
