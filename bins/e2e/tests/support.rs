//! What several tests ask for.

use std::path::PathBuf;
use std::time::Duration;

use restic_manager_e2e::{Failure, Outcome, World, write_sample_files};
use restic_manager_proto::api::jobs::{Job, Log, LogQuery};
use restic_manager_proto::api::snapshots::{Filter, List as ListSnapshots, Snapshot};
use restic_manager_proto::vocabulary::{JobState, LogFormat};
use restic_manager_proto::{HostId, JobId, LogLine};
use rustix::process::Pid;

/// Enough that a backup over a slow network is under way for some seconds.
pub(crate) const SLOW_MEGABYTES: usize = 48;

const SLOW: Duration = Duration::from_millis(25);

/// A folder of sample files in the world.
pub(crate) fn sample(world: &World, name: &str, megabytes: usize) -> Outcome<PathBuf> {
    let folder = world.path(name);
    std::fs::create_dir_all(&folder)?;
    write_sample_files(&folder, megabytes)?;
    Ok(folder)
}

/// Asks for a backup over a network so slow that the job is still running when this returns.
pub(crate) async fn running_backup(world: &World, host: HostId) -> Outcome<Job> {
    world.storage.network().delay(SLOW);
    let job = world.ask_for_backup(host).await?;
    let has_begun = |job: &Job| {
        job.state == JobState::Running
            && job.progress.as_ref().is_some_and(|progress| progress.bytes_done > 0)
    };
    world.job_when("the backup to be under way", job.id, |job| has_begun(job) || job.state.is_end()).await?;
    let job = world.api.job(job.id).await?;
    if job.state == JobState::Running {
        Ok(job)
    } else {
        Err(Failure::new(format!("it is not running: {job:?}")))
    }
}

/// Lets data pass at full speed again.
pub(crate) fn full_speed(world: &World) {
    world.storage.network().delay(Duration::ZERO);
}

/// The stored log, once it was shown to be whole: numbered from 1, nothing missing, nothing twice.
pub(crate) async fn whole_log(world: &World, job: JobId) -> Outcome<Vec<LogLine>> {
    let query = LogQuery { format: Some(LogFormat::Ndjson) };
    let bytes = world.api.download::<Log>(&[&job.to_string()], Some(&query)).await?;
    let text = String::from_utf8(bytes.to_vec())?;
    let lines: Vec<LogLine> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for (index, line) in lines.iter().enumerate() {
        if line.sequence != index as u64 + 1 {
            return Err(Failure::new(format!("line {} of the log has number {}", index + 1, line.sequence)));
        }
    }
    let counted = world.api.job(job).await?.log_lines;
    if counted != lines.len() as u64 {
        return Err(Failure::new(format!("the job counts {counted} lines, the log has {}", lines.len())));
    }
    Ok(lines)
}

/// The snapshots that the server knows of a host.
pub(crate) async fn snapshots(world: &World, host: HostId) -> Outcome<Vec<Snapshot>> {
    Ok(world.api.call::<ListSnapshots>(&[&host.to_string()], Some(&Filter::default()), None).await?.items)
}

/// Fails unless the job succeeded.
pub(crate) fn expect_success(job: &Job) -> Outcome {
    if job.state == JobState::Succeeded {
        Ok(())
    } else {
        Err(Failure::new(format!("it did not succeed: {job:?}")))
    }
}

/// The processes that a process started and that still run.
pub(crate) fn children_of(parent: u32) -> Outcome<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{parent}/task"))? {
        let listed = std::fs::read_to_string(thread?.path().join("children"))?;
        children.extend(listed.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)));
    }
    Ok(children)
}
