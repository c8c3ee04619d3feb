use std::path::PathBuf;

use super::{
    backup::write_time,
    draft::Draft,
    error::CommandError,
    exclude::Exclude,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};

/// `restic rewrite`: makes changed copies of snapshots (restic 0.15 or newer).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrite {
    /// What is left out.
    pub exclude: Exclude,
    /// What alone is kept (restic 0.19 or newer).
    pub include: Vec<String>,
    /// Files with patterns of what alone is kept (restic 0.19 or newer).
    pub include_files: Vec<PathBuf>,
    /// Another host name (restic 0.17 or newer).
    pub new_host: Option<String>,
    /// Another time, `YYYY-MM-DD hh:mm:ss`, local (restic 0.17 or newer).
    pub new_time: Option<String>,
    /// Add a summary to snapshots that have none (restic 0.18 or newer).
    pub snapshot_summary: bool,
    /// Remove the originals.
    pub forget: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Which snapshots.
    pub filter: Filter,
    /// Only these.
    pub snapshots: Vec<SnapshotName>,
}

impl Rewrite {
    /// Leaves something out of all snapshots.
    pub fn excluding(exclude: Exclude) -> Self {
        Self { exclude, ..Self::default() }
    }
}

impl Write for Rewrite {
    fn verb(&self) -> &'static str {
        "rewrite"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        let includes = !self.include.is_empty() || !self.include_files.is_empty();
        let changes = self.new_host.is_some() || self.new_time.is_some() || self.snapshot_summary;
        if self.exclude.is_empty() && !includes && !changes {
            draft.refuse(CommandError::Missing { verb: "rewrite", what: "any change to make" });
        }
        if !self.exclude.is_empty() && includes {
            draft.refuse(CommandError::Conflict { first: "--exclude", second: "--include" });
        }
        self.exclude.write(draft);
        draft.options("--include", &self.include);
        draft.options("--include-file", &self.include_files);
        draft.option_if("--new-host", self.new_host.as_ref());
        if let Some(time) = &self.new_time {
            write_time("--new-time", time, draft);
        }
        draft.flag_if(self.snapshot_summary, "--snapshot-summary");
        draft.flag_if(self.forget, "--forget");
        draft.flag_if(self.dry_run, "--dry-run");
        self.filter.write(draft);
        write_ids(&self.snapshots, draft);
    }
}
