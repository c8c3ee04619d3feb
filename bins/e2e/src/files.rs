//! Files to back up, and the proof that they came back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Writes text, binary, empty, nested and oddly named files; `megabytes` of data that does not compress.
pub fn write_sample_files(folder: &Path, megabytes: usize) -> Outcome {
    for name in ["docs", "docs/2026", "photos", "empty folder", "Ünïcode"] {
        fs::create_dir_all(folder.join(name))?;
    }
    fs::write(folder.join("docs/readme.txt"), "What is not restored was never backed up.\n".repeat(200))?;
    fs::write(folder.join("docs/2026/empty"), "")?;
    fs::write(folder.join("docs/2026/new\nline \u{202e}.txt"), "hostile name\n")?;
    fs::write(folder.join("Ünïcode/naïve café.md"), "# Grüße\n")?;
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for index in 0..megabytes {
        fs::write(folder.join(format!("photos/{index:04}.raw")), noise.bytes(1024 * 1024))?;
    }
    Ok(())
}

/// Fails with the first difference between two folders: names, kinds, content.
pub fn same_content(expected: &Path, found: &Path) -> Outcome {
    let expected = read_tree(expected)?;
    let found = read_tree(found)?;
    if expected.is_empty() {
        return Err(Failure::new("there is nothing to compare"));
    }
    for (path, content) in &expected {
        match found.get(path) {
            None => return Err(Failure::new(format!("{} is missing", path.display()))),
            Some(other) if other != content => {
                return Err(Failure::new(format!("{} differs", path.display())));
            }
            Some(_) => {}
        }
    }
    match found.keys().find(|path| !expected.contains_key(*path)) {
        Some(extra) => Err(Failure::new(format!("{} was not there before", extra.display()))),
        None => Ok(()),
    }
}

/// Each entry below a folder; content for files, nothing for folders.
fn read_tree(root: &Path) -> Outcome<BTreeMap<PathBuf, Option<Vec<u8>>>> {
    let mut tree = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in
            fs::read_dir(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?
        {
            let path = entry?.path();
            let name = path.strip_prefix(root)?.to_path_buf();
            if path.is_dir() {
                tree.insert(name, None);
                open.push(path);
            } else {
                tree.insert(name, Some(fs::read(&path)?));
            }
        }
    }
    Ok(tree)
}

/// The same numbers each time, without a pattern that a compressor finds (xorshift).
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            bytes.extend_from_slice(&self.0.to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_found() {
        let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_sample_files(left.path(), 1).unwrap();
        write_sample_files(right.path(), 1).unwrap();
        same_content(left.path(), right.path()).unwrap();
        fs::write(right.path().join("docs/2026/empty"), "x").unwrap();
        assert!(same_content(left.path(), right.path()).unwrap_err().to_string().contains("differs"));
        fs::remove_file(right.path().join("docs/2026/empty")).unwrap();
        assert!(same_content(left.path(), right.path()).unwrap_err().to_string().contains("missing"));
        assert!(
            same_content(right.path(), left.path()).unwrap_err().to_string().contains("not there before")
        );
    }
}
