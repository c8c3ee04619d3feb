//! What a job reports while it runs and when it ends; the same on the wire, in the API and in the store.

use core::time::Duration;
use serde::{Deserialize, Serialize};

use crate::{
    Bandwidth, RestoreOptions, Retention, Timestamp,
    limits::{PROGRESS_FILE_BYTES, PROGRESS_FILES, cut},
    policy::PolicyReport,
    vocabulary::{Cause, DeletionVerdict, JobKind, JobState, LogStream, lenient},
};

/// How far a running job has come. Numbers that restic does not know yet are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Progress {
    /// Share of the bytes that have been read, 0 to 1; absent until restic has scanned something.
    pub fraction_done: Option<f64>,
    /// Since restic started, in seconds.
    pub seconds_elapsed: u64,
    /// restic's own guess, in seconds.
    pub seconds_remaining: Option<u64>,
    /// Files found so far.
    pub files_total: Option<u64>,
    /// Files read so far.
    pub files_done: u64,
    /// Bytes found so far.
    pub bytes_total: Option<u64>,
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Files that could not be read so far.
    pub errors: u64,
    /// Some of the files being read now, each at most 256 bytes long.
    pub current_files: Vec<String>,
}

impl Progress {
    /// The same within its limits: a share that is one, few names, none of them long.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.fraction_done =
            self.fraction_done.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0));
        self.current_files.truncate(PROGRESS_FILES);
        for file in &mut self.current_files {
            if file.len() > PROGRESS_FILE_BYTES {
                *file = cut(file, PROGRESS_FILE_BYTES);
            }
        }
        self
    }
}

/// What a finished job did. Numbers that do not apply to its kind are absent or zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Statistics {
    /// Full id of the snapshot that was made.
    pub snapshot: Option<String>,
    /// Files that were not in the parent snapshot.
    pub files_new: u64,
    /// Files that differ from the parent snapshot.
    pub files_changed: u64,
    /// Files as they were in the parent snapshot.
    pub files_unmodified: u64,
    /// Folders that were not in the parent snapshot.
    pub folders_new: u64,
    /// Folders that differ from the parent snapshot.
    pub folders_changed: u64,
    /// Folders as they were in the parent snapshot.
    pub folders_unmodified: u64,
    /// Files looked at.
    pub files_processed: u64,
    /// Bytes of the files looked at.
    pub bytes_processed: u64,
    /// Bytes that were new to the repository, before compression.
    pub bytes_added: u64,
    /// Bytes that were new to the repository, as stored; restic 0.17 and newer tell.
    pub bytes_stored: Option<u64>,
    /// Files that could not be read.
    pub errors: u64,
    /// Snapshots of this host that the repository holds, from the listing after the job.
    pub snapshots_seen: Option<u64>,
    /// Snapshots that were removed and are seen to be gone; of a dry run, those that would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_removed: Option<u64>,
    /// Snapshots that the retention policies looked at and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_kept: Option<u64>,
    /// Problems that a check found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<u64>,
    /// Locks of this host that were removed because their processes are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks_removed: Option<u64>,
    /// Locks that are left in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks_left: Option<u64>,
    /// The locks that are left, 16 at most; of an unlock, and of upkeep that met one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<LockSeen>,
    /// What a repository holds, of a job that measured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Whether the everyday credential may delete, of a job that tried.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::deletion")]
    pub deletion: Option<DeletionVerdict>,
    /// What a restore wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// How long restic ran, in milliseconds.
    pub duration_milliseconds: u64,
    /// Most memory that restic held, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Processor time that restic used, in milliseconds.
    pub cpu_milliseconds: Option<u64>,
}

/// What a restore did, as restic counts it: folders and links count as files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Restored {
    /// Files that were to be restored.
    pub files_total: u64,
    /// Bytes of them.
    pub bytes_total: u64,
    /// Files written. restic counts also those that failed; they are taken off here.
    pub files_written: u64,
    /// Bytes written, of failed files too.
    pub bytes_written: u64,
    /// Files that were left as they were, by the chosen way to overwrite or because they were equal; restic 0.17 and newer
    /// tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_left: Option<u64>,
    /// Files that were removed because the snapshot has them not; restic 0.18 and newer tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_removed: Option<u64>,
    /// Files of which something failed; the log names each.
    pub files_failed: u64,
    /// Those of them that are there, but could not be given to their owner.
    pub owners_failed: u64,
    /// Full id of the snapshot of what was there before, of a restore that was asked to back that up first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// One lock as it was seen in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "complete: what restic writes into a lock, and what it makes of it"
)]
pub struct LockSeen {
    /// restic's full id.
    pub id: String,
    /// The name that the machine which holds it gives itself.
    pub hostname: String,
    /// The process there.
    pub process: u64,
    /// The user it runs as.
    #[serde(default)]
    pub username: String,
    /// Whether it keeps everybody else out.
    pub exclusive: bool,
    /// When it was made or last refreshed, by the clock of its machine. A living restic refreshes it every five minutes.
    pub refreshed_at: Timestamp,
    /// When restic takes it for stale, and can be asked to remove it.
    pub stale_at: Timestamp,
}

