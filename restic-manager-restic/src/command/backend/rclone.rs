use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::quoted;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::secret::Secret;

/// A remote of rclone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rclone {
    /// The name of the remote in rclone's configuration.
    pub remote: String,
    /// The path inside the remote.
    pub path: String,
    /// The program, where it is not `rclone` on the search path.
    pub program: Option<PathBuf>,
    /// The configuration file, where it is not the user's.
    pub config_file: Option<PathBuf>,
    /// The password of an encrypted configuration file.
    pub config_password: Option<Secret>,
}

impl Rclone {
    /// A repository at `remote:path`.
    pub fn new(remote: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            remote: remote.into(),
            path: path.into(),
            program: None,
            config_file: None,
            config_password: None,
        }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the remote of rclone", &self.remote);
        draft.location(side, OsStr::new(&format!("rclone:{}:{}", self.remote, self.path)));
        if let Some(program) = &self.program {
            let mut option = OsString::from("rclone.program=");
            option.push(quoted(program.as_os_str(), draft));
            draft.option("-o", option);
        }
        if let Some(file) = &self.config_file {
            draft.set("RCLONE_CONFIG", Variable::plain(file));
        }
        if let Some(password) = &self.config_password {
            draft.set("RCLONE_CONFIG_PASS", Variable::Secret(password.clone()));
        }
    }
}
