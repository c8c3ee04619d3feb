//! The restic of this host: found once, asked for its version before each job.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    sync::OnceLock,
};

use restic_manager_proto::{
    JobEnd,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    Version,
    command::{CommandError, Environment},
    process::{Program, Runner, SpawnError, VersionError},
};

use crate::{config::Config, files};

/// Where programs are looked for when nobody says where.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What restic inherits of the agent's environment: the search path, the home, the folder for temporary files and
/// the proxies. Everything else is left behind.
#[derive(Clone, PartialEq, Eq)]
pub struct HostEnvironment {
    search_path: OsString,
    variables: Environment,
}

impl HostEnvironment {
    /// Takes over what `lookup` knows, usually [`std::env::var_os`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let search_path = lookup("PATH").unwrap_or_else(|| SEARCH_PATH.into());
        Self { search_path, variables: Environment::from_lookup(&lookup).with_proxy(&lookup) }
    }
}

impl Default for HostEnvironment {
    /// The usual search path and nothing else.
    fn default() -> Self {
        Self::from_lookup(|name| (name == "PATH").then(|| SEARCH_PATH.into()))
    }
}

impl fmt::Debug for HostEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostEnvironment").field("search_path", &self.search_path).finish_non_exhaustive()
    }
}

/// The restic of this host.
#[derive(Debug)]
pub(crate) struct Restic {
    configured: Option<PathBuf>,
    environment: HostEnvironment,
    cache_folder: PathBuf,
    found: OnceLock<Program>,
}

/// A restic that can be run.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) runner: Runner,
    pub(crate) version: Version,
    pub(crate) environment: Environment,
}

/// restic cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResticError {
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    #[error("{0}")]
    Version(#[from] VersionError),
    #[error("work with restic {0}: restic {oldest} or newer is needed", oldest = Version::OLDEST)]
    TooOld(Version),
}

impl ResticError {
    /// How a job ends for it.
    pub(super) fn end(&self) -> JobEnd {
        let cause = match self {
            Self::TooOld(_) => Cause::ResticTooOld,
            Self::Spawn(_) | Self::Version(_) => Cause::ResticMissing,
        };
        let mut end = JobEnd::new(JobState::Failed, cause);
        end.detail = format!("could not {self}");
        end
    }
}

impl Restic {
    pub(crate) fn new(config: &Config, environment: HostEnvironment) -> Self {
        Self {
            configured: config.restic.clone(),
            environment,
            cache_folder: config.cache_folder(),
            found: OnceLock::new(),
        }
    }

    /// Finds restic, makes its cache folder, and asks for its version. Once found it is not looked for again.
    pub(crate) async fn ready(&self) -> Result<Ready, ResticError> {
        let runner = Runner::new(self.program()?);
        if let Err(error) = files::make_folder(&self.cache_folder) {
            tracing::warn!("could not {error}; restic may go without its cache");
        }
        let environment = self.environment.variables.clone().with_cache_directory(&self.cache_folder);
        let version = runner.version(&environment).await?;
        if version < Version::OLDEST {
            return Err(ResticError::TooOld(version));
        }
        Ok(Ready { runner, version, environment })
    }

    /// Where programs are looked for.
    pub(super) fn search_path(&self) -> &OsStr {
        &self.environment.search_path
    }

    /// What a script inherits: what restic does, and the search path in any case.
    pub(super) fn script_environment(&self) -> Result<Environment, CommandError> {
        self.environment.variables.clone().with_variable("PATH", self.search_path())
    }

    /// Its absolute path, once it has been found.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.program().ok().map(|program| program.path().to_owned())
    }

    fn program(&self) -> Result<Program, SpawnError> {
        if let Some(program) = self.found.get() {
            return Ok(program.clone());
        }
        let program = match &self.configured {
            Some(path) => Program::at(path)?,
            None => Program::find("restic", &self.environment.search_path)?,
        };
        Ok(self.found.get_or_init(|| program).clone())
    }
}
