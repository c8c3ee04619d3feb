//! What is to be told: changes of alerts that routes have yet to be asked about, and messages on their way.

use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, ChannelId, DeliveryId, NoticeId, RouteId, Timestamp,
    vocabulary::{DeliveryState, NoticeKind},
};

use crate::{Error, Page, PageRequest};

/// A change of an alert that routes have yet to be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which; they are taken in this order.
    pub id: NoticeId,
    /// The alert.
    pub alert: AlertId,
    /// What happened to it.
    pub event: NoticeKind,
    /// When.
    pub moment: Timestamp,
}

/// A message through one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Which; the other end sees it as well.
    pub id: DeliveryId,
    /// Through which channel.
    pub channel: ChannelId,
    /// By which route.
    pub route: Option<RouteId>,
    /// What is told together: messages of one channel with the same text here.
    pub group: String,
    /// What it says.
    pub kind: NoticeKind,
    /// Where it stands.
    pub state: DeliveryState,
    /// The changes that it tells of one by one: a list, written by the server.
    pub items: serde_json::Value,
    /// How many it tells of.
    pub count: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it is sent, or sent again; `None` when it is over.
    pub due: Option<Timestamp>,
    /// When it was first tried.
    pub tried: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt came to.
    pub answer: Option<String>,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

/// Queries about what is to be told.
#[async_trait]
pub trait DeliveryQueries: Send {
    /// The oldest notices, `limit` at most.
    async fn notices(&mut self, limit: usize) -> Result<Vec<Notice>, Error>;
    /// One message.
    async fn find(&mut self, id: DeliveryId) -> Result<Option<Delivery>, Error>;
    /// Messages that are due at `now`, the longest due first; `limit` at most.
    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Error>;
    /// The newest message of a group of a channel.
    async fn newest(&mut self, channel: ChannelId, group: &str) -> Result<Option<Delivery>, Error>;
    /// Messages of a channel that are not over, the one that is due first first; `limit` at most.
    async fn waiting(&mut self, channel: ChannelId, limit: usize) -> Result<Vec<Delivery>, Error>;
    /// Messages, newest first; of one channel, or of all.
    async fn page(
        &mut self,
        channel: Option<ChannelId>,
        request: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, Error>;
}

/// Changes to what is to be told.
#[async_trait]
pub trait Deliveries: DeliveryQueries {
    /// Notes a change of an alert. `Taken` when there is a notice of its id.
    async fn note(&mut self, notice: &Notice) -> Result<(), Error>;
    /// Forgets a notice that routes were asked about; says whether it was there.
    async fn forget(&mut self, id: NoticeId) -> Result<bool, Error>;
    /// Adds a message. `NotFound` without its channel, `Taken` when there is one of its id.
    async fn queue(&mut self, delivery: &Delivery) -> Result<(), Error>;
    /// Writes all of a message but its id, its channel and when it was made, if it was tried as often as `attempts` says;
    /// says whether it was.
    async fn settle(&mut self, delivery: &Delivery, attempts: u32) -> Result<bool, Error>;
    /// Forgets messages that were over before a moment, the oldest first, `limit` at most; says how many that were.
    async fn purge_ended(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error>;
}
