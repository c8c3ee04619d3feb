//! The demo: everything a newcomer wants to see, on real parts, in a temporary folder.
#![expect(clippy::print_stdout, reason = "the demo tells a person what it does")]

use std::path::Path;
use std::time::Duration;

use restic_manager_proto::api::jobs::Job;
use restic_manager_proto::api::snapshots::{Filter, List as ListSnapshots};
use restic_manager_proto::vocabulary::JobState;

use crate::agent::Agent;
use crate::failure::{Failure, Outcome};
use crate::files::{same_content, write_sample_files};
use crate::world::{ADMIN, ADMIN_PASSWORD, World};

const HOST: &str = "demo-host";
const MEGABYTES: usize = 48;
const WATCH_WITHIN: Duration = Duration::from_secs(300);

/// Runs the demo. With `once` it ends after the proof; otherwise it stays up until Ctrl-C.
pub async fn demo(once: bool) -> Outcome {
    step("starting a repository server and the restic-manager server");
    let world = World::start().await?;
    let files = world.path("files");
    write_sample_files(&files, MEGABYTES)?;

    step("inviting a host and enrolling an agent with the one-time token");
    let mut agent = world.enrol(HOST, &[&files]).await?;
    let job = back_up(&world, &agent).await?;
    check_snapshots(&world, &agent, &job).await?;
    prove_restore(&world, &files).await?;
    if !once {
        stay(&world, &files).await?;
    }
    step("stopping");
    agent.stop().await?;
    let mut world = world;
    world.server.stop().await?;
    Ok(())
}

async fn back_up(world: &World, agent: &Agent) -> Outcome<Job> {
    step("asking for a backup and following its live log");
    let job = world.ask_for_backup(agent.host()?).await?;
    let view = world.api.watch(job.id, 0, WATCH_WITHIN, |_| false).await?;
    for line in &view.lines {
        println!("    {}", line.text.escape_debug());
    }
    let job = world.ended(job.id).await?;
    println!("    {:?}: {} log lines, {} progress reports", job.state, view.lines.len(), view.progress.len());
    if job.state != JobState::Succeeded {
        return Err(Failure::new(format!("the backup ended {:?}: {} {}", job.state, job.detail, job.advice)));
    }
    if view.lines.len() as u64 != job.log_lines {
        return Err(Failure::new(format!("{} lines were shown of {}", view.lines.len(), job.log_lines)));
    }
    Ok(job)
}

async fn check_snapshots(world: &World, agent: &Agent, job: &Job) -> Outcome {
    let host = agent.host()?.to_string();
    let listed = world.api.call::<ListSnapshots>(&[&host], Some(&Filter::default()), None).await?;
    let made = job.statistics.as_ref().and_then(|statistics| statistics.snapshot.clone());
    let made = made.ok_or_else(|| Failure::new("the job names no snapshot"))?;
    if !listed.items.iter().any(|listed| listed.snapshot.id == made) {
        return Err(Failure::new(format!("snapshot {made} is not listed")));
    }
    println!("    snapshot {} is listed", made.get(..8).unwrap_or(&made));
    Ok(())
}

async fn prove_restore(world: &World, files: &Path) -> Outcome {
    step("restoring with plain restic and comparing byte for byte");
    let target = world.path("restored");
    world.restic()?.restore_latest(&target).await?;
    let below = files.strip_prefix("/")?;
    same_content(files, &target.join(below))?;
    println!("    all files are the same");
    Ok(())
}

async fn stay(world: &World, files: &Path) -> Outcome {
    println!("\n  Open       {}", world.server.base_url());
    println!("  Sign in    {ADMIN} / {ADMIN_PASSWORD}");
    println!("  Then       Hosts > {HOST} > Back up now, and watch the job; change something below");
    println!("             {}", files.display());
    println!("             first, if you like. Add host shows how another machine would join.");
    println!("\n  Everything is in {} and goes away at the end: press Ctrl-C.\n", world.folder().display());
    Ok(tokio::signal::ctrl_c().await?)
}

fn step(text: &str) {
    println!("==> {text}");
}
