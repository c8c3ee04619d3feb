use super::{
    draft::Draft,
    environment::Environment,
    error::CommandError,
    invocation::{Invocation, Stdout, Variable},
};
use crate::Version;

/// `restic version`: the one command that needs no repository and no knowledge of the version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShowVersion;

impl ShowVersion {
    /// The question.
    pub fn new() -> Self {
        Self
    }

    /// Writes it down.
    ///
    /// # Errors
    ///
    /// A variable of `environment` cannot be passed on.
    pub fn prepare(&self, environment: &Environment) -> Result<Invocation, CommandError> {
        let mut draft = Draft::new("version", &Version::OLDEST);
        draft.stdout(Stdout::Document);
        for (name, value) in environment.iter() {
            draft.set(name.clone(), Variable::Plain(value.clone()));
        }
        draft.finish()
    }
}
