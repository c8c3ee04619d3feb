//! What a host lets its server do. The rules stand in a file on the host that no server can change; the agent asks
//! them before it acts, and reports them, so that servers and pages can tell beforehand what will be refused.
//!
//! ```
//! use restic_manager_proto::policy::{Act, HostPolicy};
//!
//! let mut policy = HostPolicy::default();
//! policy.backup_roots = Some(vec!["/home".to_owned()]);
//! assert!(policy.decide(&Act::BackUp { path: "/home/alice" }).is_ok());
//! let refused = policy.decide(&Act::BackUp { path: "/etc" }).unwrap_err();
//! assert_eq!(refused.to_string(), "the host's policy lets it back up /home only, not /etc");
//! ```

mod path;
mod pattern;
mod report;

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::{
    Bandwidth,
    rules::{Location, Storage},
};

pub use report::{PolicyReport, PolicySource};

/// The rules of one host.
///
/// The default is what holds on a host without a policy file: backups of and restores to any place, any repository but
/// those behind rclone, updates, and no hooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct HostPolicy {
    /// Folders that may be backed up, with what is below them; any when absent.
    pub backup_roots: Option<Vec<String>>,
    /// Folders that may be restored to, with what is below them; any when absent.
    pub restore_roots: Option<Vec<String>>,
    /// Which hooks may run.
    pub hooks: HookRule,
    /// Whether the server may replace the agent by a newer one.
    pub updates: bool,
    /// Patterns of the locations of repositories that may be used; any when absent. `*` stands for anything within a
    /// name, in a folder `**` for anything; `STORAGE:**` for every location of a storage. Storage, scheme, user, host,
    /// port and folder are compared each by itself.
    pub repositories: Option<Vec<String>>,
    /// Whether repositories may be reached by rclone, whose configuration on this host names programs to run. Besides,
    /// the location must be allowed.
    #[serde(skip_serializing_if = "is_false")]
    pub rclone: bool,
    /// Most KiB a second that restic may send.
    pub upload_limit_kib: Option<u32>,
    /// Most KiB a second that restic may receive.
    pub download_limit_kib: Option<u32>,
}

impl Default for HostPolicy {
    fn default() -> Self {
        Self {
            backup_roots: None,
            restore_roots: None,
            hooks: HookRule::None {},
            updates: true,
            repositories: None,
            rclone: false,
            upload_limit_kib: None,
            download_limit_kib: None,
        }
    }
}

/// Which hooks may run on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "rule", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HookRule {
    /// None.
    None {},
    /// Those whose text has one of these digests, each `sha256:` and 64 hexadecimal digits.
    Listed {
        /// The digests.
        digests: Vec<String>,
    },
    /// Any that the server sends.
    Any {},
    /// A rule of a newer agent, read as none.
    #[serde(other)]
    Unknown,
}

impl Default for HookRule {
    fn default() -> Self {
        Self::None {}
    }
}

/// Something that a server wants a host to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act<'a> {
    /// Read a path and what is below it.
    BackUp {
        /// The path, absolute.
        path: &'a str,
    },
    /// Write below a folder.
    RestoreTo {
        /// The folder, absolute.
        folder: &'a str,
    },
    /// Run a hook, or another text that a shell executes.
    RunHook {
        /// `sha256:` and the hexadecimal digest of its text.
        digest: &'a str,
    },
    /// Replace the agent.
    Update {},
    /// Speak to a repository.
    UseRepository {
        /// Its location, as restic is told.
        location: &'a str,
    },
}

/// The policy of the host forbids an act. The text says what is allowed instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    reason: String,
}

impl Refused {
    /// A refusal for a reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl core::error::Error for Refused {}

/// A rule means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {value:?} is not {wanted}")]
#[non_exhaustive]
pub struct InvalidRule {
    key: &'static str,
    value: String,
    wanted: &'static str,
}

/// Most entries of one list, and longest entry.
const MOST_ENTRIES: usize = 64;
const LONGEST_ENTRY: usize = 1024;

impl HostPolicy {
    /// Whether the host may do something.
    ///
    /// Paths are judged as they are written. Whoever can look at the disk asks again for what they lead to; a path
    /// with `..` is refused wherever roots are named, because what it leads to cannot be read from it.
    ///
    /// # Errors
    /// When it may not, in words for the people who asked for it.
    pub fn decide(&self, act: &Act<'_>) -> Result<(), Refused> {
        match *act {
            Act::BackUp { path } => within(self.backup_roots.as_deref(), path, "back up"),
            Act::RestoreTo { folder } => within(self.restore_roots.as_deref(), folder, "restore to"),
            Act::RunHook { digest } => self.decide_hook(digest),
            Act::Update {} if self.updates => Ok(()),
            Act::Update {} => Err(Refused::new("the host's policy does not let the server update the agent")),
            Act::UseRepository { location } => self.decide_repository(location),
        }
    }

