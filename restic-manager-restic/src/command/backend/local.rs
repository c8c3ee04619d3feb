use std::path::PathBuf;

use crate::command::draft::{Draft, Side};
use crate::command::error::CommandError;

/// A folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Local {
    /// The folder; absolute.
    pub path: PathBuf,
}

impl Local {
    /// A repository in the folder `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        if !self.path.is_absolute() {
            draft.refuse(CommandError::Invalid {
                what: "the folder of a local repository",
                reason: "it must be an absolute path",
            });
        }
        draft.location(side, self.path.as_os_str());
    }
}