/// What a repository holds, as restic counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "complete: what restic tells; a figure more is a new protocol version"
)]
pub struct Measured {
    /// Snapshots, of all hosts.
    pub snapshots: u64,
    /// Files in all snapshots together.
    pub files: u64,
    /// Bytes that restoring every snapshot would write.
    pub restore_bytes: u64,
    /// Bytes that the repository stores.
    pub raw_bytes: u64,
    /// The same bytes before compression; restic 0.15 and newer tell.
    #[serde(default)]
    pub uncompressed_bytes: Option<u64>,
    /// Locks in the repository, but for those of the measuring itself.
    pub locks: u64,
}

/// What was chosen for one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "Written"))]
#[serde(try_from = "Written", into = "Written")]
#[expect(clippy::exhaustive_structs, reason = "written by callers; a choice more is a variant more")]
pub struct JobOptions {
    /// How fast restic may be; the limits of the host and of the schedule count too.
    pub bandwidth: Bandwidth,
    /// What the kind of job leaves to be chosen.
    pub choice: JobChoice,
}

/// What a kind of job leaves to be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobChoice {
    /// Nothing, or nothing was chosen.
    #[default]
    None,
    /// For a check: how much of the data is read. Only the structure is looked at when nothing is chosen.
    ReadData(ReadData),
    /// For a forget: only say what would be removed.
    DryRun,
    /// For an unlock: the full ids of locks that somebody has looked at and wants removed, 16 at most.
    Locks(Vec<String>),
    /// For a look at a repository: remove the keys of one whose making was broken off, and make it anew.
    Remake,
    /// For the preview of a forget: the policy that is tried.
    Retention(Box<Retention>),
    /// For a restore: what is restored, and where to.
    Restore(Box<RestoreOptions>),
}

impl JobChoice {
    /// Whether a kind of job has a use for it.
    #[must_use]
    pub const fn fits(&self, kind: JobKind) -> bool {
        match self {
            Self::None => !matches!(kind, JobKind::PreviewForget | JobKind::Restore),
            Self::ReadData(_) => matches!(kind, JobKind::Check),
            Self::DryRun => matches!(kind, JobKind::Forget),
            Self::Locks(_) => matches!(kind, JobKind::Unlock),
            Self::Remake => matches!(kind, JobKind::CheckRepository),
            Self::Retention(_) => matches!(kind, JobKind::PreviewForget),
            Self::Restore(_) => matches!(kind, JobKind::Restore),
        }
    }
}

impl JobOptions {
    /// What was chosen, without a limit of speed.
    #[must_use]
    pub fn of(choice: JobChoice) -> Self {
        Self { bandwidth: Bandwidth::default(), choice }
    }

    /// How much of the data a check reads.
    #[must_use]
    pub const fn read_data(&self) -> Option<ReadData> {
        match self.choice {
            JobChoice::ReadData(read_data) => Some(read_data),
            _ => None,
        }
    }

    /// Whether a forget only says what it would remove.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        matches!(self.choice, JobChoice::DryRun)
    }

    /// The locks that an unlock removes.
    #[must_use]
    pub fn locks(&self) -> &[String] {
        match &self.choice {
            JobChoice::Locks(locks) => locks,
            _ => &[],
        }
    }

    /// Whether a repository whose making was broken off is made anew.
    #[must_use]
    pub const fn is_remake(&self) -> bool {
        matches!(self.choice, JobChoice::Remake)
    }

    /// The policy that a preview tries.
    #[must_use]
    pub fn retention(&self) -> Option<Retention> {
        match &self.choice {
            JobChoice::Retention(retention) => Some(**retention),
            _ => None,
        }
    }

    /// What a restore writes.
    #[must_use]
    pub fn restore(&self) -> Option<&RestoreOptions> {
        match &self.choice {
            JobChoice::Restore(restore) => Some(restore),
            _ => None,
        }
    }
}

