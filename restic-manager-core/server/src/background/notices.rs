//! Asks routes about what changed, and puts what they say into messages. Many changes cost few messages.

use core::time::Duration;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{NoticeKind, Timing},
};
use restic_manager_store::{Audit, Error, deliveries::Notice, retry};
use std::sync::Arc;

use super::rounds;
use crate::{
    domain::{
        posting::Postings,
        routing::{About, MOST_ROUTES, Routing},
    },
    parts::{Change, Parts},
};

const INTERVAL: Duration = Duration::from_secs(5);
/// Notices that one transaction takes.
const BATCH: usize = 200;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "ask routes about alerts", || ask_about_all(&parts)).await;
}

/// All that is there, batch by batch.
pub(super) async fn ask_about_all(parts: &Parts) -> Result<(), Error> {
    if !has_work(parts).await? {
        return Ok(());
    }
    while retry(async || ask(parts).await).await? == BATCH {
        if parts.shutdown.is_requested() {
            break;
        }
    }
    Ok(())
}

/// Whether there is anything to ask about: a round that has nothing to do takes no turn at writing.
async fn has_work(parts: &Parts) -> Result<bool, Error> {
    let mut read = parts.store.read().await?;
    let has_notice = !read.deliveries().notices(1).await?.is_empty();
    Ok(has_notice
        || read.routes().all(MOST_ROUTES).await?.iter().any(|route| route.rule.timing != Timing::Now))
}

/// One batch; says how many notices it took.
async fn ask(parts: &Parts) -> Result<usize, Error> {
    let now = parts.now();
    let mut change = parts.begin().await?;
    let notices = change.deliveries().notices(BATCH).await?;
    let routing = Routing::load(change.reading(), now).await?;
    let mut postings = Postings::default();
    for notice in &notices {
        post(&mut change, &routing, &mut postings, notice, now).await?;
        change.deliveries().forget(notice.id).await?;
    }
    for (route, rule) in routing.digests() {
        postings.add_digests(&mut change, &routing, route, rule).await?;
    }
    let is_news = postings.write(&mut change).await?;
    if is_news || !notices.is_empty() {
        change.commit(Audit::Routine("routes were asked who is told")).await?;
    }
    Ok(notices.len())
}

/// An alert that was forgotten meanwhile tells nobody anything, and one that has found its cause is told with that.
async fn post(
    change: &mut Change<'_>,
    routing: &Routing,
    postings: &mut Postings,
    notice: &Notice,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(alert) = change.alerts().find(notice.alert).await? else { return Ok(()) };
    if alert.cause.is_some() && notice.event != NoticeKind::Resolved {
        return Ok(());
    }
    let about =
        About { event: notice.event, kind: alert.kind, severity: alert.severity, subject: &alert.subject };
    let facts = routing.facts(change.reading(), &about, now).await?;
    for told in routing.decide(&facts, now).told {
        if routing.channel(told.channel).is_some_and(|channel| channel.enabled) {
            postings.add(change, &told, &alert, notice.event).await?;
        }
    }
    Ok(())
}
