//! The reports of commands that print text even with `--json`: `prune`, `copy`, `rewrite`, `repair snapshots`, `tag`.
//!
//! Owns the wording of those texts, from restic 0.14 on. They are meant for people: sizes are rounded, and since paths
//! stand in them unescaped, a file name can imitate a line. Show what is read here, but decide nothing by it: ask
//! `snapshots` afterwards.

/// What `prune` did, or would do after a dry run: the figures look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prune {
    /// Written anew because it shared packs with unused blobs.
    pub to_repack: Amount,
    /// Unused, in the packs written anew.
    pub removed_by_repacking: Amount,
    /// Unused, in packs that hold nothing else.
    pub to_delete: Amount,
    /// All that was removed.
    pub total: Amount,
    /// What is left.
    pub remaining: Amount,
}

/// A number of blobs and their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Amount {
    /// Blobs.
    pub blobs: u64,
    /// Bytes, as exact as the three decimals that restic prints.
    pub bytes: u64,
}

/// A snapshot that `copy` dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedSnapshot {
    /// First characters of the id in the source repository.
    pub source_id: String,
    /// First characters of the id in the target repository.
    pub copy_id: String,
    /// Whether an earlier run had copied it.
    pub was_there: bool,
}

/// A snapshot that `rewrite` or `repair snapshots` changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RewrittenSnapshot {
    /// First characters of its id.
    pub old_id: String,
    /// First characters of the new snapshot's id; `None` after a dry run.
    pub new_id: Option<String>,
    /// Whether the old one was removed.
    pub was_removed: bool,
}

/// Reads the figures of `prune`; `None` if it printed none.
///
/// ```
/// use restic_manager_restic::report;
///
/// let output = b"to repack: 132 blobs / 9.533 MiB\nthis removes: 22 blobs / 23.395 KiB\nto delete: 25 blobs / 33.533 MiB\n\
///     total prune: 47 blobs / 33.556 MiB\nremaining: 140 blobs / 40.204 MiB\n";
/// let prune = report::prune(output).expect("figures");
/// assert_eq!((prune.total.blobs, prune.total.bytes), (47, 35_186_016));
/// ```
pub fn prune(output: &[u8]) -> Option<Prune> {
    let text = String::from_utf8_lossy(output);
    let amount = |label| text.lines().find_map(|line| amount(line.strip_prefix(label)?));
    Some(Prune {
        to_repack: amount("to repack:")?,
        removed_by_repacking: amount("this removes:")?,
        to_delete: amount("to delete:")?,
        total: amount("total prune:")?,
        remaining: amount("remaining:")?,
    })
}

/// Reads what `copy` copied and what it found copied already.
pub fn copied(output: &[u8]) -> Vec<CopiedSnapshot> {
    let mut copied = Vec::new();
    let mut source = None;
    for line in String::from_utf8_lossy(output).lines() {
        if let Some(rest) = line.strip_prefix("skipping source snapshot ") {
            let ids = rest.split_once(", was already copied to snapshot ");
            copied.extend(ids.and_then(|(source, copy)| copied_snapshot(source, copy, true)));
            continue;
        }
        let Some(rest) = line.strip_prefix("snapshot ") else { continue };
        if let Some((copy, from)) = rest.split_once(" saved, copied from source snapshot ") {
            copied.extend(copied_snapshot(from, copy, false));
        } else if let Some(copy) = rest.strip_suffix(" saved") {
            // Before 0.19 the source is the last snapshot named.
            copied.extend(source.take().and_then(|source: String| copied_snapshot(&source, copy, false)));
        } else if let Some((id, _)) = rest.split_once(" of [") {
            source = short_id(id);
        }
    }
    copied
}

/// Reads what `rewrite` or `repair snapshots` changed.
pub fn rewritten(output: &[u8]) -> Vec<RewrittenSnapshot> {
    let mut rewritten: Vec<RewrittenSnapshot> = Vec::new();
    let mut old = None;
    for line in String::from_utf8_lossy(output).lines() {
        if let Some((id, _)) = line.strip_prefix("snapshot ").and_then(|rest| rest.split_once(" of [")) {
            old = short_id(id);
        } else if line == "would save new snapshot" {
            rewritten.extend(old.take().map(|old_id| RewrittenSnapshot {
                old_id,
                new_id: None,
                was_removed: false,
            }));
        } else if let Some(new_id) = line.strip_prefix("saved new snapshot ").and_then(short_id) {
            let new_id = Some(new_id);
            rewritten.extend(old.take().map(|old_id| RewrittenSnapshot {
                old_id,
                new_id,
                was_removed: false,
            }));
        } else if let Some(id) = line.strip_prefix("removed old snapshot ").and_then(short_id)
            && let Some(last) = rewritten.last_mut().filter(|last| last.old_id == id)
        {
            last.was_removed = true;
        }
    }
    rewritten
}

/// Reads how many snapshots `tag` changed, where it does not print messages.
pub fn tagged(output: &[u8]) -> Option<u64> {
    String::from_utf8_lossy(output).lines().find_map(|line| match line {
        "no snapshots were modified" => Some(0),
        line => {
            let count = line.strip_prefix("modified ")?.strip_suffix(" snapshots")?;
            count.strip_prefix("tags on ").unwrap_or(count).parse().ok()
        }
    })
}

fn copied_snapshot(source: &str, copy: &str, was_there: bool) -> Option<CopiedSnapshot> {
    Some(CopiedSnapshot { source_id: short_id(source)?, copy_id: short_id(copy)?, was_there })
}

fn short_id(text: &str) -> Option<String> {
    let is_id = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

/// Reads `132 blobs / 9.533 MiB`.
fn amount(text: &str) -> Option<Amount> {
    let (blobs, size) = text.trim().split_once(" blobs / ")?;
    let (number, unit) = size.split_once(' ')?;
    let unit_bytes = match unit {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok().filter(|number| *number >= 0.0)? * unit_bytes;
    Some(Amount { blobs: blobs.parse().ok()?, bytes: bytes.round() as u64 })
}
