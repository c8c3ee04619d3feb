use async_trait::async_trait;
use restic_manager_proto::ChannelId;
use std::sync::Arc;

use super::tables::{Tables, expect_version, remove, row};
use crate::{
    Error, ErrorKind,
    channels::{Channel, ChannelQueries, ChannelStanding, Channels},
    fold,
    value::without_nul,
};

#[async_trait]
impl ChannelQueries for Tables {
    async fn find(&mut self, id: ChannelId) -> Result<Option<Channel>, Error> {
        Ok(self.channels.get(&id).cloned())
    }

    async fn all(&mut self, limit: usize) -> Result<Vec<Channel>, Error> {
        let mut channels: Vec<_> = self.channels.values().cloned().collect();
        channels.sort_by_cached_key(|channel| fold(&channel.name));
        channels.truncate(limit);
        Ok(channels)
    }
}

#[async_trait]
impl Channels for Tables {
    async fn add(&mut self, channel: &Channel) -> Result<(), Error> {
        self.expect_free_channel(channel)?;
        if self.channels.contains_key(&channel.id) {
            return Err(Error::new(ErrorKind::Taken, "channel"));
        }
        Arc::make_mut(&mut self.channels).insert(channel.id, Channel { version: 1, ..channel.clone() });
        Ok(())
    }

    async fn update(&mut self, channel: &Channel, expected: i64) -> Result<i64, Error> {
        let stored = row(&mut self.channels, &channel.id, "channel")?;
        expect_version(stored.version, expected, "channel")?;
        let (kind, created) = (stored.kind, stored.created);
        self.expect_free_channel(channel)?;
        let changed = Channel { kind, created, version: expected + 1, ..channel.clone() };
        *row(&mut self.channels, &channel.id, "channel")? = changed;
        Ok(expected + 1)
    }

    async fn note(&mut self, id: ChannelId, standing: &ChannelStanding) -> Result<bool, Error> {
        let found = Arc::make_mut(&mut self.channels).get_mut(&id);
        let trouble = standing.trouble.as_deref().map(without_nul);
        let standing = ChannelStanding { trouble, ..standing.clone() };
        Ok(found.map(|channel| channel.standing = standing).is_some())
    }

    async fn switch_off(&mut self, id: ChannelId) -> Result<bool, Error> {
        match Arc::make_mut(&mut self.channels).get_mut(&id) {
            Some(channel) if channel.enabled => {
                channel.enabled = false;
                channel.version += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn delete(&mut self, id: ChannelId) -> Result<(), Error> {
        row(&mut self.channels, &id, "channel")?;
        Arc::make_mut(&mut self.channels).remove(&id);
        remove(&mut self.deliveries, |delivery| delivery.channel == id);
        Ok(())
    }
}

impl Tables {
    fn expect_free_channel(&self, channel: &Channel) -> Result<(), Error> {
        let name = fold(&channel.name);
        let is_taken = self.channels.values().any(|one| one.id != channel.id && fold(&one.name) == name);
        if is_taken { Err(Error::new(ErrorKind::Taken, "channel")) } else { Ok(()) }
    }
}
