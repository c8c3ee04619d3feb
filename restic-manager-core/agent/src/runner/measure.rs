//! What a repository holds: snapshots, sizes and locks. Nothing of it takes a lock of its own.

use restic_manager_proto::{
    JobEnd, Measured,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    command::{CommandError, CountingMode, Invocation, List, ObjectKind, Stats},
    document,
};

use super::{end::Ended, run::Run};

/// The longer of the two commands.
pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    run.looking(&Stats::new(CountingMode::RestoreSize))
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let restored = count(run, CountingMode::RestoreSize).await?;
    let raw = count(run, CountingMode::RawData).await?;
    let measured = Measured {
        snapshots: restored.snapshots_count,
        files: restored.total_file_count.unwrap_or_default(),
        restore_bytes: restored.total_size,
        raw_bytes: raw.total_size,
        uncompressed_bytes: raw.total_uncompressed_size,
        locks: count_locks(run).await?,
    };
    run.log.remark(&format!(
        "{} snapshots, {} bytes stored, {} bytes to restore all, {} locks",
        measured.snapshots, measured.raw_bytes, measured.restore_bytes, measured.locks
    ));
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.statistics.measured = Some(measured);
    Ok(end)
}

async fn count(run: &mut Run<'_>, mode: CountingMode) -> Result<document::Stats, Ended> {
    let invocation = run.looking(&Stats::new(mode))?;
    run.document(&invocation, "the statistics of the repository").await
}

async fn count_locks(run: &mut Run<'_>) -> Result<u64, Ended> {
    let list = run.looking(&List::new(ObjectKind::Locks))?;
    let output = run.output(&list, "the list of the locks").await?;
    Ok(document::ids(&output).count() as u64)
}
