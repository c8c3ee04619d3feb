//! Restores: what of a snapshot is written where, and what happens to what is there.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    RawPath,
    limits::{PATH_BYTES, RESTORE_PATHS, RESTORE_PATHS_BYTES},
    rules,
    vocabulary::Overwrite,
};

/// What was chosen for a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "written by callers; a choice more is a new minor version")]
pub struct RestoreOptions {
    /// The full id of the snapshot: 64 hexadecimal digits.
    pub snapshot: String,
    /// What is restored: absolute paths inside the snapshot, 2,000 at most, each with all that lies below it. `/` is
    /// everything.
    pub paths: Vec<RawPath>,
    /// Where to.
    pub target: RestoreTarget,
    /// What happens to files that are there already; restic before 0.17 replaces them, and can do nothing else.
    pub overwrite: Overwrite,
    /// Whether files that are in the way, or in the restored folders and not in the snapshot, are removed. Needs restic
    /// 0.17.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub delete: bool,
    /// Whether all that was restored is read again and compared.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub verify: bool,
    /// Whether what is there is backed up into the same repository before anything is written, so that the restore can be
    /// undone.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub back_up_first: bool,
}

/// Where a restore writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "every end that writes must know each place")]
pub enum RestoreTarget {
    /// A folder, made where it is missing. What is restored lies in it as below the folder that all paths share.
    Folder {
        /// Its absolute path.
        path: String,
    },
    /// The place that everything had.
    Original {},
}

/// Why a restore cannot be, by the field that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
#[non_exhaustive]
pub struct InvalidRestore {
    /// The field of [`RestoreOptions`].
    pub field: &'static str,
    /// What it has to be: a fragment that fits behind the name of the field.
    pub message: &'static str,
}

/// A part of a restore that one run of restic does: some names of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: a folder, names in it, and where they go")]
pub struct RestoreStep {
    /// The folder inside the snapshot.
    pub folder: RawPath,
    /// What of it; all when there are none.
    pub names: Vec<RawPath>,
    /// The folder on the host that it goes to.
    pub target: RawPath,
}

impl RestoreOptions {
    /// A restore of everything, over nothing.
    #[must_use]
    pub fn new(snapshot: impl Into<String>, target: RestoreTarget) -> Self {
        Self {
            snapshot: snapshot.into(),
            paths: vec![RawPath::root()],
            target,
            overwrite: Overwrite::Never,
            delete: false,
            verify: false,
            back_up_first: false,
        }
    }

    /// Whether it can be asked for: what the server refuses to keep and an agent to do is the same.
    ///
    /// # Errors
    /// The first field that is wrong, and what it has to be.
    pub fn check(&self) -> Result<(), InvalidRestore> {
        let wrong = |field, message| Err(InvalidRestore { field, message });
        if !is_snapshot_id(&self.snapshot) {
            return wrong("snapshot", "the full id of a snapshot, 64 hexadecimal digits");
        }
        if self.paths.is_empty() || self.paths.len() > RESTORE_PATHS {
            return wrong("paths", "1 to 2000 paths; choose the folder that holds them, or restore in parts");
        }
        if self.paths.iter().map(|path| path.as_bytes().len()).sum::<usize>() > RESTORE_PATHS_BYTES {
            return wrong(
                "paths",
                "at most 256 KiB in all; choose the folder that holds them, or restore in parts",
            );
        }
        if !self.paths.iter().all(is_inside) {
            let message =
                "absolute paths inside the snapshot, without `.`, `..` or empty names, such as `/home/ada`";
            return wrong("paths", message);
        }
        match &self.target {
            RestoreTarget::Folder { path } if rules::absolute_path(path).is_err() => {
                wrong("target", "an absolute path of at most 4096 bytes, such as `/var/restores/web-1`")
            }
            RestoreTarget::Folder { path } if !is_plain(path) => {
                wrong("target", "a folder without `.`, `..` or empty names in its path, and not the root")
            }
            _ if self.delete && self.overwrite == Overwrite::Never => wrong(
                "delete",
                "removing goes with replacing; choose another way to overwrite, or remove nothing",
            ),
            _ => Ok(()),
        }
    }

    /// The runs of restic that do it: one for each folder that holds something that was chosen. What lies within
    /// something else that was chosen is restored with that, once.
    #[must_use]
    pub fn steps(&self) -> Vec<RestoreStep> {
        let mut chosen = self.paths.clone();
        chosen.sort();
        chosen.dedup();
        let mut outermost: Vec<RawPath> = Vec::new();
        for path in chosen {
            // Sorted by bytes, `/a-b` stands between `/a` and `/a/b`.
            if !outermost.iter().any(|outer| path.is_within(outer)) {
                outermost.push(path);
            }
        }
        let mut folders: BTreeMap<RawPath, Vec<RawPath>> = BTreeMap::new();
        for path in outermost {
            let names = folders.entry(path.parent()).or_default();
            if path != RawPath::root() {
                names.push(path.name());
            }
        }
        let shared = shared(folders.keys());
        let step = |(folder, names): (RawPath, Vec<RawPath>)| {
            let target = match &self.target {
                RestoreTarget::Original {} => folder.clone(),
                RestoreTarget::Folder { path } => below(&RawPath::new(path.as_str()), &shared, &folder),
            };
            RestoreStep { folder, names, target }
        };
        folders.into_iter().map(step).collect()
    }
}

/// Whether a text is the full id of a snapshot.
#[must_use]
pub fn is_snapshot_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a path is one inside a snapshot: absolute, each name a name.
#[must_use]
pub fn is_inside(path: &RawPath) -> bool {
    let bytes = path.as_bytes();
    let Some(rest) = bytes.strip_prefix(b"/") else { return false };
    let names = || rest.split(|byte| *byte == b'/');
    bytes.len() <= PATH_BYTES
        && !bytes.contains(&0)
        && (rest.is_empty() || names().all(|name| !matches!(name, b"" | b"." | b"..")))
}

