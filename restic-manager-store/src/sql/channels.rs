use async_trait::async_trait;
use restic_manager_proto::ChannelId;

use super::{
    Connection, Sql,
    record::{columns, select, update},
    transaction::lost,
    value::values,
};
use crate::{
    Error, ErrorKind,
    channels::{Channel, ChannelQueries, ChannelStanding, Channels},
    fold,
};

columns! {
    Channel of channels, "channel" {
        id, name, kind, fields, secrets, sealed, enabled, standing: "", created, version,
    }
    and |row| { name_key: fold(&row.name) }
}

columns! {
    ChannelStanding { failing_since, trouble, delivered }
}

#[async_trait]
impl<C: Connection> ChannelQueries for Sql<C> {
    async fn find(&mut self, id: ChannelId) -> Result<Option<Channel>, Error> {
        self.row(select!(Channel: "WHERE id = $1"), values![id]).await
    }

    async fn all(&mut self, limit: usize) -> Result<Vec<Channel>, Error> {
        self.rows(select!(Channel: "ORDER BY name_key LIMIT $1"), values![limit]).await
    }
}

#[async_trait]
impl<C: Connection> Channels for Sql<C> {
    async fn add(&mut self, channel: &Channel) -> Result<(), Error> {
        self.expect_free_channel(channel).await?;
        let taken = Error::new(ErrorKind::Taken, "channel");
        if self.insert(&Channel { version: 1, ..channel.clone() }).await? { Ok(()) } else { Err(taken) }
    }

    async fn update(&mut self, channel: &Channel, expected: i64) -> Result<i64, Error> {
        let stored = self.version("SELECT version FROM channels WHERE id = $1", values![channel.id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "channel"));
        }
        self.expect_free_channel(channel).await?;
        let (sql, values) = update!(channels {
            name: channel.name,
            name_key: fold(&channel.name),
            fields: channel.fields,
            secrets: channel.secrets,
            sealed: channel.sealed,
            enabled: channel.enabled,
            failing_since: channel.standing.failing_since,
            trouble: channel.standing.trouble,
            delivered: channel.standing.delivered,
            version: expected + 1,
        } where "id = $1", [channel.id]);
        self.execute(sql, values).await?;
        Ok(expected + 1)
    }

    async fn note(&mut self, id: ChannelId, standing: &ChannelStanding) -> Result<bool, Error> {
        let (sql, values) = update!(channels {
            failing_since: standing.failing_since,
            trouble: standing.trouble,
            delivered: standing.delivered,
        } where "id = $1", [id]);
        self.change(sql, values).await
    }

    async fn switch_off(&mut self, id: ChannelId) -> Result<bool, Error> {
        let sql = "UPDATE channels SET enabled = FALSE, version = version + 1 WHERE id = $1 AND enabled";
        self.change(sql, values![id]).await
    }

    async fn delete(&mut self, id: ChannelId) -> Result<(), Error> {
        let none = Error::new(ErrorKind::NotFound, "channel");
        self.expect(("DELETE FROM channels WHERE id = $1", values![id]), none).await
    }
}

impl<C: Connection> Sql<C> {
    async fn expect_free_channel(&mut self, channel: &Channel) -> Result<(), Error> {
        let sql = "SELECT id FROM channels WHERE name_key = $1 AND id <> $2";
        let is_taken = self.any(sql, values![fold(&channel.name), channel.id]).await?;
        if is_taken { Err(Error::new(ErrorKind::Taken, "channel")) } else { Ok(()) }
    }
}
