//! The indexes of this host on its disk: catalogues, and blocks that they share.
//!
//! A block is a file named by the digest of its content, a catalogue one named by repository and snapshot. Only a
//! catalogue makes an index, and it is put in place as a whole after its blocks, so that what was begun and not ended is
//! never taken for one. Blocks are not synced: what a crash takes is noticed by the digest when it is read, and made anew.
//! All functions block on the disk.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use data_encoding::HEXLOWER;
use restic_manager_crypto::ContentDigest;
use restic_manager_proto::{RepositoryId, Timestamp};

use super::{
    block,
    builder::Sink,
    bytes::Damaged,
    catalogue::{Catalogue, SnapshotId, SnapshotKey},
    cut::PLAIN_BYTES,
    error::IndexError,
    reader::{Block, Blocks, Index},
    room::{self, Inventory, Kept},
};
use crate::files::{self, FileError};

/// Longest catalogue that is read.
const CATALOGUE_BYTES: u64 = 256 * 1024 * 1024;
const CATALOGUE: &str = "catalogue";
const BLOCK: &str = "block";
const WAY_BACK: &str = "it was removed: index the snapshot again";
/// Unpacked blocks that are kept in memory for the next look.
const CACHED: usize = 8;

/// All indexes of one agent.
#[derive(Debug)]
pub struct Indexes {
    folder: PathBuf,
    budget: u64,
    /// Blocks of indexes that are being made. Held while files change.
    pinned: Mutex<HashMap<ContentDigest, usize>>,
    cache: Mutex<Vec<(ContentDigest, Arc<Block>)>>,
}

