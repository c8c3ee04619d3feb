//! Indexes of snapshots, made when they are first asked for: one at a time, also when nobody waits any more.

use core::time::Duration;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_core::clock::Clock;
use restic_manager_proto::{RepositoryId, SnapshotSeen};
use restic_manager_restic::{
    command::{Command as _, Connection, Ls, SnapshotName},
    process::Runner,
};
use tokio::sync::{Semaphore, watch};

use super::restic::Ready;
use crate::index::{self, Commands, Index, IndexError, Indexes, SnapshotKey};

/// Longest that restic may take to list one snapshot.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// Indexes that are being made, or wait for their turn: each holds the secrets of its repository.
const MOST_BEGUN: usize = 8;

/// Makes indexes, and finds those that there are. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Indexing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` where the folder cannot be used: then restic is asked each time.
    indexes: Option<Arc<Indexes>>,
    clock: Arc<dyn Clock>,
    begun: Mutex<HashMap<SnapshotKey, watch::Receiver<Reading>>>,
    turn: Arc<Semaphore>,
}

/// How far the making of an index has come.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// So many entries were read.
    Entries(u64),
    Done,
    /// It was not made.
    Failed(String),
}

impl Indexing {
    pub(crate) fn new(indexes: Option<Arc<Indexes>>, clock: Arc<dyn Clock>) -> Self {
        let (begun, turn) = (Mutex::default(), Arc::new(Semaphore::new(1)));
        Self(Arc::new(Inner { indexes, clock, begun, turn }))
    }

    /// The index of a snapshot, if there is one.
    pub(super) async fn find(&self, key: SnapshotKey) -> Option<Index> {
        let (indexes, now) = (Arc::clone(self.0.indexes.as_ref()?), self.0.clock.now());
        match tokio::task::spawn_blocking(move || indexes.index(key, now)).await.ok()? {
            Ok(index) => Some(index),
            Err(IndexError::Missing) => None,
            Err(error) => {
                tracing::warn!("could not {error}; restic lists the snapshot again");
                None
            }
        }
    }

    /// Begins to make the index of a snapshot, unless that was begun already, and tells how far it is.
    pub(super) fn begin(
        &self,
        key: SnapshotKey,
        restic: &Ready,
        connection: &Connection,
    ) -> Result<watch::Receiver<Reading>, String> {
        let indexes = self.0.indexes.clone().ok_or("keep indexes: the folder for them cannot be used")?;
        let mut begun = self.begun();
        begun.retain(|_, reading| {
            matches!(*reading.borrow(), Reading::Entries(_)) && reading.has_changed().is_ok()
        });
        if let Some(reading) = begun.get(&key) {
            return Ok(reading.clone());
        }
        if begun.len() >= MOST_BEGUN {
            return Err(format!("index one more snapshot: {MOST_BEGUN} wait for it; ask again in a moment"));
        }
        let commands = commands(key, restic, connection)?;
        let mut runner = restic.runner.clone();
        runner.options.deadline = Some(LONGEST);
        let (tell, reading) = watch::channel(Reading::Entries(0));
        let (turn, clock) = (Arc::clone(&self.0.turn), Arc::clone(&self.0.clock));
        tokio::spawn(async move {
            let _turn = turn.acquire_owned().await;
            let made = make(&runner, &commands, &indexes, key, &*clock, &tell).await;
            tell.send_replace(made.map_or_else(Reading::Failed, |()| Reading::Done));
        });
        begun.insert(key, reading.clone());
        Ok(reading)
    }

