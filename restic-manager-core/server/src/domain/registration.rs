//! Whether hosts may join, as the server's own facts say it.

use restic_manager_store::{Error, Transaction, meta::MetaQueries};

use crate::failure::Failure;

/// A fact that is one of two words, and which of them holds where it was never set.
struct Switch {
    fact: &'static str,
    off: &'static str,
    on: &'static str,
    default: bool,
}

/// Whether hosts may join by token.
const TOKENS: Switch = Switch { fact: "registration", off: "closed", on: "open", default: true };
/// Whether hosts may announce themselves.
const ANNOUNCEMENTS: Switch = Switch { fact: "announcements", off: "off", on: "on", default: false };

impl Switch {
    async fn is_on(&self, meta: &mut dyn MetaQueries) -> Result<bool, Error> {
        let word = meta.value(self.fact).await?;
        Ok(word.map_or(self.default, |word| if self.default { word != self.off } else { word == self.on }))
    }

    async fn set(&self, transaction: &mut dyn Transaction, on: bool) -> Result<&'static str, Error> {
        let word = if on { self.on } else { self.off };
        transaction.meta().put(self.fact, word).await?;
        Ok(word)
    }
}

/// What holds, as it was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration {
    /// Hosts may join by token.
    pub(crate) open: bool,
    /// Hosts may announce themselves, while it is open.
    pub(crate) announce: bool,
}

pub(crate) async fn find(meta: &mut dyn MetaQueries) -> Result<Registration, Error> {
    Ok(Registration { open: TOKENS.is_on(meta).await?, announce: ANNOUNCEMENTS.is_on(meta).await? })
}

/// Sets both; gives the words for the audit log.
pub(crate) async fn set(
    transaction: &mut dyn Transaction,
    wanted: Registration,
) -> Result<serde_json::Value, Error> {
    let registration = TOKENS.set(transaction, wanted.open).await?;
    let announcements = ANNOUNCEMENTS.set(transaction, wanted.announce).await?;
    Ok(serde_json::json!({ "registration": registration, "announcements": announcements }))
}

/// Whether hosts may join. Asked in the transaction that makes a host, so that nobody joins who was late by a moment.
pub(crate) async fn is_open(meta: &mut dyn MetaQueries) -> Result<bool, Error> {
    TOKENS.is_on(meta).await
}

/// Whether hosts may announce themselves.
pub(crate) async fn takes_announcements(meta: &mut dyn MetaQueries) -> Result<bool, Error> {
    let Registration { open, announce } = find(meta).await?;
    Ok(open && announce)
}

/// Refuses what would let a host join while the server is closed.
pub(crate) async fn expect_open(meta: &mut dyn MetaQueries) -> Result<(), Failure> {
    if is_open(meta).await? {
        return Ok(());
    }
    Err(Failure::conflict("the server is closed to new hosts", "ask an admin to open it in the settings"))
}
