//! Scripts after backups that are owed: noted on the disk before a job begins, until its script has run. What an agent
//! leaves owed when it is killed, or its host goes down, runs at its next start: it may be what starts a service again.

use std::{path::PathBuf, sync::Arc};

use restic_manager_crypto::SecretBytes;
use restic_manager_proto::{Hooks, HostId, JobId, Opaque, RepositoryId, SourceGroupId, agent::JobOrder};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    files::{self, FileError, StateFolder},
    vault::Vault,
};

const FILE: &str = "owed-hooks.json";
const MAX_BYTES: u64 = 8 * 1024 * 1024;
const WAY_BACK: &str =
    "look whether what the scripts before backups have stopped runs again, then remove the file";

/// A script that is owed, with what it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OwedHook {
    /// Whose it is: what a host was before it enrolled again is no business of the new one.
    host: HostId,
    pub(super) job: JobId,
    pub(super) repository: RepositoryId,
    pub(super) host_name: String,
    group: SourceGroupId,
    pub(super) group_name: String,
    /// Sealed by the vault.
    hooks: Opaque,
}

/// The scripts that are owed. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct OwedHooks {
    path: PathBuf,
    vault: Arc<Vault>,
    host: HostId,
    owed: Arc<Mutex<Vec<OwedHook>>>,
}

impl OwedHooks {
    /// Reads what an earlier agent of the same host left owed.
    ///
    /// # Errors
    /// When the file is damaged, or the operating system refuses.
    pub(crate) fn open(folder: &StateFolder, vault: Arc<Vault>, host: HostId) -> Result<Self, FileError> {
        let path = folder.file(FILE);
        let mut owed: Vec<OwedHook> = files::read(&path, MAX_BYTES)?.map_or(Ok(Vec::new()), |text| {
            let what =
                |error: serde_json::Error| format!("line {} is not what an agent writes", error.line());
            serde_json::from_str(&text).map_err(|error| FileError::damaged(&path, what(error), WAY_BACK))
        })?;
        owed.retain(|owed| owed.host == host);
        Ok(Self { path, vault, host, owed: Arc::new(Mutex::new(owed)) })
    }

    /// Everything that is owed.
    pub(super) async fn all(&self) -> Vec<OwedHook> {
        self.owed.lock().await.clone()
    }

    /// The scripts themselves, without the one before the backup; `None` when they do not open.
    pub(super) fn open_hooks(&self, owed: &OwedHook) -> Option<Hooks> {
        self.vault.open_hooks(owed.group, &owed.hooks)
    }

    /// Notes that the script after a backup is owed from now on.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) async fn note(&self, order: &JobOrder, hooks: &Hooks) -> Result<(), FileError> {
        let (Some(source), Some(post)) = (order.source(), &hooks.post) else { return Ok(()) };
        let post = Hooks { pre: None, post: Some(post.clone()) };
        let plain = serde_json::to_vec(&post).map_err(|error| FileError::io(&self.path, error.into()))?;
        let owed = OwedHook {
            host: self.host,
            job: order.job,
            repository: order.repository.id,
            host_name: order.host_name.clone(),
            group: source.group,
            group_name: source.name.clone(),
            hooks: self.vault.seal_hooks(source.group, SecretBytes::new(plain).expose()),
        };
        self.change(|all| all.push(owed)).await
    }

    /// Notes that a job's script has run. Should the disk refuse, it runs once more after the next start.
    pub(super) async fn settle(&self, job: JobId) {
        if let Err(error) = self.change(|all| all.retain(|owed| owed.job != job)).await {
            tracing::warn!("could not {error}; a script after a backup may run twice");
        }
    }

    async fn change(&self, change: impl FnOnce(&mut Vec<OwedHook>)) -> Result<(), FileError> {
        let mut owed = Arc::clone(&self.owed).lock_owned().await;
        let before = owed.len();
        change(&mut owed);
        if owed.len() == before {
            return Ok(());
        }
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let text = serde_json::to_vec(&*owed).map_err(|error| FileError::io(&path, error.into()))?;
            files::write(&path, &text)
        });
        written.await.unwrap_or_else(|error| Err(FileError::io(&self.path, std::io::Error::other(error))))
    }
}
