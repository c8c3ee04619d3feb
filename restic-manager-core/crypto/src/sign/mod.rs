//! Who somebody is: Ed25519 identities, fingerprints and signatures that count for one purpose only.

mod fingerprint;
mod identity;
mod label;
mod pkcs8;
mod public;

pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use identity::Identity;
pub use label::Label;
pub use public::{PublicKey, Signature};