/// [`JobOptions`] as they are written: one field for each choice, of which one at most is there.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JobOptions"))]
#[serde(default, deny_unknown_fields)]
struct Written {
    /// For a check: how much of the data is read; only the structure is looked at when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_data: Option<ReadData>,
    /// For a forget: only say what would be removed.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
    /// For an unlock: the full ids of locks that somebody has looked at and wants removed, 16 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locks: Vec<String>,
    /// For a look at a repository: remove the keys of one whose making was broken off, and make it anew.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    remake: bool,
    /// For the preview of a forget: the policy that is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<Box<Retention>>,
    /// For a restore: what is restored, and where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<Box<RestoreOptions>>,
    /// How fast restic may be; the limits of the host and of the schedule count too.
    #[serde(skip_serializing_if = "Bandwidth::is_unlimited")]
    bandwidth: Bandwidth,
}

impl TryFrom<Written> for JobOptions {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let Written { read_data, dry_run, locks, remake, retention, restore, bandwidth } = written;
        let choices = [
            read_data.map(JobChoice::ReadData),
            dry_run.then_some(JobChoice::DryRun),
            (!locks.is_empty()).then_some(JobChoice::Locks(locks)),
            remake.then_some(JobChoice::Remake),
            retention.map(JobChoice::Retention),
            restore.map(JobChoice::Restore),
        ];
        let mut chosen = choices.into_iter().flatten();
        let choice = chosen.next().unwrap_or_default();
        match chosen.next() {
            None => Ok(Self { bandwidth, choice }),
            Some(_) => Err("choices of two kinds of job at once"),
        }
    }
}

impl From<JobOptions> for Written {
    fn from(JobOptions { bandwidth, choice }: JobOptions) -> Self {
        let written = Self { bandwidth, ..Self::default() };
        match choice {
            JobChoice::None => written,
            JobChoice::ReadData(read_data) => Self { read_data: Some(read_data), ..written },
            JobChoice::DryRun => Self { dry_run: true, ..written },
            JobChoice::Locks(locks) => Self { locks, ..written },
            JobChoice::Remake => Self { remake: true, ..written },
            JobChoice::Retention(retention) => Self { retention: Some(retention), ..written },
            JobChoice::Restore(restore) => Self { restore: Some(restore), ..written },
        }
    }
}

/// How much of a repository's data a check reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReadData {
    /// Part `part` of `parts`, so that `parts` checks read everything.
    Part {
        /// Which part, from 1.
        part: u16,
        /// How many there are, at most 256.
        parts: u16,
    },
    /// So many percent, chosen at random.
    Percent {
        /// 1 to 100.
        percent: u8,
    },
    /// Everything.
    All {},
}

impl ReadData {
    /// Whether restic takes it.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        match self {
            Self::Part { part, parts } => part >= 1 && part <= parts && parts <= 256,
            Self::Percent { percent } => percent >= 1 && percent <= 100,
            Self::All {} => true,
        }
    }
}

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "stored and sent by the million; a field more is a new protocol version"
)]
pub struct LogLine {
    /// Place within the job's log, from 1, without gaps.
    pub sequence: u64,
    /// When the agent read it.
    pub at: Timestamp,
    /// Where it comes from.
    #[serde(deserialize_with = "lenient::stream")]
    pub stream: LogStream,
    /// The text without its line end; control characters are kept, so whoever shows it must escape them.
    pub text: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct JobEnd {
    /// One of the end states.
    #[serde(deserialize_with = "lenient::end_state")]
    pub state: JobState,
    /// Why it ended so.
    #[serde(deserialize_with = "lenient::cause")]
    pub cause: Cause,
    /// The words that prove the cause, such as restic's last error; at most 2 KiB, no secrets.
    #[serde(default)]
    pub detail: String,
    /// restic's exit code, when it ran and exited by itself.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Whether an own lock may have been left in the repository.
    #[serde(default)]
    pub lock_left: bool,
    /// What it did.
    #[serde(default)]
    pub statistics: Statistics,
}

impl JobEnd {
    /// An end with nothing more to say than its state and cause.
    #[must_use]
    pub fn new(state: JobState, cause: Cause) -> Self {
        Self {
            state,
            cause,
            detail: String::new(),
            exit_code: None,
            lock_left: false,
            statistics: Statistics::default(),
        }
    }
}

/// One snapshot as it was seen in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SnapshotSeen {
    /// restic's full id: 64 hexadecimal digits.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The snapshot it was compared with.
    #[serde(default)]
    pub parent: Option<String>,
    /// The name of the machine as restic recorded it.
    #[serde(default)]
    pub hostname: String,
    /// The user restic ran as.
    #[serde(default)]
    pub username: String,
    /// What was backed up.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The restic that made it, such as `restic 0.18.0`.
    #[serde(default)]
    pub program_version: Option<String>,
    /// Files in it; recorded by restic 0.17 and newer.
    #[serde(default)]
    pub files: Option<u64>,
    /// Bytes of the files in it; recorded by restic 0.17 and newer.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Bytes it added to the repository, before compression; recorded by restic 0.17 and newer.
    #[serde(default)]
    pub bytes_added: Option<u64>,
    /// Whether it holds nothing at all, as what a command leaves that printed nothing.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub empty: bool,
}

