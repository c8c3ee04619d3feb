//! What a repository holds.

use restic_manager_proto::{
    JobEnd, Measured,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    command::{Command as _, CountingMode, List, ObjectKind, Stats},
    document,
};

use super::{
    end,
    job::{Job, Means},
    upkeep::{Ended, unreadable},
};

/// The command that a measuring is shown as: the longer of the two.
pub(super) fn command() -> Stats {
    Stats::new(CountingMode::RestoreSize)
}

impl Job<'_> {
    /// Counts snapshots, sizes and locks. Nothing of it takes a lock of its own.
    pub(super) async fn measure(&mut self, means: &Means) -> Result<JobEnd, Ended> {
        let restored = self.count(means, command()).await?;
        let raw = self.count(means, Stats::new(CountingMode::RawData)).await?;
        let measured = Measured {
            snapshots: restored.snapshots_count,
            files: restored.total_file_count.unwrap_or_default(),
            restore_bytes: restored.total_size,
            raw_bytes: raw.total_size,
            uncompressed_bytes: raw.total_uncompressed_size,
            locks: self.count_locks(means).await?,
        };
        self.log.remark(&format!(
            "{} snapshots, {} bytes stored, {} bytes to restore all, {} locks",
            measured.snapshots, measured.raw_bytes, measured.restore_bytes, measured.locks
        ));
        let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
        end.statistics.measured = Some(measured);
        Ok(end)
    }

    async fn count(&mut self, means: &Means, stats: Stats) -> Result<document::Stats, Ended> {
        let invocation =
            stats.prepare(&means.look, &means.restic.version).map_err(|error| end::refused(&error))?;
        let what = "the statistics of the repository";
        let output = self.document(means, &invocation, what).await?;
        document::parse(&output).map_err(|error| unreadable(what, &error))
    }

    async fn count_locks(&mut self, means: &Means) -> Result<u64, Ended> {
        let list = List::new(ObjectKind::Locks)
            .prepare(&means.look, &means.restic.version)
            .map_err(|error| end::refused(&error))?;
        let output = self.document(means, &list, "the list of the locks").await?;
        let is_id = |line: &&[u8]| line.len() == 64 && line.iter().all(u8::is_ascii_hexdigit);
        Ok(output.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(is_id).count() as u64)
    }
}
