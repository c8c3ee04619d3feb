use std::time::Duration;

use super::{
    driver::{self, Mode},
    error::{SpawnError, VersionError},
    finished::{Captured, Stop},
    input::Input,
    options::Options,
    program::Program,
    running::{Running, Streaming},
};
use crate::{
    Version,
    command::{Environment, Invocation, ShowVersion},
    exit::Termination,
};

/// Starts restic. Cheap to clone and to change for a single run.
///
/// Its methods have to be called on a tokio runtime with time and I/O enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Runner {
    /// The program.
    pub program: Program,
    /// How it is run.
    pub options: Options,
}

impl Runner {
    /// Runs `program` with the default options.
    pub fn new(program: Program) -> Self {
        Self { program, options: Options::default() }
    }

    /// The same with other options.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Starts a command that prints events or text.
    ///
    /// # Errors
    ///
    /// The program was not started. Dropping the future before it is ready kills what may have been started.
    pub async fn spawn(&self, invocation: &Invocation, input: Input) -> Result<Running, SpawnError> {
        let ends = driver::start(&self.program, invocation, &self.options, input, Mode::Events).await?;
        Ok(Running::new(ends))
    }

    /// Starts a command whose output is wanted as it is: the content of files, or a document too large to be kept.
    ///
    /// # Errors
    ///
    /// The program was not started.
    pub async fn stream(&self, invocation: &Invocation) -> Result<Streaming, SpawnError> {
        let ends = driver::start(&self.program, invocation, &self.options, Input::Null, Mode::Bytes).await?;
        Ok(Streaming::new(ends))
    }

    /// Runs a command to its end and keeps its output, at most `limit_bytes` of it.
    ///
    /// A command that prints more is stopped, see [`Stop::OutputTooLong`]. Dropping the future abandons the run.
    ///
    /// # Errors
    ///
    /// The program was not started.
    pub async fn capture(&self, invocation: &Invocation, limit_bytes: usize) -> Result<Captured, SpawnError> {
        let (stdout, finished) = self.stream(invocation).await?.collect(limit_bytes).await;
        Ok(Captured { stdout, finished })
    }

    /// Asks the program for its version.
    ///
    /// # Errors
    ///
    /// It was not started, is no restic, or did not answer within ten seconds.
    pub async fn version(&self, environment: &Environment) -> Result<Version, VersionError> {
        const PATIENCE: Duration = Duration::from_secs(10);
        const LIMIT_BYTES: usize = 64 * 1024;
        let invocation = ShowVersion::new().prepare(environment).map_err(|_| SpawnError::Input)?;
        let options = Options { deadline: Some(PATIENCE), grace: PATIENCE, ..self.options.clone() };
        let captured = self.clone().with_options(options).capture(&invocation, LIMIT_BYTES).await?;
        if captured.finished.stop == Some(Stop::DeadlinePassed) {
            return Err(VersionError::Silent(PATIENCE));
        }
        if matches!(captured.finished.outcome.termination, Termination::Signal(_)) {
            return Err(VersionError::Killed);
        }
        Ok(Version::from_output(&captured.stdout)?)
    }
}
