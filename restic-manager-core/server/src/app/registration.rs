//! Whether hosts may join: by token, and by announcing themselves. A server that was never told is open to tokens, and to
//! nothing else.

use restic_manager_proto::{
    api::{
        events::FleetEvent,
        registration::{Registration, Show, Update},
    },
    vocabulary::Action,
};
use restic_manager_store::{Error, Read, Transaction, audit::Subject};

use super::install::{Invitation, Way};
use crate::{
    failure::Failure,
    http::{Cx, Request},
    parts::Parts,
};

/// The fact that holds whether hosts may join.
const FACT: &str = "registration";
const CLOSED: &str = "closed";
const OPEN: &str = "open";
/// The fact that holds whether hosts may announce themselves.
const ANNOUNCEMENTS: &str = "announcements";
const ON: &str = "on";
const OFF: &str = "off";

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Registration, Failure> {
    let mut read = cx.read().await?;
    let open = is_open_by(read.meta().value(FACT).await?.as_deref());
    let announce = is_on_by(read.meta().value(ANNOUNCEMENTS).await?.as_deref());
    Ok(view(cx.parts(), open, announce))
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Registration, Failure> {
    let wanted = request.body;
    let (word, announcements) =
        (if wanted.open { OPEN } else { CLOSED }, if wanted.announce { ON } else { OFF });
    let mut transaction = cx.begin().await?;
    transaction.meta().put(FACT, word).await?;
    transaction.meta().put(ANNOUNCEMENTS, announcements).await?;
    if !(wanted.open && wanted.announce) {
        transaction.pending_hosts().clear().await?;
    }
    let subject = Subject { kind: "server".to_owned(), id: None, name: None };
    let detail = serde_json::json!({ "registration": word, "announcements": announcements });
    transaction.commit(cx.audit_with(Action::RegistrationUpdate, Some(subject), detail)).await?;
    tracing::info!(registration = word, announcements, "registration of hosts was set");
    cx.parts().lobby.wake_all();
    cx.parts().announce(FleetEvent::PendingHosts {});
    Ok(view(cx.parts(), wanted.open, wanted.announce))
}

/// Whether hosts may join, as a transaction sees it: nobody joins who was late by a moment.
pub(crate) async fn is_open_in(transaction: &mut dyn Transaction) -> Result<bool, Error> {
    Ok(is_open_by(transaction.meta().value(FACT).await?.as_deref()))
}

/// Whether hosts may announce themselves, as a read sees it.
pub(crate) async fn takes_announcements(read: &mut dyn Read) -> Result<bool, Error> {
    let is_open = is_open_by(read.meta().value(FACT).await?.as_deref());
    Ok(is_open && is_on_by(read.meta().value(ANNOUNCEMENTS).await?.as_deref()))
}

/// The same, as a transaction sees it.
pub(crate) async fn takes_announcements_in(transaction: &mut dyn Transaction) -> Result<bool, Error> {
    let is_open = is_open_in(transaction).await?;
    Ok(is_open && is_on_by(transaction.meta().value(ANNOUNCEMENTS).await?.as_deref()))
}

/// Refuses what would let a host join while the server is closed.
pub(super) async fn expect_open(transaction: &mut dyn Transaction) -> Result<(), Failure> {
    if is_open_in(transaction).await? {
        return Ok(());
    }
    Err(Failure::conflict("the server is closed to new hosts", "ask an admin to open it in the settings"))
}

fn is_open_by(fact: Option<&str>) -> bool {
    fact != Some(CLOSED)
}

fn is_on_by(fact: Option<&str>) -> bool {
    fact == Some(ON)
}

fn view(parts: &Parts, open: bool, announce: bool) -> Registration {
    let invitation = Invitation::new(parts, Way::Announce);
    Registration {
        open,
        announce,
        linux_command: invitation.linux_command(),
        windows_command: invitation.windows_command(),
    }
}
