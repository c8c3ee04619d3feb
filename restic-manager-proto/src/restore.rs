//! Restores: what of a snapshot is written where, and what happens to what is there.

use serde::{Deserialize, Serialize};

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
    /// The id of the plan that was looked at: the restore does what it said, or does not begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
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
            plan: None,
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
            _ if self.plan.as_deref().is_some_and(|id| !is_digest(id)) => {
                wrong("plan", "the id of a plan, such as `sha256:` and 64 hexadecimal digits")
            }
            _ if self.delete && self.overwrite == Overwrite::Never => wrong(
                "delete",
                "removing goes with replacing; choose another way to overwrite, or remove nothing",
            ),
            _ => Ok(()),
        }
    }
}

/// Whether a text is the full id of a snapshot.
#[must_use]
pub fn is_snapshot_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_snapshot_id)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<RawPath> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn to_folder(texts: &[&str]) -> RestoreOptions {
        let target = RestoreTarget::Folder { path: "/var/restores/x".to_owned() };
        RestoreOptions { paths: paths(texts), ..RestoreOptions::new("a".repeat(64), target) }
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
            ("plan", RestoreOptions { plan: Some("latest".into()), ..good.clone() }),
        ];
        for (field, options) in wrong {
            assert_eq!(options.check().map_err(|invalid| invalid.field), Err(field), "{options:?}");
        }
        let largest = vec![RawPath::new(format!("/{}", "\u{1}".repeat(PATH_BYTES - 1))); 16];
        assert_eq!(RestoreOptions { paths: largest, ..good }.check(), Ok(()));
    }
}
