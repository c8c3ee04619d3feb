//! The agent at work.

use std::path::PathBuf;
use std::sync::Arc;

use restic_manager_agent::config::Config;
use restic_manager_agent::{Agent, HostEnvironment, Shutdown, SystemClock, SystemRandom};

use crate::failure::{Failure, could_not};
use crate::signals;

/// Works until asked to stop. One thread: the agent is small, and restic does the work.
pub(crate) fn run(config: Config) -> Result<(), Failure> {
    let agent = Agent::builder(config, Arc::new(SystemClock), Arc::new(SystemRandom::new()))
        .environment(HostEnvironment::from_lookup(|name| std::env::var_os(name)))
        .credentials(credentials_folder())
        .build()
        .map_err(|error| Failure::Person(could_not(&error)))?;
    runtime()?.block_on(async {
        let shutdown = Shutdown::new();
        signals::obey(shutdown.clone()).map_err(|error| Failure::Again(could_not(&error)))?;
        agent.run(&shutdown).await;
        Ok(())
    })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Again(format!("could not start: {error}")))
}

/// Where systemd hands over what `LoadCredential=` names.
pub(crate) fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
