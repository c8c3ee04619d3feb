//! Every sealed secret under a new key: batch by batch, to be taken up again wherever it was stopped.
//!
//! The new key is in the key file before anything is sealed with it, and the old one leaves the file after nothing is sealed
//! with it any more. So whatever is killed in between, the file opens everything that is stored.

use core::ops::ControlFlow;
use restic_manager_crypto::{Context, KeyFileError, KeyId, Keyring, Random, Sealed};
use restic_manager_proto::{AuditId, Timestamp, vocabulary::Action};
use restic_manager_store::{
    Audit, Error as StoreError, SealedBlob, Store,
    audit::NewAuditEntry,
    retry,
    sealed::{SealedPlace, SealedRow},
};
use std::{collections::BTreeMap, path::Path};

use crate::{
    audit::hex,
    entry::{SYSTEM, entry},
    prepare::KEYRING,
};

/// Secrets that are sealed anew in one transaction.
const BATCH: usize = 100;

/// What is sealed in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Table and column.
    pub column: (&'static str, &'static str),
    /// What it holds, in words.
    pub name: &'static str,
    /// How many secrets are under which key.
    pub by_key: BTreeMap<String, u64>,
    /// How many were sealed anew by this run.
    pub resealed: u64,
    /// Rows, by their id, whose secret no key of the file opens.
    pub unreadable: Vec<String>,
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// It went on with one that was stopped, and made no key.
    pub resumed: bool,
    /// The key that writes now.
    pub newest: String,
    /// Keys that left the file.
    pub removed: Vec<String>,
    /// What was done, place by place.
    pub places: Vec<Place>,
}

/// Keys were not rotated, or not to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// The key file.
    #[error("could not use the key file")]
    Key(#[from] KeyFileError),
    /// The database.
    #[error("could not use the database")]
    Store(#[from] StoreError),
    /// The file does not belong to the database.
    #[error(
        "the key file lacks the key {needed}, which this database was last used with; put the key file back that belongs to it"
    )]
    WrongKeyring {
        /// The key that is needed.
        needed: String,
    },
    /// It was asked to stop.
    #[error("stopped on the way; run it again and it goes on")]
    Stopped,
}

/// What is sealed where, and under which key. Changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn key_status(store: &dyn Store, keyring: &Keyring) -> Result<Vec<Place>, StoreError> {
    let mut places = Vec::new();
    for place in SealedPlace::ALL.iter().copied() {
        let mut found = Place::of(place);
        let mut after = None;
        loop {
            let rows = store.read().await?.sealed().rows(place, after, BATCH).await?;
            for row in &rows {
                found.count(keyring, place, row);
            }
            match rows.last() {
                Some(last) if rows.len() == BATCH => after = Some(last.row),
                _ => break,
            }
        }
        places.push(found);
    }
    Ok(places)
}

