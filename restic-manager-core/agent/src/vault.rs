//! The agent's secrets at rest: its key pair, and what is sealed under a key of this machine: its token, and the
//! everyday secrets of the repositories and the scripts of the source groups that it backs up by itself. What may delete is never here.

use core::fmt;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use restic_manager_crypto::{Context, Identity, KeyFileError, Keyring, Random, Sealed, SecretString};
use restic_manager_proto::{Hooks, HostId, Opaque, RepositoryId, RepositorySecrets, SourceGroupId};
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError, StateFolder};

const IDENTITY: &str = "identity.pem";
const KEY: &str = "vault.key";
const MEMBERSHIP: &str = "enrolment.json";
const MAX_MEMBERSHIP_BYTES: u64 = 64 * 1024;
const WAY_BACK: &str = "put back your copy of it and of the key beside it, or enrol this host again";

/// What protects the secrets at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// A key that systemd hands to the service, which it may keep sealed by the TPM.
    SystemdCredential,
    /// A key file that only the agent's user may read.
    KeyFile,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemdCredential => "a key from systemd's credentials",
            Self::KeyFile => "a key file that only the agent's user may read",
        })
    }
}

/// Who this agent is to its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The host it speaks for.
    pub host: HostId,
    /// The host's name at the server when it enrolled.
    pub host_name: String,
    /// What it shows when it connects.
    pub token: SecretString,
}

/// A secret at rest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Serialize, Deserialize)]
struct MembershipFile {
    host: HostId,
    host_name: String,
    token: Opaque,
}

/// The agent's secrets at rest.
pub struct Vault {
    membership: PathBuf,
    identity: Identity,
    keyring: Keyring,
    protection: Protection,
    random: Arc<dyn Random>,
}

impl Vault {
    /// Opens the vault in the state folder; a first start makes its keys. `credentials` is the folder in which
    /// systemd hands over credentials, if it does.
    ///
    /// # Errors
    /// When a key is missing that something was sealed with, when others may read it, or when it is damaged.
    pub fn open(
        folder: &StateFolder,
        credentials: Option<&Path>,
        random: Arc<dyn Random>,
    ) -> Result<Self, VaultError> {
        if !folder.file(MEMBERSHIP).exists() {
            return Self::renew(folder, credentials, random);
        }
        let identity = Identity::open_file(&folder.file(IDENTITY))?;
        let (keyring, protection) = match credential(credentials) {
            Some(path) => (Keyring::open_file(&path)?, Protection::SystemdCredential),
            None => (Keyring::open_file(&folder.file(KEY))?, Protection::KeyFile),
        };
        Ok(Self { membership: folder.file(MEMBERSHIP), identity, keyring, protection, random })
    }

    /// Opens the vault in order to enrol: keys that are missing are made, because nothing needs the old ones.
    ///
    /// # Errors
    /// When others may read a key, or it is damaged, or cannot be made.
    pub fn renew(
        folder: &StateFolder,
        credentials: Option<&Path>,
        random: Arc<dyn Random>,
    ) -> Result<Self, VaultError> {
        let identity = Identity::open_or_create(&folder.file(IDENTITY), &random)?;
        let (keyring, protection) = match credential(credentials) {
            Some(path) => (Keyring::open_file(&path)?, Protection::SystemdCredential),
            None => (Keyring::open_or_create(&folder.file(KEY), &random)?, Protection::KeyFile),
        };
        Ok(Self { membership: folder.file(MEMBERSHIP), identity, keyring, protection, random })
    }

    /// The agent's key pair.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What protects the secrets.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }

    /// Who this agent is to its server; `None` before it has enrolled.
    ///
    /// # Errors
    /// When the file is damaged, or was sealed with another key.
    pub fn membership(&self) -> Result<Option<Membership>, VaultError> {
        let Some(file) = read_membership(&self.membership)? else { return Ok(None) };
        let token = self
            .keyring
            .open(&context(file.host), &Sealed::from_bytes(file.token.as_bytes()))
            .and_then(restic_manager_crypto::SecretBytes::into_string)
            .map_err(|error| FileError::damaged(&self.membership, error.to_string(), WAY_BACK))?;
        Ok(Some(Membership { host: file.host, host_name: file.host_name, token }))
    }

