//! What a person proves who they are with besides the password: an authenticator app, recovery codes, passkeys.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints, users::ByUser};
use crate::{PasskeyId, SecretText, Timestamp};

endpoints! {
    /// Shows the caller's factors.
    Show("factors.show"): Get "/api/v1/account/factors" => 200 Json { response: Factors }
    /// Offers a secret for an authenticator app; nothing is kept until it is confirmed.
    OfferTotp("factors.offer-totp"): Get "/api/v1/account/totp" => 200 Json { response: TotpOffer }
    /// Sets up the authenticator app of an offer, confirmed by its first code.
    SetTotp("factors.set-totp"): Put "/api/v1/account/totp" => 200 Json { body: TotpConfirmation, response: FactorAdded }
    /// Removes the authenticator app.
    RemoveTotp("factors.remove-totp"): Delete "/api/v1/account/totp" => 204 Empty { response: Nothing }
    /// Makes new recovery codes; the old ones open nothing any more.
    RenewRecoveryCodes("factors.renew-recovery-codes"): Put "/api/v1/account/recovery-codes" => 200 Json { response: FactorAdded }
    /// Offers to make a passkey: what the browser needs for it.
    OfferPasskey("factors.offer-passkey"): Get "/api/v1/account/passkeys" => 200 Json { response: PasskeyOffer }
    /// Adds a passkey that the browser made.
    AddPasskey("factors.add-passkey"): Post "/api/v1/account/passkeys" => 201 Json { body: NewPasskey, response: FactorAdded }
    /// Removes a passkey.
    RemovePasskey("factors.remove-passkey"): Delete "/api/v1/account/passkeys/{passkey}" => 204 Empty { path: ByPasskey, response: Nothing }
    /// Removes all factors of a person who has lost them; the password alone opens the account again.
    Reset("factors.reset"): Delete "/api/v1/users/{user}/factors" => 204 Empty { path: ByUser, response: Nothing }
}

/// One passkey of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByPasskey {
    /// The passkey's id.
    pub passkey: PasskeyId,
}

/// What the caller has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Factors {
    /// The authenticator app; absent when there is none.
    #[serde(default)]
    pub totp: Option<TotpStatus>,
    /// Recovery codes that are left.
    #[serde(default)]
    pub recovery_codes_left: u64,
    /// Passkeys, oldest first.
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
    /// Why no passkey can be made; absent when one can.
    #[serde(default)]
    pub no_passkeys_because: Option<String>,
    /// Whether this server asks the caller to have a second factor.
    #[serde(default)]
    pub required: bool,
}

/// An authenticator app that is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct TotpStatus {
    /// When it was set up.
    pub since: Timestamp,
    /// When a code was last accepted.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
}

/// A secret for an authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct TotpOffer {
    /// The secret as it is typed into an app.
    pub secret: SecretText,
    /// The same as an address, for a QR code.
    pub uri: SecretText,
    /// The same, sealed: send it back with the first code, within ten minutes.
    pub offer: SecretText,
}

/// An offer that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct TotpConfirmation {
    /// The sealed offer.
    pub offer: SecretText,
    /// The code that the app shows now.
    pub code: SecretText,
}

/// What adding a factor brought along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct FactorAdded {
    /// Recovery codes, shown once: with the first factor, and when they are made anew.
    #[serde(default)]
    pub recovery_codes: Vec<SecretText>,
}

/// What a browser needs to make a passkey. Bytes are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct PasskeyOffer {
    /// Good once, for five minutes.
    pub challenge: String,
    /// The name that the passkey is bound to.
    pub party: String,
    /// The person, as authenticators keep them.
    pub user: String,
    /// The person's name.
    pub name: String,
    /// Kinds of keys that are taken, by their COSE numbers, the best first.
    pub algorithms: Vec<i64>,
    /// Credentials that the person has already.
    pub known: Vec<String>,
}

/// A passkey that a browser made. Bytes are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewPasskey {
    /// What to call it: 1 to 64 characters.
    pub name: String,
    /// The challenge of the offer.
    pub challenge: String,
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.getAuthenticatorData()`.
    pub authenticator_data: String,
}

/// What a browser needs to use a passkey. Bytes are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct PasskeyRequest {
    /// Good once, for five minutes.
    pub challenge: String,
    /// The name that the passkey is bound to.
    pub party: String,
    /// The credentials that will do; empty when any will.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// Whether the authenticator must check who touches it.
    #[serde(default)]
    pub verify_owner: bool,
}

/// A passkey that was used. Bytes are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct PasskeyAnswer {
    /// The challenge of the request.
    pub challenge: String,
    /// The credential: `rawId`.
    pub credential: String,
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.authenticatorData`.
    pub authenticator_data: String,
    /// `response.signature`.
    pub signature: String,
    /// `response.userHandle`, where the authenticator gives it.
    #[serde(default)]
    pub user: Option<String>,
}