/// So much a snapshot's time may lie after the moment of its listing: clocks of machines differ.
pub const CLOCK_ALLOWANCE: Duration = Duration::from_secs(5 * 60);

/// Whether a snapshot's time lies in the future of the moment at which it was listed.
#[must_use]
pub fn is_future(time: Timestamp, listed: Timestamp) -> bool {
    time > listed.after(CLOCK_ALLOWANCE)
}

impl SnapshotSeen {
    /// A snapshot of which only id and time are known.
    #[must_use]
    pub fn new(id: impl Into<String>, time: Timestamp) -> Self {
        Self {
            id: id.into(),
            time,
            parent: None,
            hostname: String::new(),
            username: String::new(),
            paths: Vec::new(),
            tags: Vec::new(),
            program_version: None,
            files: None,
            bytes: None,
            bytes_added: None,
            empty: false,
        }
    }

    /// Whether it counts wherever the newest one is looked for: for freshness, as a parent, for retention. One that holds
    /// nothing does not, nor one from the future of the listing that showed it first.
    #[must_use]
    pub fn counts(&self, listed: Timestamp) -> bool {
        !self.empty && !is_future(self.time, listed)
    }
}

/// What a policy makes of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a snapshot and what becomes of it")]
pub struct PreviewedSnapshot {
    /// restic's full id.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The rules that keep it, in restic's words, such as `daily snapshot`; without one it would be removed.
    pub kept_by: Vec<String>,
}

/// What an agent knows of its host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct HostFacts {
    /// The name the machine gives itself.
    pub hostname: String,
    /// `linux` or `windows`.
    pub operating_system: String,
    /// Such as `Debian GNU/Linux 12`.
    pub os_version: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// The agent's version.
    pub agent_version: String,
    /// restic's version; absent when the host has no restic.
    pub restic_version: Option<String>,
    /// IANA name of the host's time zone.
    pub time_zone: Option<String>,
    /// What the host lets its server do; absent when its agent is too old to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyReport>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_one_choice_and_read_as_they_are_written() {
        let choices = [
            ("{}", JobChoice::None),
            (r#"{"dry_run":true}"#, JobChoice::DryRun),
            (r#"{"locks":["a"]}"#, JobChoice::Locks(vec!["a".to_owned()])),
            (r#"{"remake":true}"#, JobChoice::Remake),
            (r#"{"read_data":{"kind":"all"}}"#, JobChoice::ReadData(ReadData::All {})),
        ];
        for (text, choice) in choices {
            let options = JobOptions::of(choice);
            assert_eq!(serde_json::to_string(&options).unwrap(), text);
            assert_eq!(serde_json::from_str::<JobOptions>(text).unwrap(), options);
        }
        for wrong in [r#"{"dry_run":true,"remake":true}"#, r#"{"paths":[]}"#] {
            assert!(serde_json::from_str::<JobOptions>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_kind_of_job_has_its_own_choice() {
        let restore = RestoreOptions::new("a".repeat(64), crate::RestoreTarget::Original {});
        let choices = [
            (JobChoice::ReadData(ReadData::All {}), JobKind::Check),
            (JobChoice::DryRun, JobKind::Forget),
            (JobChoice::Locks(Vec::new()), JobKind::Unlock),
            (JobChoice::Remake, JobKind::CheckRepository),
            (JobChoice::Retention(Box::default()), JobKind::PreviewForget),
            (JobChoice::Restore(Box::new(restore)), JobKind::Restore),
        ];
        for (choice, its) in &choices {
            let fits: Vec<_> = JobKind::ALL.iter().copied().filter(|kind| choice.fits(*kind)).collect();
            assert_eq!(fits, [*its]);
        }
        assert!(JobChoice::None.fits(JobKind::Check) && !JobChoice::None.fits(JobKind::Restore));
    }

    #[test]
    fn progress_is_cut_to_its_limits() {
        let current_files = vec!["é".repeat(PROGRESS_FILE_BYTES); PROGRESS_FILES + 1];
        let shown = Progress { fraction_done: Some(7.5), current_files, ..Progress::default() }.bounded();
        assert_eq!((shown.fraction_done, shown.current_files.len()), (Some(1.0), PROGRESS_FILES));
        assert!(shown.current_files.iter().all(|file| file.len() <= PROGRESS_FILE_BYTES));
        let odd = Progress { fraction_done: Some(f64::NAN), ..Progress::default() }.bounded();
        assert_eq!(odd, Progress::default());
    }
}