    /// The index of a snapshot, made first where there is none; `told` hears how many entries were read. Cancel-safe: what
    /// was begun goes on.
    pub(super) async fn get<F: Future<Output = ()> + Send>(
        &self,
        key: SnapshotKey,
        restic: &Ready,
        connection: &Connection,
        told: impl Fn(u64) -> F + Send,
    ) -> Result<Index, String> {
        if let Some(index) = self.find(key).await {
            return Ok(index);
        }
        let mut reading = self.begin(key, restic, connection)?;
        loop {
            let now = reading.borrow_and_update().clone();
            match now {
                Reading::Entries(entries) => told(entries).await,
                Reading::Done => break,
                Reading::Failed(why) => return Err(why),
            }
            tokio::time::sleep(TOLD_EVERY).await;
            if reading.changed().await.is_err() {
                return Err("index the snapshot: the agent is stopping".to_owned());
            }
        }
        self.find(key).await.ok_or_else(|| "keep the index: others have taken its place".to_owned())
    }

    /// Drops the indexes of snapshots that are gone.
    pub(super) async fn retain(&self, repository: RepositoryId, living: &[SnapshotSeen]) {
        let Some(indexes) = self.0.indexes.clone() else { return };
        let living: HashSet<_> = living.iter().filter_map(|snapshot| snapshot.id.parse().ok()).collect();
        match tokio::task::spawn_blocking(move || indexes.retain(repository, &living)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    "could not {error}; indexes of forgotten snapshots stay until the next listing"
                )
            }
            Err(error) => tracing::warn!("could not drop indexes: {error}"),
        }
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<SnapshotKey, watch::Receiver<Reading>>> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often who waits is told.
const TOLD_EVERY: Duration = Duration::from_millis(250);

async fn make(
    runner: &Runner,
    commands: &Commands,
    indexes: &Arc<Indexes>,
    key: SnapshotKey,
    clock: &dyn Clock,
    tell: &watch::Sender<Reading>,
) -> Result<(), String> {
    let told = |totals: index::Totals| drop(tell.send_replace(Reading::Entries(totals.entries)));
    let made = index::build(runner, commands, indexes, key, clock, told).await;
    made.map(drop).map_err(|error| error.to_string())
}

/// The listing of a whole snapshot. It only reads, and must not keep anybody out.
fn commands(key: SnapshotKey, restic: &Ready, connection: &Connection) -> Result<Commands, String> {
    let mut connection = connection.clone();
    connection.no_lock = true;
    let mut ls = Ls::new(SnapshotName::id(key.snapshot.to_string()));
    let entries = ls.prepare(&connection, &restic.version);
    ls.bare = true;
    let names = ls.prepare(&connection, &restic.version);
    match (entries, names) {
        (Ok(entries), Ok(names)) => Ok(Commands { entries, names }),
        (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_core::clock::SystemClock;
    use restic_manager_restic::{
        Version,
        command::{Backend, Environment, Local, Password, Repository, Secret},
        process::Program,
    };

    fn key(number: u8) -> SnapshotKey {
        let snapshot = format!("{number:02x}").repeat(32).parse().expect("an id");
        SnapshotKey { repository: RepositoryId::from_bytes([1; 16]), snapshot }
    }

    #[tokio::test]
    async fn so_many_indexes_wait_and_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let indexes = Indexes::open(&folder.path().join("index"), u64::MAX).expect("it opens");
        let indexing = Indexing::new(Some(indexes), Arc::new(SystemClock));
        let _turn = Arc::clone(&indexing.0.turn).acquire_owned().await.expect("it is open");
        let environment = Environment::from_lookup(|_| None);
        let program = Program::at("/bin/true").expect("a program");
        let restic = Ready {
            runner: Runner::new(program),
            version: Version::new(0, 18, 0),
            environment: environment.clone(),
        };
        let password = Password::Text(Secret::new("p"));
        let repository = Repository::new(Backend::from(Local::new("/srv/x")), password);
        let connection = Connection::new(repository, environment);
        for number in 0..MOST_BEGUN as u8 {
            assert!(indexing.begin(key(number), &restic, &connection).is_ok(), "{number}");
        }
        let refused = indexing.begin(key(99), &restic, &connection).expect_err("there are enough");
        assert!(refused.contains("ask again"), "{refused}");
        assert!(indexing.begin(key(0), &restic, &connection).is_ok(), "what was begun is joined");
    }
}
