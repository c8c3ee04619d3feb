//! The configuration: what the server last told this agent to do by itself. It is on the disk, so that the agent works
//! for as long as it must with no server at all; the secrets in it are sealed by the vault.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use restic_manager_core::{
    job,
    schedule::{DueFacts, LONGEST_JITTER, Mark, Slot, Timetable, replaced, starts_at},
};
use restic_manager_proto::{
    Bandwidth, HostId, JobId, Retry, ScheduleId, SourceGroupId, Timestamp,
    agent::{
        Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
        JobOrder, RepositoryOrder, Task,
    },
    vocabulary::{JobKind, PresenceMode},
};
use tokio::sync::watch;

use crate::{
    files::{self, FileError, FileProblem, StateFolder},
    ledger::Ledger,
    state::Book,
};

const FILE: &str = "configuration.json";
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// A configuration that this agent cannot use, kept for people to look at.
const REFUSED: &str = "configuration.json.refused";
/// There while the server says that the host was removed: nothing is fired then.
const REMOVED: &str = "removed";
/// Most schedules, most source groups and most repositories of one host.
pub const MOST: usize = 256;
/// Most source groups of one schedule.
pub const MOST_GROUPS: usize = 64;

/// A configuration that makes sense.
#[derive(Clone, Debug)]
pub struct CheckedConfiguration {
    configuration: Configuration,
    timetables: BTreeMap<ScheduleId, Timetable>,
}

impl CheckedConfiguration {
    /// Looks whether everything in it fits together.
    ///
    /// # Errors
    /// What does not, in words for the server's operator.
    pub fn check(configuration: Configuration) -> Result<Self, String> {
        let Configuration { repositories, groups, schedules, .. } = &configuration;
        for (what, count) in [
            ("repositories", repositories.len()),
            ("source groups", groups.len()),
            ("schedules", schedules.len()),
        ] {
            if count > MOST {
                return Err(format!("{count} {what} are more than the {MOST} that a host takes"));
            }
        }
        for group in groups {
            check_group(group, repositories)?;
        }
        let mut timetables = BTreeMap::new();
        for schedule in schedules {
            let timetable = check_schedule(schedule, groups)?;
            if timetables.insert(schedule.id, timetable).is_some() {
                return Err(format!("the schedule {} is there twice", schedule.name));
            }
        }
        Ok(Self { configuration, timetables })
    }

    /// Which one it is.
    #[must_use]
    pub const fn version(&self) -> &ConfigurationVersion {
        &self.configuration.version
    }

    /// How the host is expected to be there.
    #[must_use]
    pub const fn presence(&self) -> PresenceMode {
        self.configuration.presence
    }

    /// The schedules with their slots.
    pub fn schedules(&self) -> impl Iterator<Item = (&ConfiguredSchedule, &Timetable)> {
        self.configuration
            .schedules
            .iter()
            .filter_map(|schedule| Some((schedule, self.timetables.get(&schedule.id)?)))
    }

    /// A source group.
    #[must_use]
    pub fn group(&self, id: SourceGroupId) -> Option<&ConfiguredGroup> {
        self.configuration.groups.iter().find(|group| group.source.group == id)
    }

    /// The order for a job that the agent starts by itself for a schedule, with the sealed secrets; `None` when the
    /// source group is no more.
    #[must_use]
    pub fn order(
        &self,
        job: JobId,
        group: SourceGroupId,
        schedule: ScheduleId,
        now: Timestamp,
    ) -> Option<JobOrder> {
        let group = self.group(group)?;
        let repository = self.repository(group)?;
        let target = RepositoryOrder::new(
            repository.id,
            repository.location.clone(),
            repository.initialise,
            repository.secrets.clone(),
        );
        let deadline = job::deadlines(JobKind::Backup, now).end_by;
        let host_name = self.configuration.host_name.clone();
        let task = Task::Backup { source: Box::new(group.source.clone()) };
        let order = JobOrder::new(job, task, deadline, target, host_name);
        let schedule = self.schedule(schedule).map_or(Bandwidth::default(), |(one, _)| one.bandwidth);
        let bandwidth = self.configuration.bandwidth.slower(schedule);
        Some(order.with_bandwidth(bandwidth))
    }

