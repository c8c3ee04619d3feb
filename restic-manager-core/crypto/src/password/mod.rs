//! Passwords of people: hashed with argon2id, upgraded when the cost rises, refused when easy to guess.

mod hash;
mod policy;
mod words;

pub use hash::{PasswordCost, PasswordError, Passwords, Verdict};
pub use policy::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS, WeakPassword, check_password};