    /// Keeps who this agent is; it is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, membership: &Membership) -> Result<(), VaultError> {
        let token = membership.token.expose().as_bytes();
        let sealed = self.keyring.seal(&context(membership.host), token, &self.random);
        let file = MembershipFile {
            host: membership.host,
            host_name: membership.host_name.clone(),
            token: Opaque::new(sealed.into_bytes()),
        };
        let text =
            serde_json::to_vec(&file).map_err(|error| FileError::io(&self.membership, error.into()))?;
        Ok(files::write(&self.membership, &text)?)
    }
}

impl Vault {
    /// Seals what opens a repository, to be kept beside its place in the configuration.
    #[must_use]
    pub fn seal_secrets(&self, repository: RepositoryId, plain: &[u8]) -> Opaque {
        let sealed = self.keyring.seal(&secrets_context(repository), plain, &self.random);
        Opaque::new(sealed.into_bytes())
    }

    /// Opens what was sealed for a repository.
    #[must_use]
    pub fn open_secrets(&self, repository: RepositoryId, sealed: &Opaque) -> Option<RepositorySecrets> {
        let plain =
            self.keyring.open(&secrets_context(repository), &Sealed::from_bytes(sealed.as_bytes())).ok()?;
        serde_json::from_slice(plain.expose()).ok()
    }

    /// Seals the scripts of a source group, to be kept beside it in the configuration.
    #[must_use]
    pub fn seal_hooks(&self, group: SourceGroupId, plain: &[u8]) -> Opaque {
        let sealed = self.keyring.seal(&hooks_context(group), plain, &self.random);
        Opaque::new(sealed.into_bytes())
    }

    /// Opens what was sealed for a source group.
    #[must_use]
    pub fn open_hooks(&self, group: SourceGroupId, sealed: &Opaque) -> Option<Hooks> {
        let plain = self.keyring.open(&hooks_context(group), &Sealed::from_bytes(sealed.as_bytes())).ok()?;
        serde_json::from_slice(plain.expose()).ok()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("protection", &self.protection).finish_non_exhaustive()
    }
}

/// The host that the agent of a state folder speaks for, without its secrets.
///
/// # Errors
/// When the file is damaged.
pub fn enrolled_host(state_folder: &Path) -> Result<Option<(HostId, String)>, FileError> {
    let file = read_membership(&state_folder.join(MEMBERSHIP))?;
    Ok(file.map(|file| (file.host, file.host_name)))
}

/// What else of an enrolled host is in a state folder, for a person who looks for its enrolment.
#[must_use]
pub fn traces(state_folder: &Path) -> Vec<&'static str> {
    let names = [IDENTITY, KEY, "jobs.json", "outbox", "configuration.json"];
    names.into_iter().filter(|name| state_folder.join(name).exists()).collect()
}

fn read_membership(path: &Path) -> Result<Option<MembershipFile>, FileError> {
    let Some(text) = files::read(path, MAX_MEMBERSHIP_BYTES)? else { return Ok(None) };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| FileError::damaged(path, "it is not what an agent writes", WAY_BACK))
}

fn credential(folder: Option<&Path>) -> Option<PathBuf> {
    folder.map(|folder| folder.join(KEY)).filter(|path| path.exists())
}

fn context(host: HostId) -> Context {
    Context::new("agent", host.as_bytes(), "token")
}

fn hooks_context(group: SourceGroupId) -> Context {
    Context::new("agent", group.as_bytes(), "hooks")
}

fn secrets_context(repository: RepositoryId) -> Context {
    Context::new("agent", repository.as_bytes(), "secrets")
}