    /// When each schedule starts next on a host.
    pub(crate) fn next_starts(
        &self,
        host: HostId,
        now: Timestamp,
    ) -> impl Iterator<Item = (&ConfiguredSchedule, Option<Timestamp>)> {
        self.schedules().map(move |(schedule, timetable)| {
            let jitter = Duration::from_secs(schedule.jitter_seconds.into());
            let start = |instant| starts_at(timetable, Slot { schedule: schedule.id, instant }, host, jitter);
            // The last slot may still wait for its jitter.
            let mut starts = timetable.after(now.before(jitter)).map(start).take(MOST);
            (schedule, starts.find(|start| *start > now))
        })
    }

    fn repository(&self, group: &ConfiguredGroup) -> Option<&ConfiguredRepository> {
        self.configuration.repositories.iter().find(|repository| repository.id == group.repository)
    }

    fn schedule(&self, id: ScheduleId) -> Option<(&ConfiguredSchedule, &Timetable)> {
        self.schedules().find(|(schedule, _)| schedule.id == id)
    }
}

fn check_group(group: &ConfiguredGroup, repositories: &[ConfiguredRepository]) -> Result<(), String> {
    let name = &group.source.name;
    if !repositories.iter().any(|repository| repository.id == group.repository) {
        return Err(format!("the repository of the source group {name} is not among the repositories"));
    }
    match group.source.retry {
        Some(Retry { attempts, delay_seconds })
            if !(1..=10).contains(&attempts) || !(1..=86_400).contains(&delay_seconds) =>
        {
            Err(format!(
                "the source group {name} tries again other than 1 to 10 times after 1 to 86400 seconds"
            ))
        }
        _ => Ok(()),
    }
}

fn check_schedule(schedule: &ConfiguredSchedule, groups: &[ConfiguredGroup]) -> Result<Timetable, String> {
    let name = &schedule.name;
    if schedule.groups.len() > MOST_GROUPS {
        return Err(format!("the schedule {name} has more than {MOST_GROUPS} source groups"));
    }
    let is_known = |id: &SourceGroupId| groups.iter().any(|group| group.source.group == *id);
    if !schedule.groups.iter().all(is_known) {
        return Err(format!("a source group of the schedule {name} is not among the source groups"));
    }
    if u64::from(schedule.jitter_seconds) > LONGEST_JITTER.as_secs() {
        return Err(format!(
            "the jitter of the schedule {name} is longer than {} seconds",
            LONGEST_JITTER.as_secs()
        ));
    }
    Timetable::parse(&schedule.cron, &schedule.zone).map_err(|error| format!("the schedule {name}: {error}"))
}

/// The configuration in force. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct CurrentConfiguration {
    folder: PathBuf,
    current: Arc<watch::Sender<Option<Arc<CheckedConfiguration>>>>,
}

