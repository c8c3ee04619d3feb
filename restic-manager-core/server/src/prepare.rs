//! What happens once, before the first request.

use restic_manager_core::{alert::OFFLINE_GRACE, presence::SILENCE_LIMIT};
use restic_manager_crypto::{Identity, KeyFileError, Keyring, Random, SecretString, Token, TokenKind};
use restic_manager_store::{Audit, Error as StoreError, Store, TokenHash};
use std::path::Path;

use crate::{config::CookieSecurity, parts::Parts};

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
    let mut transaction = parts.begin().await?;
    let known = |id: &str| parts.keyring.key_ids().any(|own| own.to_string() == id);
    match transaction.meta().value(KEYRING).await? {
        Some(needed) if !known(&needed) => return Err(PrepareError::WrongKeyring { needed }),
        _ => {}
    }
    match transaction.meta().value(IDENTITY).await? {
        Some(pinned) if pinned != fingerprint => return Err(PrepareError::WrongIdentity { pinned }),
        _ => {}
    }
    transaction.meta().put(KEYRING, &keyring).await?;
    transaction.meta().put(IDENTITY, &fingerprint).await?;
    let spent = transaction.bootstrap().current().await?.is_some_and(|token| token.spent.is_some());
    let token = (!spent).then(|| Token::mint(TokenKind::Bootstrap, &*parts.random));
    if let Some(token) = &token {
        transaction.bootstrap().offer(&TokenHash::new(*token.hash().as_bytes()), parts.now()).await?;
    }
    // Whose agent does not come back within the grace is silent, whatever the server did not see in the meantime.
    transaction.hosts().watch_all(parts.now().after(SILENCE_LIMIT).after(OFFLINE_GRACE)).await?;
    transaction.commit(Audit::Routine("the server starts: keys noted, bootstrap token offered")).await?;
    Ok(Prepared { fingerprint, bootstrap_token: token.map(|token| SecretString::new(token.expose())) })
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
