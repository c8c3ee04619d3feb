//! Notification channels: where notifications go.

use async_trait::async_trait;
use restic_manager_proto::{ChannelId, Timestamp, vocabulary::ChannelKind};
use std::collections::BTreeMap;

use crate::{Error, SealedBlob};

/// A notification channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Which.
    pub id: ChannelId,
    /// Its name, unique when [folded](crate::fold).
    pub name: String,
    /// What it speaks to.
    pub kind: ChannelKind,
    /// Its fields that are no secrets.
    pub fields: BTreeMap<String, String>,
    /// The names of the secrets that are sealed.
    pub secrets: Vec<String>,
    /// The secrets, together.
    pub sealed: Option<SealedBlob>,
    /// Whether anything is sent through it.
    pub enabled: bool,
    /// How it went lately.
    pub standing: ChannelStanding,
    /// When it was made.
    pub created: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// How it went lately with a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelStanding {
    /// Since when nothing was delivered though it was tried.
    pub failing_since: Option<Timestamp>,
    /// What the last attempt that failed came to.
    pub trouble: Option<String>,
    /// When it delivered last.
    pub delivered: Option<Timestamp>,
}

/// Queries about channels.
#[async_trait]
pub trait ChannelQueries: Send {
    /// The channel of an id.
    async fn find(&mut self, id: ChannelId) -> Result<Option<Channel>, Error>;
    /// Channels by name, `limit` at most.
    async fn all(&mut self, limit: usize) -> Result<Vec<Channel>, Error>;
}

/// Changes to channels.
#[async_trait]
pub trait Channels: ChannelQueries {
    /// Adds a channel with version 1. `Taken` when its name or id is.
    async fn add(&mut self, channel: &Channel) -> Result<(), Error>;
    /// Writes name, fields, secrets, whether it is enabled, and how it went. Its kind stays. Answers the new version;
    /// `Conflict` when the stored one is not `expected`, `Taken` when the name is.
    async fn update(&mut self, channel: &Channel, expected: i64) -> Result<i64, Error>;
    /// Notes how it went; the version stays. `false` when there is no such channel.
    async fn note(&mut self, id: ChannelId, standing: &ChannelStanding) -> Result<bool, Error>;
    /// Sends nothing through it any more until somebody switches it on; the version counts up.
    async fn switch_off(&mut self, id: ChannelId) -> Result<bool, Error>;
    /// Removes a channel with its deliveries. `NotFound` when there is none.
    async fn delete(&mut self, id: ChannelId) -> Result<(), Error>;
}
