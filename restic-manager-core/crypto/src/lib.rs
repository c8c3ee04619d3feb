#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod aead;
mod channel;
mod derive;
mod digest;
mod error;
mod frame;
mod handshake;
mod htpasswd;
mod key_file;
mod keyring;
mod passkey;
mod password;
mod random;
mod recovery;
mod secret;
mod sign;
mod token;
mod totp;
mod webhook;

pub use channel::{
    ChannelContext, ChannelKeys, Ephemeral, EphemeralPublic, Side, Transcript, TranscriptHash,
};
pub use digest::{ContentDigest, ContentHasher};
pub use error::OpenError;
pub use handshake::{AgentHandshake, Challenge, ServerHandshake, TrustingAgent};
pub use htpasswd::{HtpasswdError, htpasswd_line};
pub use key_file::{KeyFileError, KeyFileProblem};
pub use keyring::{Context, KeyId, Keyring, Mark, Sealed};
pub use passkey::{
    Assertion, NewPasskey, OwnerCheck, PasskeyError, PasskeyKey, RelyingParty, register_passkey,
    verify_passkey,
};
pub use password::{
    MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS, PasswordCost, PasswordError, Passwords, Verdict,
    WeakPassword, check_password,
};
pub use random::{Random, SystemRandom};
pub use recovery::RecoveryCode;
pub use secret::{SecretBytes, SecretString};
pub use sign::{Fingerprint, Identity, Label, ParseFingerprintError, PublicKey, Signature};
pub use token::{CsrfToken, Token, TokenError, TokenHash, TokenKind};
pub use totp::TotpSecret;
pub use webhook::{WebhookSecret, WebhookSecretError};

#[cfg(feature = "testing")]
pub use random::SeededRandom;
