//! Sends the messages that are due: claimed first, sent then, settled after.

use core::time::Duration;
use restic_manager_core::notify::{Message, Outcome, Values, compose};
use restic_manager_proto::{ChannelId, vocabulary::AlertState};
use restic_manager_store::{Audit, Error, channels::Channel, deliveries::Delivery, retry};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinSet;

use super::rounds;
use crate::{
    domain::{channel_secrets, digest, outcomes},
    parts::Parts,
};

const INTERVAL: Duration = Duration::from_secs(5);
/// Messages that are looked at in one round.
const ROUND: usize = 200;
/// Messages that one channel sends in one round: 24 a minute.
const PER_CHANNEL: usize = 2;

/// Messages that are forgotten in one round.
const FORGOTTEN: usize = 500;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "send notifications", || send_due(&parts)).await;
}

/// One round. Channels do not wait for one another.
pub(super) async fn send_due(parts: &Arc<Parts>) -> Result<(), Error> {
    let due = parts.store.read().await?.deliveries().due(parts.now(), ROUND).await?;
    let mut by_channel: BTreeMap<ChannelId, Vec<Delivery>> = BTreeMap::new();
    for delivery in due {
        by_channel.entry(delivery.channel).or_default().push(delivery);
    }
    let mut sending = JoinSet::new();
    for (channel, due) in by_channel {
        sending.spawn(send_through(Arc::clone(parts), channel, due));
    }
    for outcome in sending.join_all().await {
        rounds::report("send notifications through a channel", outcome);
    }
    forget(parts).await
}

async fn send_through(parts: Arc<Parts>, channel: ChannelId, due: Vec<Delivery>) -> Result<(), Error> {
    for delivery in due.into_iter().take(PER_CHANNEL) {
        if parts.shutdown.is_requested() {
            return Ok(());
        }
        let found = parts.store.read().await?.channels().find(channel).await?;
        let Some(channel) = found else { return Ok(()) };
        if channel.enabled {
            send(&parts, &channel, &delivery).await?;
        } else {
            give_up(&parts, &delivery, "the channel is switched off").await?;
        }
    }
    Ok(())
}

async fn send(parts: &Parts, channel: &Channel, waiting: &Delivery) -> Result<(), Error> {
    let claimed = retry(async || {
        let mut change = parts.begin().await?;
        let claimed = outcomes::claim(&mut change, waiting).await?;
        change.commit(Audit::Routine("an attempt to notify is noted before it is made")).await?;
        Ok::<_, Error>(claimed)
    });
    let Some(claimed) = claimed.await? else { return Ok(()) };
    let outcome = attempt(parts, channel, &claimed).await?;
    if let Outcome::Again { why, .. } | Outcome::Gone { why } = &outcome {
        tracing::warn!(channel.id = %channel.id, channel.kind = %channel.kind, delivery.id = %claimed.id, attempts = claimed.attempts, why, "a notification was not taken");
    }
    retry(async || {
        let mut change = parts.begin().await?;
        // How it stands now: it may have been changed while the other end thought.
        let now = change.channels().find(channel.id).await?;
        if let Some(channel) = now {
            outcomes::settle(&mut change, &channel, &claimed, &outcome).await?;
        }
        change.commit(Audit::Routine("what became of a notification is kept with it")).await
    })
    .await
}

async fn attempt(parts: &Parts, channel: &Channel, claimed: &Delivery) -> Result<Outcome, Error> {
    let Some(secrets) = channel_secrets::open(parts, channel) else {
        return Ok(Outcome::again("the server's key does not open the channel's secrets; set them again"));
    };
    let message = message(parts, claimed).await?;
    let values = Values { fields: &channel.fields, secrets: &secrets };
    Ok(parts.courier.send(channel.kind, &values, &message, parts.now()).await)
}

async fn message(parts: &Parts, claimed: &Delivery) -> Result<Message, Error> {
    let mut read = parts.store.read().await?;
    let tallies = read.alerts().tallies().await?;
    let report = digest::report(read.as_mut(), claimed).await?;
    let open = tallies.iter().filter(|tally| tally.state == AlertState::Open).map(|tally| tally.alerts).sum();
    let items = serde_json::from_value(claimed.items.clone()).unwrap_or_default();
    let base_url = parts.config.base_url.to_string();
    let id = claimed.id.to_string();
    let message = compose(id, claimed.kind, items, claimed.count, open, &base_url, claimed.created);
    Ok(report.iter().fold(message, Message::with_report))
}

async fn give_up(parts: &Parts, waiting: &Delivery, why: &'static str) -> Result<(), Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        outcomes::give_up(&mut change, waiting, why).await?;
        change.commit(Audit::Routine("what became of a notification is kept with it")).await
    })
    .await
}

async fn forget(parts: &Parts) -> Result<(), Error> {
    let before = parts.now().before(parts.config.kept.notifications);
    retry(async || {
        let mut change = parts.begin().await?;
        if change.deliveries().purge_ended(before, FORGOTTEN).await? > 0 {
            change.commit(Audit::Routine("notifications of long ago were forgotten")).await?;
        }
        Ok(())
    })
    .await
}