/// Whether a path of a host means itself, and is not the root: no name in it leads elsewhere.
fn is_plain(path: &str) -> bool {
    let rest = path.trim_end_matches(['/', '\\']);
    let mut names = rest.split(['/', '\\']).skip(1).peekable();
    names.peek().is_some() && names.all(|name| !matches!(name, "" | "." | ".."))
}

/// The deepest folder that holds all of these, or is one of them.
fn shared<'p>(mut folders: impl Iterator<Item = &'p RawPath>) -> RawPath {
    let Some(first) = folders.next() else { return RawPath::root() };
    folders.fold(first.clone(), |mut shared, folder| {
        while !folder.is_within(&shared) {
            shared = shared.parent();
        }
        shared
    })
}

/// Where a folder goes below a target that takes the place of `shared`.
fn below(target: &RawPath, shared: &RawPath, folder: &RawPath) -> RawPath {
    let rest = folder.as_bytes().strip_prefix(shared.as_bytes()).unwrap_or_default();
    let mut path = target.as_bytes().to_vec();
    while path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    if rest.is_empty() { RawPath::new(path) } else { RawPath::new(path).join(&RawPath::new(rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(texts: &[&str]) -> Vec<RawPath> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn to_folder(texts: &[&str]) -> RestoreOptions {
        let target = RestoreTarget::Folder { path: "/var/restores/x".to_owned() };
        RestoreOptions { paths: paths(texts), ..RestoreOptions::new("a".repeat(64), target) }
    }

    fn step(folder: &str, names: &[&str], target: &str) -> RestoreStep {
        RestoreStep { folder: folder.parse().unwrap(), names: paths(names), target: target.parse().unwrap() }
    }

    #[test]
    fn one_run_for_each_folder_and_what_they_share_is_left_out() {
        let steps = to_folder(&["/srv/www/a", "/srv/www/b", "/srv/db/dump", "/srv/www/a/inner"]).steps();
        let wanted = [
            step("/srv/db", &["dump"], "/var/restores/x/db"),
            step("/srv/www", &["a", "b"], "/var/restores/x/www"),
        ];
        assert_eq!(steps, wanted);
        assert_eq!(to_folder(&["/etc/hosts"]).steps(), [step("/etc", &["hosts"], "/var/restores/x")]);
        assert_eq!(to_folder(&["/"]).steps(), [step("/", &[], "/var/restores/x")]);
        let both = to_folder(&["/a", "/a-b/c", "/a/b"]).steps();
        assert_eq!(both, [step("/", &["a"], "/var/restores/x"), step("/a-b", &["c"], "/var/restores/x/a-b")]);
        let place = RestoreOptions { target: RestoreTarget::Original {}, ..to_folder(&["/srv/www/a"]) };
        assert_eq!(place.steps(), [step("/srv/www", &["a"], "/srv/www")]);
    }

    #[test]
    fn what_cannot_be_restored_is_refused_by_its_field() {
        let good = to_folder(&["/srv/a"]);
        assert_eq!(good.check(), Ok(()));
        let many = vec![RawPath::new("/a"); RESTORE_PATHS + 1];
        let long = vec![RawPath::new(format!("/{}", "a".repeat(PATH_BYTES - 1))); 17];
        let folder = |path: &str| RestoreTarget::Folder { path: path.to_owned() };
        let wrong = [
            ("snapshot", RestoreOptions { snapshot: "latest".into(), ..good.clone() }),
            ("paths", RestoreOptions { paths: Vec::new(), ..good.clone() }),
            ("paths", RestoreOptions { paths: many, ..good.clone() }),
            ("paths", RestoreOptions { paths: long, ..good.clone() }),
            ("paths", to_folder(&["srv"])),
            ("paths", to_folder(&["/srv/../etc"])),
            ("paths", to_folder(&["/srv/"])),
            ("target", RestoreOptions { target: folder("srv"), ..good.clone() }),
            ("target", RestoreOptions { target: folder("/"), ..good.clone() }),
            ("target", RestoreOptions { target: folder("/srv/../etc"), ..good.clone() }),
            ("delete", RestoreOptions { delete: true, ..good.clone() }),
        ];
        for (field, options) in wrong {
            assert_eq!(options.check().map_err(|invalid| invalid.field), Err(field), "{options:?}");
        }
        let largest = vec![RawPath::new(format!("/{}", "\u{1}".repeat(PATH_BYTES - 1))); 16];
        assert_eq!(RestoreOptions { paths: largest, ..good }.check(), Ok(()));
    }

    proptest! {
        #[test]
        fn each_chosen_path_is_written_by_one_step(
            chosen in prop::collection::vec("(/[ab]{1,2}){1,3}", 1..8), in_place: bool
        ) {
            let mut options = to_folder(&chosen.iter().map(String::as_str).collect::<Vec<_>>());
            if in_place {
                options.target = RestoreTarget::Original {};
            }
            let steps = options.steps();
            let written: Vec<RawPath> = steps
                .iter()
                .flat_map(|step| step.names.iter().map(|name| step.folder.join(name)))
                .collect();
            for path in &options.paths {
                prop_assert_eq!(written.iter().filter(|outer| path.is_within(outer)).count(), 1);
            }
            for step in &steps {
                let in_folder = step.target.is_within(&RawPath::new("/var/restores/x"));
                prop_assert_eq!((step.target == step.folder, in_folder), (in_place, !in_place));
            }
        }
    }
}
