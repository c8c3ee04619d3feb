//! The secrets of repositories: sealed in the rows, opened for whoever works there.

use restic_manager_crypto::{Context, Sealed, SecretBytes};
use restic_manager_proto::{
    RepositorySecrets, SecretText, TransportCredential,
    vocabulary::{Cause, CredentialSlot},
};
use restic_manager_store::{
    SealedBlob,
    repositories::{Credential, Repository},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::parts::Parts;

/// Why a job cannot be carried out.
pub(crate) struct Unfit {
    pub(crate) cause: Cause,
    pub(crate) detail: Cow<'static, str>,
}

pub(crate) const fn missing(detail: &'static str) -> Unfit {
    Unfit { cause: Cause::NotConfigured, detail: Cow::Borrowed(detail) }
}

pub(crate) const SEALED_SHUT: Unfit = Unfit {
    cause: Cause::SecretUnreadable,
    detail: Cow::Borrowed("the server's key does not open the repository's secrets"),
};

/// What a connection test tries.
#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionDraft {
    /// Where restic looks.
    pub(crate) location: String,
    /// With what.
    pub(crate) secrets: RepositorySecrets,
}

/// The secrets of a job in a repository as JSON, as an agent is sent them; else why there are none.
pub(crate) fn secrets(
    parts: &Parts,
    repository: &Repository,
    credential: Option<&Credential>,
) -> Result<SecretBytes, Unfit> {
    secrets_json(&open_secrets(parts, repository, credential)?)
}

pub(crate) fn secrets_json(secrets: &RepositorySecrets) -> Result<SecretBytes, Unfit> {
    serde_json::to_vec(secrets).map(SecretBytes::new).map_err(|_| SEALED_SHUT)
}

/// The same as a value.
pub(crate) fn open_secrets(
    parts: &Parts,
    repository: &Repository,
    credential: Option<&Credential>,
) -> Result<RepositorySecrets, Unfit> {
    let id = repository.id.as_bytes();
    let Some(password) = &repository.password else { return Err(missing("the repository has no password")) };
    let password = unseal(parts, &Context::repository_password(id), password)?;
    let password = core::str::from_utf8(password.expose()).map_err(|_| SEALED_SHUT)?;
    let credential = credential
        .map(|credential| {
            let context = match credential.slot {
                CredentialSlot::Maintenance => Context::maintenance_credential(id),
                _ => Context::everyday_credential(id),
            };
            let plain = unseal(parts, &context, &credential.sealed)?;
            serde_json::from_slice::<TransportCredential>(plain.expose()).map_err(|_| SEALED_SHUT)
        })
        .transpose()?;
    Ok(RepositorySecrets::new(SecretText::new(password), credential))
}

pub(crate) fn unseal(parts: &Parts, context: &Context, blob: &SealedBlob) -> Result<SecretBytes, Unfit> {
    parts.keyring.open(context, &Sealed::from_bytes(blob.as_bytes())).map_err(|_| SEALED_SHUT)
}

/// Seals what is kept in a row.
pub(crate) fn seal(parts: &Parts, context: &Context, plaintext: &[u8]) -> SealedBlob {
    SealedBlob::new(parts.keyring.seal(context, plaintext, &*parts.random).into_bytes())
}
