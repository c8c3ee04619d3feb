//! Small steps that use cases share.

use restic_manager_crypto as crypto;
use restic_manager_proto::SecretText;
use restic_manager_store as store;

pub(super) const fn stored_hash(hash: &crypto::TokenHash) -> store::TokenHash {
    store::TokenHash::new(*hash.as_bytes())
}

pub(super) fn secret(text: SecretText) -> crypto::SecretString {
    crypto::SecretString::new(text.into_exposed())
}

/// A hash of something that is kept or compared and never shown.
pub(super) fn hash_of(purpose: &'static str, bytes: &[u8]) -> store::TokenHash {
    let transcript = crypto::Transcript::new(purpose).frame(bytes).finish();
    store::TokenHash::new(*transcript.as_bytes())
}
