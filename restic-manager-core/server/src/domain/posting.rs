//! Messages that wait: what happens together joins one of them, and no channel has more than a few.

use restic_manager_core::notify::{Item, Told, due, join, next_digest, zone};
use restic_manager_proto::{
    ChannelId, RouteId, RouteRule, Timestamp,
    vocabulary::{AlertKind, DeliveryState, NoticeKind, Timing},
};
use restic_manager_store::{Error, alerts::Alert, deliveries::Delivery};
use std::collections::BTreeMap;

use super::routing::Routing;
use crate::parts::Change;

/// Messages that wait for one channel, at most; what comes beyond is told together.
const MOST_WAITING: usize = 30;
/// What is told together because there is too much of it.
const OVERFLOW: &str = "more";

/// The messages that one round writes, each once.
#[derive(Default)]
pub(crate) struct Postings {
    open: BTreeMap<(ChannelId, String), Posting>,
}

struct Posting {
    delivery: Delivery,
    items: Vec<Item>,
    is_new: bool,
    /// It was added to.
    has_more: bool,
}

impl Postings {
    /// Adds a change of an alert to the message that waits for it, or makes one.
    pub(crate) async fn add(
        &mut self,
        change: &mut Change<'_>,
        told: &Told,
        alert: &Alert,
        event: NoticeKind,
    ) -> Result<(), Error> {
        let group = group_of(told, alert.kind, repository_of(alert));
        let key = self.place(change, told, event, group).await?;
        if let Some(posting) = self.open.get_mut(&key) {
            // Beyond the alerts that are kept one by one, each change counts.
            posting.delivery.count += u64::from(join(&mut posting.items, item_of(alert, event)));
            posting.delivery.kind = said(posting.delivery.kind, event);
            posting.has_more = true;
        }
        Ok(())
    }

    /// Sees to it that a digest waits for each channel of a route: it comes whether or not anything happened.
    pub(crate) async fn add_digests(
        &mut self,
        change: &mut Change<'_>,
        routing: &Routing,
        route: RouteId,
        rule: &RouteRule,
    ) -> Result<(), Error> {
        let not_before = next_digest(rule.timing, &rule.digest_at, &zone(&rule.zone), change.parts().now());
        let enabled = |id: &&ChannelId| routing.channel(**id).is_some_and(|channel| channel.enabled);
        for channel in rule.channels.iter().filter(enabled) {
            let told = Told { route: Some(route), channel: *channel, timing: rule.timing, not_before };
            let group = group_of(&told, AlertKind::ChannelFailing, "");
            self.place(change, &told, NoticeKind::Digest, group).await?;
        }
        Ok(())
    }

    /// Writes what is new in them; says whether anything is.
    pub(crate) async fn write(self, change: &mut Change<'_>) -> Result<bool, Error> {
        let mut is_news = false;
        for posting in self.open.into_values().filter(|posting| posting.is_new || posting.has_more) {
            is_news = true;
            let items = serde_json::to_value(&posting.items).unwrap_or_default();
            let delivery = Delivery { items, ..posting.delivery };
            if posting.is_new {
                change.deliveries().queue(&delivery).await?;
            } else {
                change.deliveries().settle(&delivery, 0).await?;
            }
        }
        Ok(is_news)
    }

    /// The message of a group that takes more; answers under which key it is open now.
    async fn place(
        &mut self,
        change: &mut Change<'_>,
        told: &Told,
        event: NoticeKind,
        group: String,
    ) -> Result<(ChannelId, String), Error> {
        let key = (told.channel, group);
        if self.open.contains_key(&key) {
            return Ok(key);
        }
        let newest = change.deliveries().newest(told.channel, &key.1).await?;
        let last = match newest {
            Some(waiting) if takes_more(&waiting) => {
                self.open.insert(key.clone(), Posting::of(waiting));
                return Ok(key);
            }
            newest => newest.map(|sent| sent.ended.unwrap_or(sent.created)),
        };
        if told.timing == Timing::Now && key.1 != OVERFLOW && self.is_crowded(change, told.channel).await? {
            return Box::pin(self.place(change, told, event, OVERFLOW.to_owned())).await;
        }
        let delivery = new_delivery(change, told, event, &key.1, last);
        self.open.insert(key.clone(), Posting { delivery, items: Vec::new(), is_new: true, has_more: false });
        Ok(key)
    }

    async fn is_crowded(&self, change: &mut Change<'_>, channel: ChannelId) -> Result<bool, Error> {
        let new = self.open.iter().filter(|((of, _), posting)| *of == channel && posting.is_new).count();
        let waiting = change.deliveries().waiting(channel, MOST_WAITING).await?.len();
        Ok(new + waiting >= MOST_WAITING)
    }
}

impl Posting {
    fn of(delivery: Delivery) -> Self {
        let items = serde_json::from_value(delivery.items.clone()).unwrap_or_default();
        Self { delivery, items, is_new: false, has_more: false }
    }
}

/// A digest stays one; else what is new leads.
fn said(kind: NoticeKind, event: NoticeKind) -> NoticeKind {
    if kind == NoticeKind::Digest { kind } else { kind.min(event) }
}

/// A message takes more until it was tried for the first time: what was said cannot be changed.
const fn takes_more(delivery: &Delivery) -> bool {
    delivery.attempts == 0 && delivery.due.is_some()
}

fn new_delivery(
    change: &Change<'_>,
    told: &Told,
    event: NoticeKind,
    group: &str,
    last: Option<Timestamp>,
) -> Delivery {
    let parts = change.parts();
    let now = parts.now();
    let due = match told.timing {
        Timing::Now => due(now, last, told.not_before),
        _ => told.not_before.unwrap_or(now),
    };
    Delivery {
        id: parts.mint.delivery(),
        channel: told.channel,
        route: told.route,
        group: group.to_owned(),
        kind: if told.timing == Timing::Now { event } else { NoticeKind::Digest },
        state: DeliveryState::Waiting,
        items: serde_json::Value::Null,
        count: 0,
        created: now,
        due: Some(due),
        tried: None,
        attempts: 0,
        answer: None,
        ended: None,
    }
}

/// What is told together: changes of one kind about one repository, by one route; in a digest, all of the route.
fn group_of(told: &Told, kind: AlertKind, repository: &str) -> String {
    let route = told.route.map(|route| route.to_string()).unwrap_or_default();
    match told.timing {
        Timing::Now if told.not_before.is_some() => format!("{route}/quiet"),
        Timing::Now => format!("{route}/{kind}/{repository}"),
        other => format!("{route}/{other}"),
    }
}

fn repository_of(alert: &Alert) -> &str {
    if alert.subject.kind == "repository" { &alert.subject.id } else { "" }
}

fn item_of(alert: &Alert, event: NoticeKind) -> Item {
    Item {
        alert: alert.id,
        kind: alert.kind,
        severity: alert.severity,
        event,
        subject: alert.subject_name.clone(),
        summary: alert.summary.clone(),
        since: alert.first_seen,
    }
}
