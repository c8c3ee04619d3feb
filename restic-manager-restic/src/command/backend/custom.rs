use std::ffi::OsStr;
use std::fmt;

use crate::command::draft::{Draft, Side, Variable};
use crate::command::environment::check_name;
use crate::command::error::CommandError;
use crate::command::secret::Secret;
use crate::redact;

/// The escape hatch: a location as restic takes it, with the variables and options its backend reads.
///
/// Nothing is checked but the form, so nothing is protected but what is given as a [`Secret`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Custom {
    /// The location as after `-r`, without a password in it.
    pub location: String,
    /// Variables that restic prints or that are no secret.
    pub variables: Vec<(String, String)>,
    /// Variables that hold secrets.
    pub secrets: Vec<(String, Secret)>,
    /// Extended options, `key=value` after `-o`. They are seen in the process list, and some, such as `sftp.command`,
    /// name programs to run: take them only from whoever may run programs anyway.
    pub options: Vec<String>,
}

impl Custom {
    /// A repository at `location`.
    pub fn new(location: impl Into<String>) -> Self {
        Self { location: location.into(), variables: Vec::new(), secrets: Vec::new(), options: Vec::new() }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.location(side, OsStr::new(&self.location));
        let plain = self.variables.iter().map(|(name, value)| (name, Variable::plain(value)));
        let secret = self.secrets.iter().map(|(name, value)| (name, Variable::Secret(value.clone())));
        for (name, value) in plain.chain(secret) {
            match check_name(OsStr::new(name)) {
                Ok(()) if is_for_others(name) => draft.refuse(CommandError::Invalid {
                    what: "a variable of a backend",
                    reason: "variables of restic itself and of the system's loader are not for backends",
                }),
                Ok(()) => draft.set(name, value),
                Err(error) => draft.refuse(error),
            }
        }
        for option in &self.options {
            if !option.contains('=') {
                draft.refuse(CommandError::Invalid {
                    what: "an extended option",
                    reason: "it must be key=value",
                });
            }
            draft.option("-o", option);
        }
    }
}

/// Values of variables are left out: this type cannot know which of them matter.
impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .variables
            .iter()
            .map(|(name, _)| name)
            .chain(self.secrets.iter().map(|(name, _)| name))
            .collect();
        f.debug_struct("Custom")
            .field("location", &redact::text(&self.location))
            .field("variables", &names)
            .field("options", &self.options.len())
            .finish()
    }
}

/// Names that change restic itself, or which code runs.
fn is_for_others(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "PATH" || ["RESTIC_", "LD_", "DYLD_", "GODEBUG"].iter().any(|start| name.starts_with(start))
}