impl Indexes {
    /// Opens the folder, and removes what belongs to no index.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn open(folder: &Path, budget: u64) -> Result<Arc<Self>, IndexError> {
        files::make_folder(folder)?;
        files::remove_leftovers(folder)?;
        let (pinned, cache) = Default::default();
        let indexes = Self { folder: folder.to_owned(), budget, pinned, cache };
        indexes.make_room(&indexes.pinned(), None)?;
        Ok(Arc::new(indexes))
    }

    /// The index of a snapshot, which counts as used `now`.
    ///
    /// # Errors
    /// [`IndexError::Missing`] when there is none; when its catalogue is damaged, which is then removed.
    pub fn index(self: &Arc<Self>, key: SnapshotKey, now: Timestamp) -> Result<Index, IndexError> {
        let path = self.catalogue_path(&key);
        let catalogue = self.catalogue(&key)?;
        if let Err(error) = touch(&path, now) {
            tracing::debug!("could not note that {} was used: {error}", path.display());
        }
        Ok(Index::new(catalogue, Arc::clone(self) as Arc<dyn Blocks>))
    }

    /// The snapshots of a repository that are indexed.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn indexed(&self, repository: RepositoryId) -> Result<HashSet<SnapshotId>, IndexError> {
        let keys = self.names()?.into_iter().filter_map(|(name, _)| key_of(&name));
        Ok(keys.filter(|key| key.repository == repository).map(|key| key.snapshot).collect())
    }

    /// Where the blocks of a new index go. What is kept there stays until the value is dropped; then what no catalogue
    /// names is removed with the next change.
    #[must_use]
    pub fn keeper(self: &Arc<Self>) -> Keeper {
        Keeper { indexes: Arc::clone(self), hashes: Vec::new() }
    }

    /// Puts a catalogue in place, used `now`, and makes room: the least recently used give way.
    ///
    /// # Errors
    /// When the operating system refuses, or it does not fit alone; it is not there then.
    pub fn commit(&self, catalogue: &Catalogue, kept: Keeper, now: Timestamp) -> Result<(), IndexError> {
        let pinned = self.pinned();
        let path = self.catalogue_path(&catalogue.key);
        files::write(&path, &catalogue.encode())?;
        touch(&path, now).map_err(|error| FileError::io(&path, error))?;
        let made_room = self.make_room(&pinned, Some(catalogue.key));
        drop(pinned);
        drop(kept);
        if made_room.is_err() {
            self.make_room(&self.pinned(), None)?;
        }
        made_room
    }

    /// Removes the indexes of a repository's snapshots that are not among the living.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn retain(&self, repository: RepositoryId, living: &HashSet<SnapshotId>) -> Result<(), IndexError> {
        let pinned = self.pinned();
        let of_repository = |key: &SnapshotKey| key.repository == repository;
        let keys = self.names()?.into_iter().filter_map(|(name, _)| key_of(&name)).filter(of_repository);
        let gone: Vec<_> = keys.filter(|key| !living.contains(&key.snapshot)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        gone.iter().try_for_each(|key| files::remove(&self.catalogue_path(key)))?;
        self.make_room(&pinned, None)
    }

    /// What all indexes take, in bytes.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn bytes(&self) -> Result<u64, IndexError> {
        Ok(self.names()?.into_iter().map(|(_, metadata)| metadata.len()).sum())
    }

    /// Removes blocks that nobody names, and indexes until the rest is within the budget. `newest` goes last, and
    /// is an error.
    fn make_room(
        &self,
        pinned: &HashMap<ContentDigest, usize>,
        newest: Option<SnapshotKey>,
    ) -> Result<(), IndexError> {
        let room = room::make(self.inventory()?, |hash| pinned.contains_key(hash), newest, self.budget);
        // An index without blocks is damaged, a block without an index is nothing.
        for key in &room.catalogues {
            tracing::debug!("the index of snapshot {} gives way to others", key.snapshot);
            files::remove(&self.catalogue_path(key))?;
        }
        room.blocks.iter().try_for_each(|hash| files::remove(&self.block_path(hash)))?;
        match room.too_large {
            Some(bytes) => Err(IndexError::TooLarge { bytes, budget: self.budget }),
            None => Ok(()),
        }
    }

    fn inventory(&self) -> Result<Inventory, IndexError> {
        let mut inventory = Inventory::default();
        for (name, metadata) in self.names()? {
            if let Some(hash) = hash_of(&name) {
                inventory.blocks.insert(hash, metadata.len());
            } else if let Some(key) = key_of(&name) {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let Ok(catalogue) = self.catalogue(&key) else { continue };
                let hashes = catalogue.rows.iter().map(|row| row.hash).collect();
                inventory.catalogues.push(Kept { key, bytes: metadata.len(), used, hashes });
            }
        }
        Ok(inventory)
    }

    /// The names in the folder that are files, and what is known of them.
    fn names(&self) -> Result<Vec<(String, fs::Metadata)>, IndexError> {
        let refused = |error| FileError::io(&self.folder, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            names.push((name, entry.metadata().map_err(refused)?));
        }
        Ok(names)
    }

    fn catalogue(&self, key: &SnapshotKey) -> Result<Catalogue, IndexError> {
        let path = self.catalogue_path(key);
        let file = read(&path, CATALOGUE_BYTES)?.ok_or(IndexError::Missing)?;
        let right = |catalogue: &Catalogue| catalogue.key == *key;
        match Catalogue::decode(&file) {
            Ok(catalogue) if right(&catalogue) => Ok(catalogue),
            Ok(_) => self.removed(&path, Damaged("it is the catalogue of another snapshot")),
            Err(damaged) => self.removed(&path, damaged),
        }
    }

    /// Removes what is damaged, and says so.
    fn removed<T>(&self, path: &Path, damaged: Damaged) -> Result<T, IndexError> {
        tracing::warn!("{} was damaged, and is made anew: {damaged}", path.display());
        files::remove(path)?;
        Err(FileError::damaged(path, damaged.to_string(), WAY_BACK).into())
    }

    /// Removes a damaged block and every index that names it.
    fn removed_block<T>(&self, hash: &ContentDigest, damaged: Damaged) -> Result<T, IndexError> {
        let _changing = self.pinned();
        for kept in self.inventory()?.catalogues.iter().filter(|kept| kept.hashes.contains(hash)) {
            files::remove(&self.catalogue_path(&kept.key))?;
        }
        self.removed(&self.block_path(hash), damaged)
    }

    fn pinned(&self) -> MutexGuard<'_, HashMap<ContentDigest, usize>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Vec<(ContentDigest, Arc<Block>)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalogue_path(&self, key: &SnapshotKey) -> PathBuf {
        self.folder.join(format!("{}.{}.{CATALOGUE}", key.repository, key.snapshot))
    }

    fn block_path(&self, hash: &ContentDigest) -> PathBuf {
        self.folder.join(format!("{}.{BLOCK}", HEXLOWER.encode(hash.as_bytes())))
    }
}