impl CurrentConfiguration {
    /// Reads the configuration of a state folder, if there is one. One that cannot be used, because it is damaged or a
    /// build before this one checked less, is set aside: the server has it, and sends it again.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn open(folder: &StateFolder) -> Result<Self, FileError> {
        let current = Self { folder: folder.path().to_owned(), current: Arc::default() };
        if !folder.file(REMOVED).exists() {
            current.current.send_replace(current.read()?);
        }
        Ok(current)
    }

    /// Removes what an earlier host of this machine was told.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn discard(folder: &Path) -> Result<(), FileError> {
        [FILE, REFUSED, REMOVED].iter().try_for_each(|name| files::remove(&folder.join(name)))
    }

    /// Nothing is fired from now on, also after a restart: the server says that this host was removed.
    ///
    /// # Errors
    /// When the disk refuses; until a restart nothing is fired all the same.
    pub(crate) fn suspend(&self) -> Result<(), FileError> {
        self.current.send_replace(None);
        files::write(&self.folder.join(REMOVED), b"")
    }

    /// The server knows this host, so that what it was told counts again.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn resume(&self) -> Result<(), FileError> {
        let removed = self.folder.join(REMOVED);
        if removed.exists() {
            files::remove(&removed)?;
            self.current.send_replace(self.read()?);
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<Arc<CheckedConfiguration>>, FileError> {
        let path = self.folder.join(FILE);
        let text = match files::read(&path, MAX_BYTES) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => Ok(text),
            Err(FileError { problem: FileProblem::Damaged { what, .. }, .. }) => Err(what),
            Err(error) => return Err(error),
        };
        let checked = text.and_then(|text| {
            let configuration = serde_json::from_str(&text)
                .map_err(|error| format!("line {} is not what an agent writes", error.line()))?;
            CheckedConfiguration::check(configuration)
        });
        match checked {
            Ok(checked) => Ok(Some(Arc::new(checked))),
            Err(problem) => {
                tracing::error!(
                    "could not use {}: {problem}; it is set aside as {REFUSED}, the server sends it again at the next \
                     connection, and until then nothing runs by schedule",
                    path.display()
                );
                let aside = self.folder.join(REFUSED);
                std::fs::rename(&path, &aside).map_err(|error| FileError::io(&aside, error))?;
                Ok(None)
            }
        }
    }

    /// The configuration as it is.
    #[must_use]
    pub fn current(&self) -> Option<Arc<CheckedConfiguration>> {
        self.current.borrow().clone()
    }

    /// The configuration, and its changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Arc<CheckedConfiguration>>> {
        self.current.subscribe()
    }

    /// Puts a new configuration in the place of the one that is there; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses; the old one then stands.
    pub async fn replace(
        &self,
        new: CheckedConfiguration,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<(), FileError> {
        let (old, new, path) = (self.current(), Arc::new(new), self.folder.join(FILE));
        let taken = Arc::clone(&new);
        ledger
            .with(move |journal| {
                journal.commit(|book| settle(old.as_deref(), &taken, book, now))?;
                write(&path, &taken.configuration)
            })
            .await?;
        tracing::info!(version = new.version().number, "the server sent a new configuration");
        self.current.send_replace(Some(new));
        Ok(())
    }
}

fn write(path: &Path, configuration: &Configuration) -> Result<(), FileError> {
    let text = serde_json::to_vec(configuration).map_err(|error| FileError::io(path, error.into()))?;
    files::write(path, &text)
}

/// Settles what the old configuration owes, before the new one counts. Done twice, as after a crash, it does nothing more.
pub fn settle(
    old: Option<&CheckedConfiguration>,
    new: &CheckedConfiguration,
    book: &mut Book,
    now: Timestamp,
) {
    for (schedule, timetable) in new.schedules() {
        let before = old.and_then(|old| old.schedule(schedule.id));
        let mark = book.mark(schedule.id).cloned();
        match (before, mark) {
            (Some((before, old_timetable)), Some(mark))
                if old_timetable != timetable || before.since < schedule.since =>
            {
                let facts = owed(before, old_timetable, &mark);
                let outlook = replaced(&facts, schedule.since, now);
                book.decide(schedule.id, &before.groups, &outlook, Vec::new(), now);
            }
            (Some(_), Some(_)) => {}
            _ => book.begin(schedule.id, schedule.since),
        }
    }
    let schedules: Vec<_> = new.schedules().map(|(schedule, _)| schedule.id).collect();
    let groups: Vec<_> = new.configuration.groups.iter().map(|group| group.source.group).collect();
    book.tidy(&schedules, &groups);
}

/// What counts for slots that a schedule still owes when it is changed.
fn owed<'a>(schedule: &'a ConfiguredSchedule, timetable: &'a Timetable, mark: &'a Mark) -> DueFacts<'a> {
    DueFacts {
        schedule: schedule.id,
        timetable,
        misfire: schedule.misfire,
        jitter: Duration::ZERO,
        mark,
        is_busy: false,
        last_success: None,
        host: HostId::from_bytes([0; 16]),
        presence: PresenceMode::AlwaysOn,
        awake_since: Timestamp::MIN,
    }
}
