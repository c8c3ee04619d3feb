//! Whether a speed limit holds: bytes a second from the agent's restic to the real rest-server, unlimited and limited, in
//! the same run.
//!
//! Prints, asserts nothing. Run by `cargo xtask bench bandwidth`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are for people")]

use std::{fs, path::Path, process::ExitCode};

use restic_manager_e2e::{Agent, Failure, Outcome, World};
use restic_manager_proto::Bandwidth;
use restic_manager_proto::api::jobs::{Create, NewJob};
use restic_manager_proto::vocabulary::{JobKind, JobState};

const MEGABYTES: u64 = 48;
const LIMITS_KIB: [u32; 3] = [2048, 4096, 8192];

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
    let world = World::start().await?;
    let files = world.path("files");
    fs::create_dir(&files)?;
    let agent = world.enrol("bench", &[&files]).await?;
    // The first makes repository and cache.
    renew(&files, 0)?;
    upload(&world, &agent, None).await?;
    renew(&files, 1)?;
    let free = upload(&world, &agent, None).await?;
    println!("unlimited: {free:.0} KiB/s over {MEGABYTES} MiB");
    for (round, limit) in LIMITS_KIB.into_iter().enumerate() {
        renew(&files, round as u64 + 2)?;
        let rate = upload(&world, &agent, Some(limit)).await?;
        let (of_limit, of_free) = (rate / f64::from(limit), rate / free);
        println!(
            "limit {limit} KiB/s: {rate:.0} KiB/s, {of_limit:.2} of the limit, {of_free:.3} of unlimited"
        );
    }
    Ok(())
}

/// KiB a second of what a backup sent, by restic's own time.
async fn upload(world: &World, agent: &Agent, upload_kib: Option<u32>) -> Outcome<f64> {
    let bandwidth = Bandwidth { upload_kib, download_kib: None };
    let host = agent.host()?;
    let body = NewJob { host, kind: JobKind::Backup, source_group: None, repository: None, bandwidth };
    let job = world.api.call::<Create>(&[], None, Some(&body)).await?;
    let job = world.ended(job.id).await?;
    let (JobState::Succeeded, Some(statistics)) = (job.state, &job.statistics) else {
        return Err(Failure::new(format!("the backup failed: {job:?}")));
    };
    let sent = statistics.bytes_stored.unwrap_or(statistics.bytes_added);
    Ok(sent as f64 / 1024.0 / (statistics.duration_milliseconds as f64 / 1000.0))
}

/// Files that are new and neither compress nor repeat.
fn renew(folder: &Path, seed: u64) -> Outcome {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1) | 1;
    for number in 0..MEGABYTES {
        let mut content = Vec::with_capacity(1 << 20);
        while content.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        fs::write(folder.join(format!("file-{number}")), content)?;
    }
    Ok(())
}