/// Makes a new key, seals everything with it, and takes the old keys out of the file. A file that holds several keys is
/// one whose rotation was stopped: that one is finished, and no key is made. No server may run meanwhile: it would write
/// with a key that is about to go. `proceed` is asked after each batch, with how many secrets are done.
///
/// # Errors
/// When file or database fail; running it again goes on.
pub async fn rotate_keys(
    store: &dyn Store,
    key_file: &Path,
    random: &dyn Random,
    now: Timestamp,
    mut proceed: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Rotation, RotateError> {
    let found = Keyring::open_file(key_file)?;
    expect_ours(store, &found).await?;
    let resumed = found.key_ids().count() > 1;
    let keyring = if resumed { found } else { Keyring::rotate_file(key_file, random)? };
    note(store, &keyring, random, now, resumed).await?;
    let (mut places, mut done) = (Vec::new(), 0);
    for place in SealedPlace::ALL.iter().copied() {
        let mut report = Place::of(place);
        let mut after = None;
        loop {
            let rows = store.read().await?.sealed().rows(place, after, BATCH).await?;
            report.resealed += reseal(store, &keyring, place, &rows, random).await?;
            done += rows.len() as u64;
            match rows.last() {
                Some(last) if rows.len() == BATCH => after = Some(last.row),
                _ => break,
            }
            if proceed(done).is_break() {
                return Err(RotateError::Stopped);
            }
        }
        if proceed(done).is_break() {
            return Err(RotateError::Stopped);
        }
        places.push(report);
    }
    // Looked at once more from the start: only what is seen to be done lets an old key go.
    let newest = keyring.newest_id().to_string();
    for (report, seen) in places.iter_mut().zip(key_status(store, &keyring).await?) {
        (report.by_key, report.unreadable) = (seen.by_key, seen.unreadable);
    }
    let is_done =
        |place: &Place| place.unreadable.is_empty() && place.by_key.keys().all(|key| *key == newest);
    let removed = if places.iter().all(is_done) {
        Keyring::retire_file(key_file)?.iter().map(KeyId::to_string).collect()
    } else {
        Vec::new()
    };
    Ok(Rotation { resumed, newest, removed, places })
}

async fn expect_ours(store: &dyn Store, keyring: &Keyring) -> Result<(), RotateError> {
    match store.read().await?.meta().value(KEYRING).await? {
        Some(needed) if !keyring.key_ids().any(|id| id.to_string() == needed) => {
            Err(RotateError::WrongKeyring { needed })
        }
        _ => Ok(()),
    }
}

/// The database learns of the new key before anything is sealed with it.
async fn note(
    store: &dyn Store,
    keyring: &Keyring,
    random: &dyn Random,
    now: Timestamp,
    resumed: bool,
) -> Result<(), StoreError> {
    let newest = keyring.newest_id().to_string();
    let mut entropy = [0; 10];
    random.fill(&mut entropy);
    let entry = NewAuditEntry {
        detail: serde_json::json!({ "key": newest, "resumed": resumed }),
        ..entry(AuditId::from_parts(now, entropy), now, SYSTEM, Action::KeysRotate)
    };
    retry(async || {
        let mut change = store.begin().await?;
        change.meta().put(KEYRING, &newest).await?;
        change.commit(Audit::entry(entry.clone())).await
    })
    .await
}

async fn reseal(
    store: &dyn Store,
    keyring: &Keyring,
    place: SealedPlace,
    rows: &[SealedRow],
    random: &dyn Random,
) -> Result<u64, StoreError> {
    let renewed: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let sealed = Sealed::from_bytes(row.sealed.as_bytes());
            // What does not open is told at the end; the old key stays for its sake.
            let new = keyring.reseal(&context(place, &row.row), &sealed, random).ok()??;
            Some((row, SealedBlob::new(new.into_bytes())))
        })
        .collect();
    if renewed.is_empty() {
        return Ok(0);
    }
    retry(async || {
        let mut change = store.begin().await?;
        let mut changed = 0;
        for (old, new) in &renewed {
            changed += u64::from(change.sealed().reseal(place, old, new).await?);
        }
        change
            .commit(Audit::Routine("secrets were sealed with the new key; the rotation is audited"))
            .await?;
        Ok(changed)
    })
    .await
}

impl Place {
    fn of(place: SealedPlace) -> Self {
        let (column, name) = (place.column(), name(place));
        Self { column, name, by_key: BTreeMap::new(), resealed: 0, unreadable: Vec::new() }
    }

    fn count(&mut self, keyring: &Keyring, place: SealedPlace, row: &SealedRow) {
        let sealed = Sealed::from_bytes(row.sealed.as_bytes());
        if let Some(key) = sealed.key_id() {
            *self.by_key.entry(key.to_string()).or_default() += 1;
        }
        if keyring.open(&context(place, &row.row), &sealed).is_err() {
            self.unreadable.push(hex(&row.row));
        }
    }
}

/// What a place holds.
const fn name(place: SealedPlace) -> &'static str {
    match place {
        SealedPlace::RepositoryPassword => "repository passwords",
        SealedPlace::EverydayCredential => "everyday credentials of repositories",
        SealedPlace::MaintenanceCredential => "maintenance credentials of repositories",
        SealedPlace::TotpSecret => "secrets of authenticator apps",
        SealedPlace::Draft => "secrets of connection tests that have not ended",
        SealedPlace::HostHooks => "hooks of hosts",
        SealedPlace::SourceGroupHooks => "hooks of source groups",
        SealedPlace::ChannelSecrets => "secrets of notification channels",
    }
}

/// What a seal is bound to there.
fn context(place: SealedPlace, row: &[u8; 16]) -> Context {
    match place {
        SealedPlace::RepositoryPassword => Context::repository_password(row),
        SealedPlace::EverydayCredential => Context::everyday_credential(row),
        SealedPlace::MaintenanceCredential => Context::maintenance_credential(row),
        SealedPlace::TotpSecret => Context::totp_secret(row),
        SealedPlace::Draft => Context::draft(row),
        SealedPlace::HostHooks => Context::host_hooks(row),
        SealedPlace::SourceGroupHooks => Context::source_group_hooks(row),
        SealedPlace::ChannelSecrets => Context::channel_secrets(row),
    }
}
