//! Which indexes give way to others, and which blocks go with them.

use std::{collections::HashMap, time::SystemTime};

use restic_manager_crypto::ContentDigest;

use super::catalogue::SnapshotKey;

/// What there is on the disk.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Each block, and its bytes.
    pub(super) blocks: HashMap<ContentDigest, u64>,
    pub(super) catalogues: Vec<Kept>,
}

/// The index of one snapshot.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: SnapshotKey,
    /// What its catalogue takes.
    pub(super) bytes: u64,
    /// When it was used last.
    pub(super) used: SystemTime,
    pub(super) hashes: Vec<ContentDigest>,
}

/// What has to be removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) blocks: Vec<ContentDigest>,
    pub(super) catalogues: Vec<SnapshotKey>,
    /// What is left with the newest index alone, if that is more than the budget.
    pub(super) too_large: Option<u64>,
}

/// What has to be removed so that the rest is within a budget: blocks that no index names, then the least recently used
/// indexes. Blocks that are pinned stay. The `newest` index goes last.
pub(super) fn make(
    mut inventory: Inventory,
    is_pinned: impl Fn(&ContentDigest) -> bool,
    newest: Option<SnapshotKey>,
    budget: u64,
) -> Room {
    let mut uses: HashMap<ContentDigest, usize> = HashMap::new();
    for hash in inventory.catalogues.iter().flat_map(|kept| &kept.hashes) {
        *uses.entry(*hash).or_default() += 1;
    }
    let (mut room, mut bytes) = (Room::default(), inventory.bytes());
    for hash in unused(&inventory.blocks, &uses).filter(|hash| !is_pinned(hash)) {
        bytes -= room.remove(hash, &inventory.blocks);
    }
    inventory.catalogues.sort_by_key(|kept| (Some(kept.key) == newest, kept.used));
    for kept in &inventory.catalogues {
        if bytes <= budget {
            break;
        }
        room.catalogues.push(kept.key);
        room.too_large = (Some(kept.key) == newest).then_some(bytes);
        bytes -= kept.bytes;
        for hash in kept.hashes.iter().filter(|hash| is_last(&mut uses, hash) && !is_pinned(hash)) {
            bytes -= room.remove(hash, &inventory.blocks);
        }
    }
    room
}

impl Room {
    /// Has a block removed; gives its bytes.
    fn remove(&mut self, hash: &ContentDigest, blocks: &HashMap<ContentDigest, u64>) -> u64 {
        self.blocks.push(*hash);
        blocks.get(hash).copied().unwrap_or_default()
    }
}

/// Takes one use of a block away; says whether it was the last.
fn is_last(uses: &mut HashMap<ContentDigest, usize>, hash: &ContentDigest) -> bool {
    let Some(count) = uses.get_mut(hash) else { return false };
    *count -= 1;
    *count == 0
}

fn unused<'a>(
    blocks: &'a HashMap<ContentDigest, u64>,
    uses: &HashMap<ContentDigest, usize>,
) -> impl Iterator<Item = &'a ContentDigest> {
    blocks.keys().filter(|hash| !uses.contains_key(*hash))
}

impl Inventory {
    fn bytes(&self) -> u64 {
        self.blocks.values().sum::<u64>() + self.catalogues.iter().map(|kept| kept.bytes).sum::<u64>()
    }
}
