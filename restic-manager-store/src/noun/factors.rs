//! What people prove who they are with besides the password: an authenticator app, codes on paper, passkeys.

use async_trait::async_trait;
use restic_manager_proto::{PasskeyId, Timestamp, UserId};

use crate::{Error, SealedBlob, TokenHash};

/// A person's authenticator app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// Whose.
    pub user: UserId,
    /// What the app and the server share.
    pub secret: SealedBlob,
    /// When it was set up.
    pub created: Timestamp,
    /// The step of the last code that was accepted: that one and all before it are spent.
    pub last_step: u64,
    /// When a code was last accepted.
    pub last_used: Option<Timestamp>,
}

/// A key in somebody's authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Which.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// The name by which browsers know it; unique.
    pub credential: Vec<u8>,
    /// The public key, as the authenticator wrote it.
    pub key: Vec<u8>,
    /// How often it had signed when it was last used; 0 when it does not count.
    pub counter: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
}

/// Queries about factors.
#[async_trait]
pub trait FactorQueries: Send {
    /// Whether a person has an app or a passkey: then the password alone opens nothing.
    async fn has_second(&mut self, user: UserId) -> Result<bool, Error>;
    /// A person's authenticator app.
    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, Error>;
    /// How many recovery codes a person has left.
    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u64, Error>;
    /// A person's passkeys, oldest first, 500 at most.
    async fn passkeys(&mut self, user: UserId) -> Result<Vec<Passkey>, Error>;
    /// The passkey that browsers know by this name.
    async fn passkey_of(&mut self, credential: &[u8]) -> Result<Option<Passkey>, Error>;
}

/// Changes to factors.
#[async_trait]
pub trait Factors: FactorQueries {
    /// Sets up an app, in place of the one before. `NotFound` when the person isn't.
    async fn set_totp(&mut self, totp: &Totp) -> Result<(), Error>;
    /// Removes the app; says whether there was one.
    async fn remove_totp(&mut self, user: UserId) -> Result<bool, Error>;
    /// Spends the code of a step; says no when that or a later one was spent before.
    async fn spend_totp(&mut self, user: UserId, step: u64, now: Timestamp) -> Result<bool, Error>;
    /// Gives a person these recovery codes and no others. `NotFound` when the person isn't.
    async fn replace_recovery_codes(&mut self, user: UserId, codes: &[TokenHash]) -> Result<(), Error>;
    /// Spends a recovery code; says no when it isn't one, or not any more.
    async fn spend_recovery_code(&mut self, user: UserId, code: &TokenHash) -> Result<bool, Error>;
    /// Adds a passkey. `Taken` when browsers know another by its name, `NotFound` when the person isn't.
    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<(), Error>;
    /// Notes that a passkey was used. Says no when it was removed, or when its counter does not go forward: only one
    /// that does not count stays at 0.
    async fn use_passkey(&mut self, id: PasskeyId, counter: u32, now: Timestamp) -> Result<bool, Error>;
    /// Removes a passkey of a person; says whether there was one.
    async fn remove_passkey(&mut self, user: UserId, id: PasskeyId) -> Result<bool, Error>;
    /// Removes everything but the password; says whether there was anything.
    async fn clear(&mut self, user: UserId) -> Result<bool, Error>;
    /// Spends what is good once and until `expires`; says no when it was spent before. Forgets what expired before
    /// `now`.
    async fn spend_once(
        &mut self,
        what: &TokenHash,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error>;
}
