//! What time alone makes of alerts: hosts become silent and snapshots too old, acknowledgements lapse, what came and went
//! is over, and what is long over is forgotten; the audit log keeps who took it on and closed it.

use core::time::Duration;
use restic_manager_proto::HostId;
use restic_manager_store::{Audit, Error, alerts::Alert, retry};
use std::sync::Arc;

use super::rounds;
use crate::{
    domain::{alerts, maintenance::Windows, watch},
    parts::Parts,
};

/// Whoever is due is looked at so soon after.
const INTERVAL: Duration = Duration::from_secs(15);
/// Hosts that are looked at in one transaction, and alerts that are due in one round.
const ROUND: usize = 50;
const SWEEP: Duration = Duration::from_secs(3600);
/// Alerts that are forgotten in one transaction.
const BATCH: usize = 500;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "look for what became an alert", || round(&parts)).await;
}

pub(super) async fn forget(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, SWEEP, "forget old alerts", || purge(&parts)).await;
}

/// Looks at whatever is due.
pub(crate) async fn round(parts: &Parts) -> Result<(), Error> {
    while look(parts).await? && !parts.shutdown.is_requested() {}
    let due = parts.store.read().await?.alerts().due(parts.now(), ROUND).await?;
    for alert in due {
        retry(|| advance(parts, &alert)).await?;
    }
    Ok(())
}

/// Looks at hosts that are due; says whether more may be.
async fn look(parts: &Parts) -> Result<bool, Error> {
    let due = parts.store.read().await?.hosts().to_watch(parts.now(), ROUND).await?;
    if due.is_empty() {
        return Ok(false);
    }
    retry(|| look_at(parts, &due)).await?;
    Ok(due.len() == ROUND)
}

async fn look_at(parts: &Parts, hosts: &[HostId]) -> Result<(), Error> {
    let mut change = parts.begin().await?;
    let windows = Windows::at(change.reading(), parts.now()).await?;
    for host in hosts {
        watch::look(&mut change, *host, &windows).await?;
    }
    change.commit(Audit::Routine("hosts were looked at")).await
}

async fn advance(parts: &Parts, alert: &Alert) -> Result<(), Error> {
    let mut change = parts.begin().await?;
    alerts::advance(&mut change, alert).await?;
    change.commit(Audit::Routine("time passed for an alert")).await
}

async fn purge(parts: &Parts) -> Result<(), Error> {
    let before = parts.now().before(parts.config.kept.alerts);
    loop {
        let gone = retry(async || {
            let mut change = parts.begin().await?;
            let gone = change.alerts().purge(before, BATCH).await?;
            if gone > 0 {
                change.commit(Audit::Routine("alerts that were over long ago were forgotten")).await?;
            }
            Ok::<_, Error>(gone)
        })
        .await?;
        if gone < BATCH as u64 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
