//! What monitoring systems are told, gathered once for all that ask within a few seconds.

use core::time::Duration;
use restic_manager_proto::{
    SnapshotSeen, Statistics, Timestamp,
    api::fleet::Fleet,
    vocabulary::{DeliveryState, JobKind},
};
use restic_manager_store::{
    alerts::AlertTally,
    hosts::LastBackup,
    measurements::Measurement,
    metrics::{EndedJobs, JobDurations, LeaseTally},
    upkeep::Duty,
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// For so long what was gathered is told again.
const KEPT: Duration = Duration::from_secs(10);

/// What was last gathered. Whoever needs it anew while it is being gathered waits: one at a time asks the database.
#[derive(Debug, Default)]
pub(crate) struct Scrapes(Mutex<Option<Arc<Figures>>>);

impl Scrapes {
    /// What was last gathered, or what is gathered now.
    pub(crate) async fn get<E>(
        &self,
        now: Timestamp,
        gather: impl Future<Output = Result<Figures, E>>,
    ) -> Result<Arc<Figures>, E> {
        let mut last = self.0.lock().await;
        // A clock that was set back makes them figures of the future: they are gathered anew.
        let is_fresh = |figures: &&Arc<Figures>| now >= figures.at && now.since(figures.at) < KEPT;
        if let Some(figures) = last.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(figures));
        }
        let figures = Arc::new(gather.await?);
        *last = Some(Arc::clone(&figures));
        Ok(figures)
    }
}

/// All figures at one moment.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) at: Timestamp,
    /// How long gathering them took.
    pub(crate) took: Duration,
    pub(crate) fleet: Fleet,
    pub(crate) alerts: Vec<AlertTally>,
    pub(crate) ended: Vec<EndedJobs>,
    pub(crate) durations: Vec<JobDurations>,
    pub(crate) log_bytes: u64,
    pub(crate) queue: Vec<(&'static str, u64)>,
    pub(crate) leases: Vec<LeaseTally>,
    /// By the name of their channel.
    pub(crate) deliveries: Vec<(String, DeliveryState, u64)>,
    pub(crate) database_bytes: Option<u64>,
    pub(crate) hosts: Vec<HostFigures>,
    pub(crate) groups: Vec<GroupFigures>,
    pub(crate) repositories: Vec<RepositoryFigures>,
    /// Of what there are more than are told.
    pub(crate) cut: Vec<(&'static str, bool)>,
}

/// A host.
#[derive(Debug)]
pub(crate) struct HostFigures {
    pub(crate) name: String,
    pub(crate) is_online: bool,
    pub(crate) in_maintenance: bool,
    /// Whether its agent has another configuration than it shall have.
    pub(crate) is_drifting: bool,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) last_good_backup: Option<Timestamp>,
    pub(crate) last_snapshot: Option<Timestamp>,
    pub(crate) fresh_until: Option<Timestamp>,
    pub(crate) next_run: Option<Timestamp>,
    pub(crate) snapshots: u64,
    pub(crate) agent_version: String,
    pub(crate) restic_version: String,
    pub(crate) operating_system: String,
}

/// A source group.
#[derive(Debug)]
pub(crate) struct GroupFigures {
    pub(crate) host: String,
    pub(crate) name: String,
    pub(crate) repository: String,
    pub(crate) last_backup: Option<LastBackup>,
    /// As long as the job of the last backup is kept.
    pub(crate) took: Option<Duration>,
    pub(crate) statistics: Option<Statistics>,
    pub(crate) newest: Option<SnapshotSeen>,
    pub(crate) snapshots: u64,
}

/// A repository.
#[derive(Debug)]
pub(crate) struct RepositoryFigures {
    pub(crate) name: String,
    pub(crate) measured: Option<Measurement>,
    pub(crate) duties: Vec<Duty>,
}

impl RepositoryFigures {
    pub(crate) fn duty(&self, kind: JobKind) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.kind == kind)
    }
}