impl Blocks for Indexes {
    fn block(&self, hash: &ContentDigest) -> Result<Arc<Block>, IndexError> {
        if let Some(block) = self.cached(hash) {
            return Ok(block);
        }
        let file = read(&self.block_path(hash), PLAIN_BYTES as u64 * 2)?.ok_or(IndexError::Missing)?;
        if ContentDigest::of(&file) != *hash {
            return self.removed_block(hash, Damaged("it is not what its name says"));
        }
        match block::decode(&file) {
            Ok(pieces) => Ok(self.cache_block(*hash, Arc::new(pieces))),
            Err(damaged) => self.removed_block(hash, damaged),
        }
    }
}

impl Indexes {
    fn cached(&self, hash: &ContentDigest) -> Option<Arc<Block>> {
        let mut cache = self.cache();
        let at = cache.iter().position(|(of, _)| of == hash)?;
        let found = cache.remove(at);
        let block = Arc::clone(&found.1);
        cache.push(found);
        Some(block)
    }

    fn cache_block(&self, hash: ContentDigest, block: Arc<Block>) -> Arc<Block> {
        let mut cache = self.cache();
        let surplus = (cache.len() + 1).saturating_sub(CACHED);
        cache.drain(..surplus);
        cache.push((hash, Arc::clone(&block)));
        block
    }
}

/// Keeps the blocks of an index that is being made.
#[derive(Debug)]
pub struct Keeper {
    indexes: Arc<Indexes>,
    hashes: Vec<ContentDigest>,
}

impl Sink for Keeper {
    fn keep(&mut self, file: &[u8]) -> Result<ContentDigest, IndexError> {
        let hash = ContentDigest::of(file);
        let path = self.indexes.block_path(&hash);
        let mut pinned = self.indexes.pinned();
        *pinned.entry(hash).or_default() += 1;
        self.hashes.push(hash);
        // One of another length was cut short by a crash.
        let is_there = fs::metadata(&path).is_ok_and(|there| there.len() == file.len() as u64);
        if !is_there {
            files::place(&path, file)?;
        }
        drop(pinned);
        Ok(hash)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut pinned = self.indexes.pinned();
        for hash in &self.hashes {
            let count = pinned.get_mut(hash).map(|count| {
                *count -= 1;
                *count
            });
            if count == Some(0) {
                pinned.remove(hash);
            }
        }
    }
}

fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, IndexError> {
    let refused = |error| FileError::io(path, error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(refused)?,
    };
    let mut content = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit), &mut content).map_err(refused)?;
    Ok(Some(content))
}

/// Notes on a file when it was used last.
fn touch(path: &Path, now: Timestamp) -> io::Result<()> {
    let milliseconds = u64::try_from(now.as_milliseconds()).unwrap_or_default();
    let moment = SystemTime::UNIX_EPOCH + core::time::Duration::from_millis(milliseconds);
    OpenOptions::new().write(true).open(path)?.set_modified(moment)
}

fn hash_of(name: &str) -> Option<ContentDigest> {
    let path = Path::new(name);
    let stem = path.file_stem().filter(|_| path.extension() == Some(OsStr::new(BLOCK)))?.to_str()?;
    let bytes = HEXLOWER.decode(stem.as_bytes()).ok()?;
    bytes.try_into().ok().map(ContentDigest::from_bytes)
}

fn key_of(name: &str) -> Option<SnapshotKey> {
    let (repository, rest) = name.split_once('.')?;
    let snapshot = rest.strip_suffix(CATALOGUE)?.strip_suffix('.')?;
    Some(SnapshotKey { repository: repository.parse().ok()?, snapshot: snapshot.parse().ok()? })
}
