//! Scripts that run around a backup, and commands whose output is backed up.

use serde::{Deserialize, Serialize};

use crate::{SecretText, vocabulary::Shell};

/// What runs before and after a backup. As JSON it is what is sealed, at rest and on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "complete: there is a before and an after")]
pub struct Hooks {
    /// Runs before the backup, which fails when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre: Option<Hook>,
    /// Runs after the backup, however that ended; a whole backup counts as incomplete when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<Hook>,
}

/// One script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Hook {
    /// What reads it: `sh` or `bash`, on Windows `powershell`.
    pub shell: Shell,
    /// Its text, at most 16 KiB.
    pub script: SecretText,
    /// 1 to 86,400: after so many seconds it is killed with everything it started, and has failed.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 86_400)))]
    pub timeout_seconds: u32,
}

impl Hooks {
    /// Whether nothing runs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pre.is_none() && self.post.is_none()
    }
}

/// A command whose output is backed up as one file. Everybody who may list the host's processes reads its words, so
/// they hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "written by callers; a choice more is a new minor version")]
pub struct CommandSource {
    /// The shell that runs the command; the program is started as it stands when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Shell>,
    /// The program and its arguments, such as `["pg_dump", "shop"]`; with a shell, one line for it.
    pub words: Vec<String>,
    /// What the file is called in the snapshot, such as `shop.sql`.
    pub file_name: String,
}
