//! What becomes of a message: it is claimed before it is sent, and settled after.

use restic_manager_core::notify::{GIVE_UP, Outcome, TROUBLE_AFTER, next_attempt};
use restic_manager_proto::{
    Timestamp,
    vocabulary::{AlertKind, DeliveryState, NoticeKind},
};
use restic_manager_store::{
    Error,
    alerts::AlertSubject,
    channels::{Channel, ChannelStanding},
    deliveries::Delivery,
};

use super::alerts::{found, raise, resolve};
use crate::parts::Change;

/// Notes an attempt before it is made, with the moment of the next one: a server that stops in between makes that one, under
/// the same id. Says what is to be sent; nothing when somebody else has it, or it was given up.
pub(crate) async fn claim(change: &mut Change<'_>, waiting: &Delivery) -> Result<Option<Delivery>, Error> {
    let now = change.parts().now();
    let attempts = waiting.attempts + 1;
    let first = waiting.tried.unwrap_or(now);
    let next = next_attempt(first, attempts, now, None).unwrap_or_else(|| now.after(GIVE_UP));
    let claimed = Delivery { attempts, tried: Some(first), due: Some(next), ..waiting.clone() };
    let is_ours = change.deliveries().settle(&claimed, waiting.attempts).await?;
    Ok(is_ours.then_some(claimed))
}

/// Notes what became of an attempt, and what it says of its channel.
pub(crate) async fn settle(
    change: &mut Change<'_>,
    channel: &Channel,
    claimed: &Delivery,
    outcome: &Outcome,
) -> Result<(), Error> {
    let now = change.parts().now();
    let settled = after(claimed, outcome, now);
    if !change.deliveries().settle(&settled, claimed.attempts).await? {
        return Ok(());
    }
    let standing = standing_after(&channel.standing, outcome, now);
    change.channels().note(channel.id, &standing).await?;
    match outcome {
        Outcome::Delivered => {
            resolve(change, AlertKind::ChannelFailing, &about(channel)).await?;
        }
        Outcome::Gone { why } => {
            change.channels().switch_off(channel.id).await?;
            tell_of(
                change,
                channel,
                format!("The other end wants nothing more: {why}. The channel is switched off."),
            )
            .await?;
        }
        // Who tries a channel sees what came of it.
        Outcome::Again { .. } if claimed.kind == NoticeKind::Test => {}
        Outcome::Again { why, .. } => {
            if standing.failing_since.is_some_and(|since| now.since(since) >= TROUBLE_AFTER) {
                tell_of(change, channel, format!("Nothing was delivered for an hour and more: {why}"))
                    .await?;
            }
        }
    }
    Ok(())
}

/// A message that cannot be sent at all.
pub(crate) async fn give_up(change: &mut Change<'_>, waiting: &Delivery, why: &str) -> Result<(), Error> {
    let now = change.parts().now();
    let settled = Delivery {
        state: DeliveryState::Failed,
        due: None,
        answer: Some(why.to_owned()),
        ended: Some(now),
        ..waiting.clone()
    };
    change.deliveries().settle(&settled, waiting.attempts).await.map(drop)
}

fn after(claimed: &Delivery, outcome: &Outcome, now: Timestamp) -> Delivery {
    let ended = |state, answer: &str| Delivery {
        state,
        due: None,
        answer: Some(answer.to_owned()),
        ended: Some(now),
        ..claimed.clone()
    };
    match outcome {
        Outcome::Delivered => ended(DeliveryState::Delivered, "it was taken"),
        Outcome::Gone { why } => ended(DeliveryState::Failed, why),
        Outcome::Again { why, after } => {
            let first = claimed.tried.unwrap_or(now);
            // Who tries a channel waits for the answer.
            let next = next_attempt(first, claimed.attempts, now, *after)
                .filter(|_| claimed.kind != NoticeKind::Test);
            match next {
                Some(next) => Delivery { due: Some(next), answer: Some(why.clone()), ..claimed.clone() },
                None => ended(DeliveryState::Failed, why),
            }
        }
    }
}

fn standing_after(before: &ChannelStanding, outcome: &Outcome, now: Timestamp) -> ChannelStanding {
    match outcome {
        Outcome::Delivered => ChannelStanding { failing_since: None, trouble: None, delivered: Some(now) },
        Outcome::Again { why, .. } | Outcome::Gone { why } => ChannelStanding {
            failing_since: before.failing_since.or(Some(now)),
            trouble: Some(why.clone()),
            delivered: before.delivered,
        },
    }
}

async fn tell_of(change: &mut Change<'_>, channel: &Channel, summary: String) -> Result<(), Error> {
    let kind = AlertKind::ChannelFailing;
    let detail = serde_json::json!({ "kind": channel.kind });
    let finding = found(change.parts(), kind, about(channel), &channel.name, summary, detail);
    raise(change, &finding).await
}

fn about(channel: &Channel) -> AlertSubject {
    AlertSubject::new("channel", channel.id)
}
