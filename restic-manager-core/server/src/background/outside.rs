//! A monitor elsewhere is told that this server is well, as long as it is: when it hears nothing more, somebody is told there.

use core::time::Duration;
use restic_manager_core::notify::Target;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::parts::Parts;

const INTERVAL: Duration = Duration::from_secs(60);
const WHAT: &str = "tell the outside watch";
/// The fact that shows that the database takes changes.
const WRITTEN: &str = "outside_watch";

pub(super) async fn watch(parts: Arc<Parts>) {
    let Some(watch) = parts.config.outside_watch.clone() else { return };
    rounds::at_once_and_every(&parts, INTERVAL, WHAT, || tell(&parts, watch.target())).await;
}

/// One round: nothing is told unless the database takes a change and all that happens by itself does.
async fn tell(parts: &Parts, address: &Target) -> Result<(), Error> {
    if let Some(reason) = ailment(parts).await {
        parts.outside.note(|pings| pings.withheld += 1);
        tracing::error!("the outside watch is not told that the server is well: {reason}");
        return Ok(());
    }
    let answer = parts.courier.ask(address).await;
    parts.outside.note(|pings| match &answer {
        Ok(200..300) => (pings.answered, pings.last) = (pings.answered + 1, Some(parts.now())),
        _ => pings.failed += 1,
    });
    match answer {
        Ok(200..300) => {}
        Ok(status) => tracing::warn!(http.status = status, "the outside watch refused to be told"),
        Err(why) => tracing::warn!(why, "the outside watch could not be told"),
    }
    Ok(())
}

/// Why the server is not well, if it is not.
async fn ailment(parts: &Parts) -> Option<String> {
    if let Some(task) = parts.down.first() {
        return Some(format!("the background task for {task} is down"));
    }
    if let Some(task) = parts.tasks.worst(Some(WHAT)) {
        return Some(format!("the task to {} is {}", task.name, task.state.as_str()));
    }
    let written = retry(async || {
        let mut change = parts.begin().await?;
        change.meta().put(WRITTEN, &parts.now().to_string()).await?;
        change.commit(Audit::Routine("the database takes changes")).await
    });
    written.await.err().map(|error| error.to_string())
}
