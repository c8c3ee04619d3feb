//! Becoming a host without a token.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use restic_manager_agent::config::ServerUrl;
use restic_manager_agent::link::{Announcing, TcpDialer, announce as wait};
use restic_manager_agent::{Shutdown, SystemClock, SystemRandom};

use crate::enrol::{HostArguments, sort, welcome};
use crate::failure::{Failure, could_not};
use crate::run::runtime;
use crate::signals;

/// An admin accepts this host by its fingerprint, within an hour. No secret is needed: the command may stand in an image.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The server, such as `https://backup.example.com`
    #[arg(value_name = "URL", env = "RM_SERVER")]
    server: ServerUrl,
    #[command(flatten)]
    host: HostArguments,
}

/// Waits for the verdict and returns what to tell the operator.
pub(crate) fn announce(arguments: &Arguments, config_path: &Path) -> Result<String, Failure> {
    let request = arguments.host.request(arguments.server.clone(), config_path)?;
    let dialer = TcpDialer::new(&request.config);
    let (clock, random) = (Arc::new(SystemClock) as _, Arc::new(SystemRandom::new()) as _);
    runtime()?.block_on(async {
        let shutdown = Shutdown::new();
        signals::obey(shutdown.clone()).map_err(|error| Failure::Again(could_not(&error)))?;
        let enrolled = wait(request, &mut tell, &dialer, &clock, &random, &shutdown).await;
        Ok(welcome(&enrolled.map_err(sort)?))
    })
}

fn tell(news: Announcing) {
    match news {
        Announcing::Key(fingerprint) => {
            println!("\nThe fingerprint of this host:\n\n    {fingerprint}\n");
            println!(
                "An admin compares it on the page of hosts that wait, and accepts or rejects this host."
            );
        }
        Announcing::Waiting(time) => {
            println!("Announced. Waiting for an admin, {} minutes at most.", time.as_secs().div_ceil(60));
        }
        Announcing::Again { reason, pause } => {
            println!("{reason}; trying again in {} seconds", pause.as_secs().max(1));
        }
        _ => {}
    }
}
