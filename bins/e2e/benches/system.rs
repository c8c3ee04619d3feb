//! Figures of the whole: memory at rest, time from request to command, what a backup costs more than bare restic.
//!
//! Prints, asserts nothing. Run by `cargo xtask bench system`, which builds the binaries as they are shipped.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are for people")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use restic_manager_e2e::{
    Agent, Failure, Outcome, REPOSITORY_PASSWORD, Restic, World, WorldOptions, write_sample_files,
};
use restic_manager_proto::HostId;
use restic_manager_proto::api::jobs::{Create, NewJob};
use restic_manager_proto::vocabulary::{JobKind, JobState};

const DISPATCHES: usize = 60;
const BACKUPS: usize = 5;
const MEGABYTES: usize = 256;

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
    let world = World::with(WorldOptions {
        log: "warn,restic_manager_server_bin=info".to_owned(),
        ..WorldOptions::default()
    })
    .await?;
    let files = world.path("files");
    std::fs::create_dir(&files)?;
    write_sample_files(&files, MEGABYTES)?;
    let mut agent = world.enrol("bench", &[&files]).await?;
    first_backup(&world, &agent).await?;
    memory(&world, &mut agent)?;
    dispatch(&world, agent.host()?).await?;
    backups(&world, agent.host()?).await
}

async fn first_backup(world: &World, agent: &Agent) -> Outcome {
    let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    if job.state == JobState::Succeeded {
        Ok(())
    } else {
        Err(Failure::new(format!("the backup failed: {job:?}")))
    }
}

/// After a first backup, with one agent connected and nothing running.
fn memory(world: &World, agent: &mut Agent) -> Outcome {
    println!("memory at rest             RSS MB   private MB");
    for (name, id) in [("server", world.server.id()), ("agent", agent.running()?.id())] {
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
        let private = kilobytes(&rollup, "Private_Clean:") + kilobytes(&rollup, "Private_Dirty:");
        println!("  {name:<20} {:>10.1} {:>12.1}", kilobytes(&rollup, "Rss:") / 1024.0, private / 1024.0);
    }
    Ok(())
}

fn kilobytes(rollup: &str, field: &str) -> f64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// From sending the request until the server knows that the agent has the command; a loop-back network.
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn dispatch(world: &World, host: HostId) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..DISPATCHES {
        let body = NewJob { host, kind: JobKind::ListSnapshots, source_group: None, repository: None };
        let start = Instant::now();
        let job = world.api.call::<Create>(&[], None, Some(&body)).await?;
        let mut dispatched = job.dispatched_at.is_some();
        while !dispatched {
            let job = world.api.job(job.id).await?;
            dispatched = job.dispatched_at.is_some() || job.state.is_end();
        }
        times.push(start.elapsed());
        world.ended(job.id).await?;
    }
    times.sort();
    println!("\nPOST job to command acknowledged, {DISPATCHES} times");
    println!("  p50 {:>8.2} ms", milliseconds(times[times.len() / 2]));
    println!("  p99 {:>8.2} ms", milliseconds(times[times.len() * 99 / 100]));
    Ok(())
}

/// The same files, touched so that each run reads all of them, in turns: by the agent, and by restic alone.
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn backups(world: &World, host: HostId) -> Outcome {
    let files = world.path("files").to_string_lossy().into_owned();
    let bare = Restic::open(&world.storage.location_with_user("bare"), REPOSITORY_PASSWORD)?;
    bare.run(&["init"]).await?;
    bare.run(&["backup", "--json", &files]).await?;
    let (mut through_agent, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..BACKUPS {
        touch(&world.path("files"))?;
        let job = world.ended(world.ask_for_backup(host).await?.id).await?;
        let spent = job.statistics.map_or(0, |statistics| statistics.duration_milliseconds);
        through_agent.push(Duration::from_millis(spent));
        touch(&world.path("files"))?;
        let start = Instant::now();
        bare.run(&["backup", "--json", &files]).await?;
        alone.push(start.elapsed());
    }
    through_agent.sort();
    alone.sort();
    let (agent, bare) = (through_agent[BACKUPS / 2], alone[BACKUPS / 2]);
    println!("\nbackup of {MEGABYTES} MB read again, median of {BACKUPS}");
    println!("  restic alone       {:>8.0} ms", milliseconds(bare));
    println!(
        "  through the agent  {:>8.0} ms, ratio {:.3}",
        milliseconds(agent),
        agent.as_secs_f64() / bare.as_secs_f64()
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a new time of change makes restic read a file again")]
fn touch(folder: &Path) -> Outcome {
    for entry in std::fs::read_dir(folder.join("photos"))? {
        std::fs::File::options()
            .append(true)
            .open(entry?.path())?
            .set_modified(std::time::SystemTime::now())?;
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
