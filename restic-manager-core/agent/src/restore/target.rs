//! Where selected paths go: one run of restic for each folder above them.
//!
//! A run restores some entries of one folder of the snapshot into one folder of the disk, as `ID:/folder` with those
//! names. Modes and owners of folders above what was selected are so left alone.

use std::collections::{BTreeMap, BTreeSet};

/// Where a restore goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To where each path was.
    Original,
    /// Into a folder, given absolute. Of the paths, what all their parents have in common is left out.
    Folder(Vec<u8>),
}

/// What one run of restic restores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The folder in the snapshot; empty for the top.
    pub parent: Vec<u8>,
    /// What of it, in order; everything where there is none.
    pub names: Vec<Vec<u8>>,
    /// The folder on the disk; empty for the root.
    pub into: Vec<u8>,
}

/// A selection cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// It has no path.
    #[error("select something to restore")]
    Empty,
    /// A path is not one inside a snapshot, or a target is not absolute.
    #[error("restore {}: a path begins with a slash, and has no name that is empty, a dot or two", path.escape_ascii())]
    Path {
        /// The path.
        path: Vec<u8>,
    },
}

/// The runs that restore some paths. What is below another selected path is restored with it.
///
/// # Errors
/// When there is no path, or one is none.
pub fn runs(selection: &[Vec<u8>], target: &Target) -> Result<Vec<Run>, SelectionError> {
    let paths = selection.iter().map(|path| tidy(path)).collect::<Result<BTreeSet<_>, _>>()?;
    let above = |path: &[u8]| ancestors(path).any(|above| paths.contains(above));
    let mut parents: BTreeMap<&[u8], Vec<Vec<u8>>> = BTreeMap::new();
    for path in paths.iter().filter(|path| !above(path)) {
        match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => parents.entry(&path[..slash]).or_default().push(path[slash + 1..].to_vec()),
            None => drop(parents.entry(&[]).or_default()),
        }
    }
    let into = folders(target, &parents)?;
    if parents.is_empty() {
        return Err(SelectionError::Empty);
    }
    let runs = parents.into_iter().zip(into);
    Ok(runs.map(|((parent, names), into)| Run { parent: parent.to_vec(), names, into }).collect())
}

/// Where each folder of the snapshot goes.
fn folders(target: &Target, parents: &BTreeMap<&[u8], Vec<Vec<u8>>>) -> Result<Vec<Vec<u8>>, SelectionError> {
    let Target::Folder(folder) = target else {
        return Ok(parents.keys().map(|parent| parent.to_vec()).collect());
    };
    let folder = tidy(folder)?;
    let common = parents.keys().copied().reduce(common).unwrap_or_default();
    Ok(parents.keys().map(|parent| [&folder, &parent[common.len()..]].concat()).collect())
}

/// What two folders have in common, whole names only.
fn common<'a>(one: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    let is_above =
        |above: &&[u8]| other.strip_prefix(*above).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
    [one].into_iter().chain(ancestors(one)).find(is_above).unwrap_or_default()
}

/// The folders above a path, the nearest first, the top last.
pub(super) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(at, _)| &path[..at])
}

/// A path without slashes at its end.
fn tidy(path: &[u8]) -> Result<Vec<u8>, SelectionError> {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let is_path = path.starts_with(b"/") && path[..end].split(|byte| *byte == b'/').skip(1).all(is_name);
    if is_path { Ok(path[..end].to_vec()) } else { Err(SelectionError::Path { path: path.to_vec() }) }
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(selection: &[&str], target: &Target) -> Vec<String> {
        let selection: Vec<_> = selection.iter().map(|path| path.as_bytes().to_vec()).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let runs = runs(&selection, target).expect("a selection");
        let names = |run: &Run| run.names.iter().map(|name| text(name)).collect::<Vec<_>>().join(",");
        runs.iter().map(|run| format!("{}:{}>{}", text(&run.parent), names(run), text(&run.into))).collect()
    }

    #[test]
    fn each_folder_is_a_run_and_what_is_below_another_is_in_it() {
        let selection = ["/srv/www/b", "/srv/www/a/", "/srv/www/a/deep", "/srv/wwwx", "/etc/hosts"];
        let original = ["/etc:hosts>/etc", "/srv:wwwx>/srv", "/srv/www:a,b>/srv/www"];
        assert_eq!(texts(&selection, &Target::Original), original);
        let folder = Target::Folder(b"/tmp/back/".to_vec());
        let below = ["/etc:hosts>/tmp/back/etc", "/srv:wwwx>/tmp/back/srv", "/srv/www:a,b>/tmp/back/srv/www"];
        assert_eq!(texts(&selection, &folder), below);
        assert_eq!(texts(&selection[..3], &folder), ["/srv/www:a,b>/tmp/back"]);
        assert_eq!(
            texts(&["/srv/a/x", "/srv/ab/y"], &folder),
            ["/srv/a:x>/tmp/back/a", "/srv/ab:y>/tmp/back/ab"]
        );
        assert_eq!(texts(&["/", "/etc"], &folder), [":>/tmp/back"]);
        assert_eq!(texts(&["/a"], &Target::Original), [":a>"]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!(runs(&[], &Target::Original), Err(SelectionError::Empty));
        for odd in ["a", "", "/a//b", "/a/../b", "/./a", "/a\0"] {
            assert!(runs(&[odd.as_bytes().to_vec()], &Target::Original).is_err(), "{odd:?}");
            assert!(runs(&[b"/a".to_vec()], &Target::Folder(odd.as_bytes().to_vec())).is_err(), "{odd:?}");
        }
    }
}
