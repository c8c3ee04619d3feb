//! What happens once, before the first request.

use restic_manager_core::{alert::OFFLINE_GRACE, presence::SILENCE_LIMIT};
use restic_manager_crypto::{Identity, KeyFileError, Keyring, Random, SecretString, Token, TokenKind};
use restic_manager_proto::Timestamp;
use restic_manager_store::{Audit, Error as StoreError, Store, TokenHash, Transaction};
use std::path::Path;

use crate::{
    audit::{Mark, MarkFileError, Standing, compare},
    config::CookieSecurity,
    domain::mark,
    parts::Parts,
};

pub(crate) const KEYRING: &str = "keyring";
const IDENTITY: &str = "identity";

/// What a binary tells its operator at the start.
#[derive(Debug)]
pub struct Prepared {
    /// What agents pin.
    pub fingerprint: String,
    /// The one-time token that makes the first admin, while there is none. Each start makes a new one; the one before
    /// is worth nothing then.
    pub bootstrap_token: Option<SecretString>,
}

/// The server must not start.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The keyring cannot read what is stored.
    #[error(
        "use this key file with this database, whose secrets were sealed with the key {needed}; put the key file back that belongs to the database"
    )]
    WrongKeyring {
        /// The key that is needed.
        needed: String,
    },
    /// The identity is not the one that agents have pinned.
    #[error(
        "use this identity with this database, whose agents trust {pinned}; put the identity file back that belongs to the database"
    )]
    WrongIdentity {
        /// The fingerprint that agents trust.
        pinned: String,
    },
    /// A key file is missing, damaged, or open to others.
    #[error("use a key file")]
    Key(#[from] KeyFileError),
    /// The mark of the database cannot be read.
    #[error(transparent)]
    Mark(#[from] MarkFileError),
    /// The database is older than this server knew it.
    #[error(
        "use this database, which is older than this server knew it at {known_at}: an earlier copy was put back, or its newest \
         changes were lost. Sessions, passwords and rights are as they were then. If nobody put a copy back, look for the newer \
         files first; if this is the one to go on with, run `restic-manager-server accept-database`, then start again"
    )]
    Older {
        /// When it was known to be newer.
        known_at: Timestamp,
    },
    /// The database had a mark, and there is none.
    #[error(
        "tell whether this database is the newest: the file that says so, which lies beside identity.key, is not there. Put it back; \
         where it is lost, or on a machine that was added, run `restic-manager-server accept-database`, then start again"
    )]
    Unmarked,
    /// The database failed.
    #[error("use the database")]
    Store(#[from] StoreError),
}

/// Opens the files of the server's keys. They are made at the first start alone: a database that has seen keys needs
/// those, and a new file in their place would only hide the loss.
pub async fn open_keys(
    store: &dyn Store,
    keyring: &Path,
    identity: &Path,
    random: &dyn Random,
) -> Result<(Keyring, Identity), PrepareError> {
    let known = store.read().await?.meta().value(KEYRING).await?.is_some();
    Ok(if known {
        (Keyring::open_file(keyring)?, Identity::open_file(identity)?)
    } else {
        (Keyring::open_or_create(keyring, random)?, Identity::open_or_create(identity, random)?)
    })
}

pub(crate) async fn prepare(parts: &Parts) -> Result<Prepared, PrepareError> {
    warn_of_lost_cookies(parts);
    let fingerprint = parts.identity.public_key().fingerprint().to_string();
    let keyring = parts.keyring.newest_id().to_string();
    let mark = parts.mark.load()?;
    let mut change = parts.begin().await?;
    let known = |id: &str| parts.keyring.key_ids().any(|own| own.to_string() == id);
    match change.meta().value(KEYRING).await? {
        Some(needed) if !known(&needed) => return Err(PrepareError::WrongKeyring { needed }),
        _ => {}
    }
    match change.meta().value(IDENTITY).await? {
        Some(pinned) if pinned != fingerprint => return Err(PrepareError::WrongIdentity { pinned }),
        _ => {}
    }
    let generation = expect_newest(parts, change.as_mut(), mark.as_ref()).await?;
    change.meta().put(KEYRING, &keyring).await?;
    change.meta().put(IDENTITY, &fingerprint).await?;
    let spent = change.bootstrap().current().await?.is_some_and(|token| token.spent.is_some());
    let token = (!spent).then(|| Token::mint(TokenKind::Bootstrap, &*parts.random));
    if let Some(token) = &token {
        change.bootstrap().offer(&TokenHash::new(*token.hash().as_bytes()), parts.now()).await?;
    }
    // Hosts take their places again as they come back.
    change.leases().clear_queue().await?;
    // Whose agent does not come back within the grace is silent, whatever the server did not see in the meantime.
    change.hosts().watch_all(parts.now().after(SILENCE_LIMIT).after(OFFLINE_GRACE)).await?;
    change.commit(Audit::Routine("the server starts: keys noted, bootstrap token offered")).await?;
    if let Some(generation) = generation {
        mark::write(parts, generation, None).await;
    }
    Ok(Prepared { fingerprint, bootstrap_token: token.map(|token| SecretString::new(token.expose())) })
}

/// Refuses a database that is older than its mark; gives the generation that it has from now on, where a mark is kept.
async fn expect_newest(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    mark: Option<&Mark>,
) -> Result<Option<u64>, PrepareError> {
    if !parts.mark.is_kept() {
        return Ok(None);
    }
    match (compare(mark, mark::generation(transaction.meta()).await?), mark) {
        (Standing::Older, Some(mark)) => Err(PrepareError::Older { known_at: mark.moment }),
        (Standing::Unmarked, _) => Err(PrepareError::Unmarked),
        _ => Ok(Some(mark::next(transaction).await?)),
    }
}

/// The cause of a login that seems to work and leads back to the login.
fn warn_of_lost_cookies(parts: &Parts) {
    let config = &parts.config;
    if config.cookies == CookieSecurity::HttpsOnly && !config.base_url.is_https() {
        tracing::warn!(
            base_url = %config.base_url,
            "browsers keep no login for an address without HTTPS; put a proxy with HTTPS in front, or allow cookies over \
             plain HTTP for a trial"
        );
    }
}
