//! Passkeys: what a browser says of a key that never leaves its authenticator (WebAuthn level 2, attestation "none").
//!
//! Pure: bytes in, a verdict out. Challenges are made, kept and spent by the caller.

mod authenticator;
mod ceremony;
mod client;
mod error;
mod key;

pub use authenticator::OwnerCheck;
pub use ceremony::{Assertion, NewPasskey, RelyingParty, register_passkey, verify_passkey};
pub use error::PasskeyError;
pub use key::PasskeyKey;
