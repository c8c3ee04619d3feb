//! Sealing for the database: whoever has the rows and not the key file reads nothing, and a blob that was
//! moved to another row does not open.

mod context;
mod file;
mod keys;
mod mark;
mod sealed;

pub use context::Context;
pub use keys::Keyring;
pub use mark::Mark;
pub use sealed::{KeyId, Sealed};
