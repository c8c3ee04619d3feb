//! Figures of the whole: memory at rest, time from request to command, what a backup costs more than bare restic, what
//! an idle agent costs.
//!
//! Prints, asserts nothing. Run by `cargo xtask bench system`, which builds the binaries as they are shipped.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are for people")]

mod backups;
mod connections;
mod dispatch;
mod figures;
mod floor;
mod memory;

use std::process::ExitCode;

use restic_manager_e2e::{Outcome, Tools, World, WorldOptions};

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("could not measure: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome {
    let log = "warn,restic_manager_server_bin=info,restic_manager_server=info".to_owned();
    conditions()?;
    let mut world = World::with(WorldOptions { log, ..WorldOptions::default() }).await?;
    dispatch::measure(&world).await?;
    let mut agent = backups::measure(&world).await?;
    memory::measure(&world, &mut agent)?;
    agent.stop().await?;
    connections::measure(&mut world).await
}

/// What the figures depend on.
fn conditions() -> Outcome {
    let server = Tools::binary("restic-manager-server")?;
    let build = server.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    let processors = std::thread::available_parallelism()?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    println!("programs from {}, {processors} processors, load {load} before", build.display());
    Ok(())
}
