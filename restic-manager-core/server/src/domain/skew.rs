//! Whether a host's clock says what can be: a job begins after it was sent, and before that is told here.

use restic_manager_core::alert::{Skew, clock_skew};
use restic_manager_proto::{Timestamp, vocabulary::AlertKind};
use restic_manager_store::{Error, alerts::AlertSubject, hosts::Host, jobs::Job};

use super::alerts::{found, raise, resolve, shown_by};
use crate::parts::Change;

/// Takes note of when a job began by the clock of its host. One that the agent's own schedule asked for was not sent, and
/// says nothing.
pub(crate) async fn note(
    change: &mut Change<'_>,
    host: &Host,
    job: &Job,
    began: Timestamp,
) -> Result<(), Error> {
    let Some(sent) = job.dispatched.filter(|_| job.slots.is_none()) else { return Ok(()) };
    let about = AlertSubject::new("host", host.id);
    let (kind, now) = (AlertKind::ClockSkew, change.parts().now());
    let (way, by) = match clock_skew(began, sent, now) {
        None => return resolve(change, kind, &about).await.map(drop),
        Some(Skew::Ahead(by)) => ("ahead of", by),
        Some(Skew::Behind(by)) => ("behind", by),
    };
    let minutes = by.as_secs() / 60;
    let summary = format!("The clock of {} is {minutes} minutes or more {way} the server's.", host.name);
    let detail =
        serde_json::json!({ "began": began.to_string(), "sent": sent.to_string(), "told": now.to_string() });
    let finding = found(change.parts(), kind, about, &host.name, summary, detail);
    raise(change, &shown_by(finding, host.id, job.id, "")).await
}
