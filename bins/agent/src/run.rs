//! The agent at work.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use restic_manager_agent::config::Config;
use restic_manager_agent::{Agent, AgentError, HostEnvironment, Shutdown, SystemClock, SystemRandom};

use crate::failure::{Failure, could_not};
use crate::signals;

/// How long what is being written when the agent leaves may take.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Works until asked to stop. One thread: the agent is small, and restic does the work.
pub(crate) fn run(config: Config) -> Result<(), Failure> {
    let agent = Agent::builder(config, Arc::new(SystemClock), Arc::new(SystemRandom::new()))
        .environment(HostEnvironment::from_lookup(|name| std::env::var_os(name)))
        .credentials(credentials_folder())
        .build()
        .map_err(|error| sort(&error))?;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let shutdown = Shutdown::new();
        signals::obey(shutdown.clone()).map_err(|error| Failure::Again(could_not(&error)))?;
        agent.run(&shutdown).await;
        Ok(())
    });
    // A disk that does not answer keeps nobody.
    runtime.shutdown_timeout(LAST_WRITES);
    ended
}

fn sort(error: &AgentError) -> Failure {
    let text = could_not(error);
    if error.is_transient() { Failure::Again(text) } else { Failure::Person(text) }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Again(format!("could not start: {error}")))
}

/// Where systemd hands over what `LoadCredential=` names.
pub(crate) fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
