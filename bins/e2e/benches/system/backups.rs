//! What a backup through the agent costs beside the same restic alone.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use restic_manager_e2e::{Agent, Failure, Outcome, REPOSITORY_PASSWORD, Restic, World};
use restic_manager_proto::vocabulary::JobState;

use crate::figures::{Processor, milliseconds};

const ROUNDS: usize = 7;
const MEGABYTES: u64 = 128;

/// One backup.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    /// restic's own words about how long its backup took.
    restic: f64,
    processor: f64,
}

/// The same new files in each round, in turns: all of them have to be read, encrypted and sent.
pub(crate) async fn measure(world: &World) -> Outcome<Agent> {
    let files = world.path("files");
    fs::create_dir(&files)?;
    let mut agent = world.enrol("bench", &[&files]).await?;
    let bare = Restic::open(&world.storage.location_with_user("bare"), REPOSITORY_PASSWORD)?;
    bare.run(&["init"]).await?;
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        renew(&files, round as u64)?;
        if round % 2 == 0 {
            ours.push(through_agent(world, &mut agent).await?);
            alone.push(by_itself(&bare, &files).await?);
        } else {
            alone.push(by_itself(&bare, &files).await?);
            ours.push(through_agent(world, &mut agent).await?);
        }
    }
    // The first of each makes caches.
    show(&ours[1..], &alone[1..]);
    Ok(agent)
}

/// From the request to the end of the job, with all that the agent looks up around it.
async fn through_agent(world: &World, agent: &mut Agent) -> Outcome<Cost> {
    let (server, process) = (world.server.id(), agent.running()?.id());
    let before = Processor::of(process)?.total() + Processor::of(server)?.total();
    let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    let after = Processor::of(process)?.total() + Processor::of(server)?.total();
    let (JobState::Succeeded, Some(ended), Some(statistics)) = (job.state, job.ended_at, &job.statistics)
    else {
        return Err(Failure::new(format!("the backup failed: {job:?}")));
    };
    let wall = ended.as_milliseconds() - job.created_at.as_milliseconds();
    let restic = statistics.duration_milliseconds;
    Ok(Cost { wall: wall as f64, restic: restic as f64, processor: after - before })
}

#[expect(clippy::disallowed_methods, reason = "measures")]
async fn by_itself(bare: &Restic, files: &Path) -> Outcome<Cost> {
    let this = std::process::id();
    let (start, before) = (Instant::now(), Processor::of(this)?.children);
    let output = bare.run(&["backup", "--json", &files.to_string_lossy()]).await?;
    let (wall, after) = (milliseconds(start.elapsed()), Processor::of(this)?.children);
    let summary = output.lines().last().unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_str(summary)?;
    let restic = Duration::from_secs_f64(summary["total_duration"].as_f64().unwrap_or_default());
    Ok(Cost { wall, restic: milliseconds(restic), processor: after - before })
}

fn show(ours: &[Cost], alone: &[Cost]) {
    println!("\nbackup of {MEGABYTES} MiB of new data to a rest-server, medians of {ROUNDS} in turns");
    type Figure = fn(&Cost) -> f64;
    let figures: [(&str, Figure); 3] = [
        ("request to end", |cost| cost.wall),
        ("restic's own time", |cost| cost.restic),
        ("processor time", |cost| cost.processor),
    ];
    for (name, figure) in figures {
        let (ours, alone) = (median(ours, figure), median(alone, figure));
        println!("  {name:<20} agent {ours:>8.0} ms   alone {alone:>8.0} ms   ratio {:.3}", ours / alone);
    }
    println!(
        "  (the agent's figures hold the look at the repository before and the listing of snapshots after,"
    );
    println!("  and the server's processor time; at least one more start of restic each)");
}

fn median(costs: &[Cost], figure: fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Files of one mebibyte that no earlier round had, without a pattern that a compressor finds (xorshift).
fn renew(folder: &Path, round: u64) -> Outcome {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round + 1);
    let mut content = Vec::with_capacity(1 << 20);
    for index in 0..MEGABYTES {
        content.clear();
        while content.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        fs::write(folder.join(format!("{index:03}.raw")), &content)?;
    }
    Ok(())
}
