//! The restic of this host: looked for and asked for its version before each job, so that one that moved is found.

use std::{
    ffi::{OsStr, OsString},
    fmt, io,
    path::PathBuf,
    sync::Arc,
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

use super::stop::budget;
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
    #[error("{error}: {}", program.display())]
    Version { program: PathBuf, error: VersionError },
    #[error("work with restic {0}: restic {oldest} or newer is needed", oldest = Version::OLDEST)]
    TooOld(Version),
}

impl ResticError {
    /// How a job ends for it.
    pub(super) fn end(&self) -> JobEnd {
        let cause = match self {
            Self::TooOld(_) => Cause::ResticTooOld,
            Self::Version { error: VersionError::Killed, .. } => Cause::Killed,
            Self::Version { error: VersionError::Silent(_), .. } => Cause::ResticSilent,
            Self::Spawn(_) | Self::Version { .. } => Cause::ResticMissing,
        };
        let mut end = JobEnd::new(JobState::Failed, cause);
        end.detail = format!("could not {self}");
        end
    }
}

impl Restic {
    pub(crate) fn new(config: &Config, environment: HostEnvironment) -> Self {
        Self { configured: config.restic.clone(), environment, cache_folder: config.cache_folder() }
    }

    /// Finds restic, makes its cache folder, and asks for its version. Without the folder restic works without a cache.
    pub(crate) async fn ready(self: &Arc<Self>) -> Result<Ready, ResticError> {
        let this = Arc::clone(self);
        let look = tokio::task::spawn_blocking(move || (this.find(), files::make_folder(&this.cache_folder)));
        let (found, cache) = look.await.map_err(|_| SpawnError::System(io::ErrorKind::Other))?;
        let mut runner = Runner::new(found?);
        (runner.options.grace, runner.options.reap) = (budget::RESTIC, budget::KILLED);
        let environment = match cache {
            Ok(()) => self.environment.variables.clone().with_cache_directory(&self.cache_folder),
            Err(error) => {
                tracing::warn!("could not {error}; restic goes without its cache");
                self.environment.variables.clone()
            }
        };
        let version = version(&runner, &environment).await?;
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

    /// Where it is, if it is there. Looks at the disk.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.find().ok().map(|program| program.path().to_owned())
    }

    fn find(&self) -> Result<Program, SpawnError> {
        match &self.configured {
            Some(path) => Program::at(path),
            None => Program::find("restic", &self.environment.search_path),
        }
    }
}

/// A probe that was killed says nothing of restic, and is repeated once.
async fn version(runner: &Runner, environment: &Environment) -> Result<Version, ResticError> {
    let mut asked = runner.version(environment).await;
    if asked == Err(VersionError::Killed) {
        asked = runner.version(environment).await;
    }
    asked.map_err(|error| match error {
        VersionError::Spawn(error) => ResticError::Spawn(error),
        error => ResticError::Version { program: runner.program.path().to_owned(), error },
    })
}
