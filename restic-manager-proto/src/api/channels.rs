//! Notification channels, and what was sent through them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Cursor, Nothing, Page, Reference, endpoints};
use crate::{
    AlertId, ChannelId, DeliveryId, RouteId, SecretText, Timestamp,
    vocabulary::{ChannelKind, DeliveryState, NoticeKind},
};

endpoints! {
    /// Lists the kinds of channels with the fields that each has.
    Kinds("channels.kinds"): Get "/api/v1/channel-kinds" => 200 Json { response: Page<KindDescription> }
    /// Lists notification channels by name.
    List("channels.list"): Get "/api/v1/channels" => 200 Json { response: Page<Channel> }
    /// Shows one notification channel, without its secrets.
    Show("channels.show"): Get "/api/v1/channels/{channel}" => 200 Json { path: ByChannel, response: Channel }
    /// Makes a notification channel.
    Create("channels.create"): Post "/api/v1/channels" => 201 Json { body: NewChannel, response: Channel }
    /// Changes a notification channel; a secret that is left out stays, unless the channel leads elsewhere now.
    Update("channels.update"): Put "/api/v1/channels/{channel}" => 200 Json conditional { path: ByChannel, body: ChannelChange, response: Channel }
    /// Removes a notification channel that no route names, and what waits for it.
    Delete("channels.delete"): Delete "/api/v1/channels/{channel}" => 204 Empty { path: ByChannel, response: Nothing }
    /// Sends a test through a channel, the way that every notification goes.
    Test("channels.test"): Post "/api/v1/channels/{channel}/test" => 202 Json { path: ByChannel, response: Delivery }
    /// Lists notifications, newest first: what waits, what was delivered, what failed.
    Deliveries("channels.deliveries"): Get "/api/v1/deliveries" => 200 Json { query: DeliveryFilter, response: Page<Delivery> }
}

/// One channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByChannel {
    /// The channel's id.
    pub channel: ChannelId,
}

/// What a kind of channel is and needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct KindDescription {
    /// The kind.
    pub kind: ChannelKind,
    /// Its name, as people know it.
    pub name: String,
    /// What it does and what it needs, in a sentence or two.
    pub about: String,
    /// Its fields, in the order of a form.
    pub fields: Vec<FieldDescription>,
}

/// What a field of a channel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct FieldDescription {
    /// Its name in `fields` or `secrets`.
    pub name: String,
    /// The same for people.
    pub label: String,
    /// What belongs there.
    pub help: String,
    /// Whether it is a secret: kept sealed, never shown, and set among `secrets`.
    pub secret: bool,
    /// Whether it may not be left out.
    pub required: bool,
    /// The words to choose among; any text when empty.
    pub choices: Vec<String>,
}

/// A notification channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its name, unique.
    pub name: String,
    /// What it speaks to.
    pub kind: ChannelKind,
    /// Its fields that are no secrets.
    pub fields: BTreeMap<String, String>,
    /// The names of the secrets that are set.
    pub secrets: Vec<String>,
    /// Whether anything is sent through it.
    pub enabled: bool,
    /// Since when nothing was delivered though it was tried; absent while it works.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// What the last attempt that failed came to.
    #[serde(default)]
    pub trouble: Option<String>,
    /// When it delivered last.
    #[serde(default)]
    pub delivered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// A notification channel to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewChannel {
    /// 1 to 64 characters, unique.
    pub name: String,
    /// What it speaks to.
    pub kind: ChannelKind,
    /// Its fields that are no secrets.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Its secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretText>,
}

/// A notification channel as it shall be. Its kind stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct ChannelChange {
    /// 1 to 64 characters, unique.
    pub name: String,
    /// Its fields that are no secrets.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Secrets to set. What is left out stays; all must be given again when a field changes that says where they are sent.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretText>,
    /// Whether anything is sent through it.
    pub enabled: bool,
}

/// Which notifications, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct DeliveryFilter {
    /// Those through this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

/// A notification through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Delivery {
    /// Its id, which the other end sees as well.
    pub id: DeliveryId,
    /// Through which channel.
    pub channel: Reference<ChannelId>,
    /// By which route; absent for a test.
    #[serde(default)]
    pub route: Option<RouteId>,
    /// What it says.
    pub kind: NoticeKind,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many changes of alerts it tells of.
    pub count: u64,
    /// The alerts, the first 20 of them.
    pub alerts: Vec<AlertId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next; absent when it is over.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt came to.
    #[serde(default)]
    pub answer: Option<String>,
    /// When it was delivered, or given up.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}