    /// How fast restic may be at most.
    #[must_use]
    pub const fn bandwidth(&self) -> Bandwidth {
        Bandwidth { upload_kib: self.upload_limit_kib, download_kib: self.download_limit_kib }
    }

    /// Whether each rule means something.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), InvalidRule> {
        let absolute = "an absolute path without “..”, such as /home";
        check_list("backup_roots", self.backup_roots.as_deref(), absolute, |root| {
            path::parts(root).is_some()
        })?;
        check_list("restore_roots", self.restore_roots.as_deref(), absolute, |root| {
            path::parts(root).is_some()
        })?;
        let location = "a pattern of locations, such as rest:https://backup.example.com/** or s3:**";
        check_list("repositories", self.repositories.as_deref(), location, |pattern| {
            pattern::is_pattern(pattern)
        })?;
        if let HookRule::Listed { digests } = &self.hooks {
            let digest = "sha256: and 64 hexadecimal digits in lower case, or the word none or any";
            check_list("hooks", Some(digests), digest, is_digest)?;
        }
        for (key, limit) in
            [("upload_limit_kib", self.upload_limit_kib), ("download_limit_kib", self.download_limit_kib)]
        {
            if limit == Some(0) {
                return Err(InvalidRule { key, value: "0".to_owned(), wanted: "a limit of at least 1" });
            }
        }
        Ok(())
    }

    fn decide_hook(&self, digest: &str) -> Result<(), Refused> {
        match &self.hooks {
            HookRule::Any {} => Ok(()),
            HookRule::Listed { digests } if digests.iter().any(|listed| listed == digest) => Ok(()),
            HookRule::Listed { .. } => Err(Refused::new(format!(
                "the host's policy lets only listed hooks run, and {} is not listed",
                shown(digest)
            ))),
            HookRule::None {} | HookRule::Unknown => Err(Refused::new("the host's policy lets no hooks run")),
        }
    }

    fn decide_repository(&self, location: &str) -> Result<(), Refused> {
        let parsed = Location::parse(location).map_err(|refusal| {
            Refused::new(format!(
                "no host uses the repository at {}: a location is {refusal}",
                shown(location)
            ))
        })?;
        if parsed.storage() == Storage::Rclone && !self.rclone {
            return Err(Refused::new(format!(
                "the host's policy does not let it use rclone, so not the repository at {}; its owner allows it with \
                 rclone = true",
                shown(location)
            )));
        }
        let Some(patterns) = &self.repositories else { return Ok(()) };
        if !pattern::leads_astray(&parsed)
            && patterns.iter().any(|allowed| pattern::matches(allowed, &parsed))
        {
            return Ok(());
        }
        let allowed = patterns.join(", ");
        let allowed = if allowed.is_empty() { "none" } else { &allowed };
        Err(Refused::new(format!(
            "the host's policy does not let it use the repository at {}; it allows {}",
            shown(location),
            shown(allowed)
        )))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn within(roots: Option<&[String]>, path: &str, verb: &str) -> Result<(), Refused> {
    let Some(roots) = roots else { return Ok(()) };
    if let Some(parts) = path::parts(path) {
        let holds = |root: &String| path::parts(root).is_some_and(|root| parts.starts_with(&root));
        if roots.iter().any(holds) {
            return Ok(());
        }
    }
    let roots = roots.join(", ");
    Err(Refused::new(if roots.is_empty() {
        format!("the host's policy lets it {verb} nothing, so not {}", shown(path))
    } else {
        format!("the host's policy lets it {verb} {} only, not {}", shown(&roots), shown(path))
    }))
}

fn check_list(
    key: &'static str,
    list: Option<&[String]>,
    wanted: &'static str,
    is_good: impl Fn(&str) -> bool,
) -> Result<(), InvalidRule> {
    let list = list.unwrap_or_default();
    if list.len() > MOST_ENTRIES {
        return Err(InvalidRule { key, value: list.len().to_string(), wanted: "at most 64 entries" });
    }
    let bad = list.iter().find(|entry| entry.len() > LONGEST_ENTRY || !is_good(entry));
    bad.map_or(Ok(()), |entry| Err(InvalidRule { key, value: shown(entry).to_owned(), wanted }))
}

fn is_digest(text: &str) -> bool {
    let hex =
        |digits: &str| digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.strip_prefix("sha256:").is_some_and(hex)
}

/// So much of a text as fits into a sentence.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(512)]
}

#[cfg(test)]
mod tests;
