//! Whether hosts may join. A server that was never told is open.

use restic_manager_proto::{
    api::registration::{Registration, Show, Update},
    vocabulary::Action,
};
use restic_manager_store::{Error, Read, Transaction, audit::Subject};

use crate::{
    failure::Failure,
    http::{Cx, Request},
};

/// The fact that holds the setting.
const FACT: &str = "registration";
const CLOSED: &str = "closed";
const OPEN: &str = "open";

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Registration, Failure> {
    Ok(Registration { open: is_open(cx.read().await?.as_mut()).await? })
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Registration, Failure> {
    let wanted = request.body;
    let word = if wanted.open { OPEN } else { CLOSED };
    let mut transaction = cx.begin().await?;
    transaction.meta().put(FACT, word).await?;
    let subject = Subject { kind: "server".to_owned(), id: None, name: None };
    let detail = serde_json::json!({ "registration": word });
    transaction.commit(cx.audit_with(Action::RegistrationUpdate, Some(subject), detail)).await?;
    tracing::info!(registration = word, "registration of hosts was set");
    Ok(wanted)
}

/// Whether hosts may join, as a read sees it.
async fn is_open(read: &mut dyn Read) -> Result<bool, Error> {
    Ok(read.meta().value(FACT).await?.as_deref() != Some(CLOSED))
}

/// Whether hosts may join, as a transaction sees it: nobody joins who was late by a moment.
pub(crate) async fn is_open_in(transaction: &mut dyn Transaction) -> Result<bool, Error> {
    Ok(transaction.meta().value(FACT).await?.as_deref() != Some(CLOSED))
}

/// Refuses what would let a host join while the server is closed.
pub(super) async fn expect_open(transaction: &mut dyn Transaction) -> Result<(), Failure> {
    if is_open_in(transaction).await? {
        return Ok(());
    }
    Err(Failure::conflict("the server is closed to new hosts", "ask an admin to open it in the settings"))
}
