//! Machines with an agent.

use async_trait::async_trait;
use restic_manager_proto::{
    Bandwidth, HostFacts, HostId, JobId, OutboxId, Scope, Timestamp,
    agent::ConfigurationVersion,
    vocabulary::{Cause, JobState, PresenceMode},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Page, PageRequest, PublicKey, TokenHash};

/// A host, with what its list shows kept on the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Which.
    pub id: HostId,
    /// Unique under [`fold`](crate::fold) among hosts that are not deleted.
    pub name: String,
    /// The name under which restic records its snapshots. It never changes, and is unique among hosts that are not
    /// deleted.
    pub restic_name: String,
    /// In the order given.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// How fast restic may be on it.
    pub bandwidth: Bandwidth,
    /// Its agent's identity.
    pub public_key: PublicKey,
    /// What its agent shows to connect; unique.
    pub agent_token: TokenHash,
    /// What its agent was offered in place of that, and may show from now on.
    pub next_token: Option<TokenHash>,
    /// What its agent showed before that, and must not show again.
    pub last_token: Option<TokenHash>,
    /// Since when the token is in force; absent when another is wanted at once.
    pub token_since: Option<Timestamp>,
    /// When its present agent enrolled.
    pub enrolled: Timestamp,
    /// When its agent was last seen.
    pub last_seen: Option<Timestamp>,
    /// Counts its connections: the one with the highest number is the valid one.
    pub generation: i64,
    /// What its agent said of the machine when it last connected.
    pub facts: HostFacts,
    /// The address it last connected from.
    pub address: Option<String>,
    /// The backup that ended last.
    pub last_backup: Option<LastBackup>,
    /// Of the last backups of its source groups the one that ended worst, among those that say whether data is safe.
    pub worst_backup: Option<LastBackup>,
    /// When a backup last succeeded.
    pub last_good_backup: Option<Timestamp>,
    /// The newest snapshot that a listing showed.
    pub last_snapshot: Option<Timestamp>,
    /// How many snapshots the last listings showed, over all repositories.
    pub snapshots: u64,
    /// The job that started last and has not ended.
    pub running_job: Option<JobId>,
    /// When one of its schedules runs next.
    pub next_run: Option<Timestamp>,
    /// Until when the newest snapshots of all its source groups count as fresh.
    pub fresh_until: Option<Timestamp>,
    /// How the backups of its last days ended; days without any are missing, the newest comes last.
    pub days: Vec<DayTally>,
    /// What its agent shall do by itself, and whether it knows.
    pub configuration: ConfigurationState,
    /// How far its agent's outbox is stored.
    pub outbox: Option<OutboxPosition>,
    /// Counts the changes of settings; 1 at first.
    pub version: i64,
    /// When it was removed.
    pub deleted: Option<Timestamp>,
}

impl Host {
    /// A host that has just enrolled: never seen, with nothing to do.
    #[must_use]
    pub(crate) fn enrolled(new: &NewHost) -> Self {
        Self {
            id: new.id,
            name: new.name.clone(),
            restic_name: new.restic_name.clone(),
            tags: new.tags.clone(),
            presence_mode: new.presence_mode,
            bandwidth: Bandwidth::default(),
            public_key: new.public_key,
            agent_token: new.agent_token,
            next_token: None,
            last_token: None,
            token_since: Some(new.enrolled),
            enrolled: new.enrolled,
            last_seen: None,
            generation: 0,
            facts: HostFacts::default(),
            address: None,
            last_backup: None,
            worst_backup: None,
            last_good_backup: None,
            last_snapshot: None,
            snapshots: 0,
            running_job: None,
            next_run: None,
            fresh_until: None,
            days: Vec::new(),
            configuration: ConfigurationState::default(),
            outbox: None,
            version: 1,
            deleted: None,
        }
    }

    /// What was planned of it last.
    #[must_use]
    pub fn plan(&self) -> HostPlan {
        HostPlan {
            next_run: self.next_run,
            fresh_until: self.fresh_until,
            worst_backup: self.worst_backup.clone(),
        }
    }
}

/// How the last backup of a host or source group ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// Which job.
    pub job: JobId,
    /// How it ended.
    pub state: JobState,
    /// Why.
    pub cause: Cause,
    /// When.
    pub ended: Timestamp,
    /// How much it read.
    pub bytes_processed: u64,
}

/// How the backups of one day ended, by the day on which each was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, u32, u32, u32, u32)", into = "(i64, u32, u32, u32, u32)")]
pub struct DayTally {
    /// Which day, in UTC: the days since 1970.
    pub day: i64,
    /// Backups that succeeded.
    pub good: u32,
    /// Backups that left something out.
    pub incomplete: u32,
    /// Backups that failed.
    pub failed: u32,
    /// Slots of schedules that did not run although they should have.
    pub missed: u32,
}

/// Which configuration a host shall have, and which its agent has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationState {
    /// The one it shall have; `None` before there was any.
    pub wanted: Option<ConfigurationVersion>,
    /// The one that its agent said it has.
    pub held: Option<ConfigurationVersion>,
    /// Since when the two differ.
    pub drift_since: Option<Timestamp>,
    /// Why the agent would not take the wanted one.
    pub refusal: Option<String>,
}

/// How far an outbox is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxPosition {
    /// Which life of the outbox.
    pub outbox: OutboxId,
    /// The number of the last item that is stored; 0 for none.
    pub sequence: u64,
}

/// A host at its enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHost {
    /// Which.
    pub id: HostId,
    /// What it is called.
    pub name: String,
    /// The name under which restic shall record its snapshots.
    pub restic_name: String,
    /// In the order wanted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// Its agent's identity.
    pub public_key: PublicKey,
    /// What its agent shows to connect.
    pub agent_token: TokenHash,
    /// When.
    pub enrolled: Timestamp,
}

/// What people may change of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// What it is called.
    pub name: String,
    /// In the order wanted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// How fast restic may be on it.
    pub bandwidth: Bandwidth,
}

/// Which hosts a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFilter {
    /// Only hosts within this scope.
    pub scope: Scope,
    /// Only hosts with this tag.
    pub tag: Option<String>,
    /// Only hosts that are as well as this.
    pub backups: Option<Backups>,
    /// Only hosts whose agent does not have the configuration that it shall have.
    pub drifting: bool,
    /// Deleted hosts in place of the others. They have left their tags.
    pub deleted: bool,
    /// Only hosts whose name contains this, compared under [`fold`](crate::fold).
    pub search: Option<String>,
}

/// How the backups of a host are; each host is in one of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the four cases are all there are")]
pub enum Backups {
    /// The worst of them failed, or is incomplete.
    Failing,
    /// None is failing, and snapshots are fresh at this moment.
    FreshAt(Timestamp),
    /// None is failing, and snapshots are fresh no more at this moment.
    StaleAt(Timestamp),
    /// None is failing, and there is no snapshot to be fresh.
    Unknown,
}

impl Backups {
    /// Whether a host whose worst backup ended so, and whose snapshots are fresh until then, is one of these.
    #[must_use]
    pub fn are(self, worst: Option<JobState>, fresh_until: Option<Timestamp>) -> bool {
        let failing = matches!(worst, Some(JobState::Failed | JobState::Incomplete));
        match self {
            Self::Failing => failing,
            Self::FreshAt(now) => !failing && fresh_until.is_some_and(|until| until > now),
            Self::StaleAt(now) => !failing && fresh_until.is_some_and(|until| until <= now),
            Self::Unknown => !failing && fresh_until.is_none(),
        }
    }
}

/// The order of a list of hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostOrder {
    /// By name under [`fold`](crate::fold).
    #[default]
    Name,
    /// Soonest next run first; hosts without one come last.
    NextRun,
    /// Longest without a good backup first; hosts without any come before them.
    LastGood,
}

/// A host's place in a list: its name or its moment, by the order, then its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostCursor {
    /// The folded name; empty in lists by a moment.
    pub name: String,
    /// The moment in milliseconds; 0 in the list by name.
    pub moment: i64,
    /// The id.
    pub id: HostId,
}

impl Host {
    /// Its place in a list of this order.
    #[must_use]
    pub fn cursor(&self, order: HostOrder) -> HostCursor {
        let moment = match order {
            HostOrder::Name => return HostCursor { name: crate::fold(&self.name), moment: 0, id: self.id },
            HostOrder::NextRun => self.next_run.map_or(i64::MAX, Timestamp::as_milliseconds),
            HostOrder::LastGood => self.last_good_backup.map_or(-i64::MAX, Timestamp::as_milliseconds),
        };
        HostCursor { name: String::new(), moment, id: self.id }
    }

    /// Whether somebody of this scope sees it. A deleted host has left the tags it had.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.holds(self.id, if self.deleted.is_none() { &self.tags } else { &[] })
    }
}

impl DayTally {
    /// So many days are kept.
    pub const KEPT: usize = 30;

    /// The day of a moment, in UTC.
    #[must_use]
    pub fn day_of(moment: Timestamp) -> i64 {
        moment.as_milliseconds().div_euclid(86_400_000)
    }

    /// Whether a run that was skipped for this cause should have taken place.
    #[must_use]
    pub const fn is_missed(cause: Cause) -> bool {
        !matches!(cause, Cause::SlotNotNeeded | Cause::SlotOverlapped | Cause::ScheduleChanged)
    }

    /// Counts one more outcome on a day; those before the days that are kept are let go.
    pub(crate) fn note(days: &mut Vec<Self>, day: i64, count: impl Fn(&mut Self)) {
        let place = match days.binary_search_by_key(&day, |tally| tally.day) {
            Ok(place) => place,
            Err(place) => {
                days.insert(place, Self { day, ..Self::default() });
                place
            }
        };
        count(&mut days[place]);
        let newest = days.last().map_or(day, |tally| tally.day);
        days.retain(|tally| newest - tally.day < Self::KEPT as i64);
    }

    /// What a backup's end counts as: a run that was skipped on purpose, superseded by nothing or cancelled, counts
    /// as none.
    pub(crate) fn counter(state: JobState, cause: Cause) -> Option<fn(&mut Self)> {
        match (state, cause) {
            (JobState::Succeeded, _) => Some(|tally| tally.good += 1),
            (JobState::Incomplete, _) => Some(|tally| tally.incomplete += 1),
            (JobState::Failed, _) => Some(|tally| tally.failed += 1),
            (JobState::Skipped, _) if Self::is_missed(cause) => Some(|tally| tally.missed += 1),
            _ => None,
        }
    }
}

impl From<(i64, u32, u32, u32, u32)> for DayTally {
    fn from((day, good, incomplete, failed, missed): (i64, u32, u32, u32, u32)) -> Self {
        Self { day, good, incomplete, failed, missed }
    }
}

impl From<DayTally> for (i64, u32, u32, u32, u32) {
    fn from(tally: DayTally) -> Self {
        (tally.day, tally.good, tally.incomplete, tally.failed, tally.missed)
    }
}

/// What a host's schedules promise, and how well its source groups keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPlan {
    /// When one of its schedules runs next.
    pub next_run: Option<Timestamp>,
    /// Until when the newest snapshots of all its source groups count as fresh.
    pub fresh_until: Option<Timestamp>,
    /// Of the last backups of its source groups the one that ended worst.
    pub worst_backup: Option<LastBackup>,
}

/// How many hosts stand alike, for a count of what is well and what isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostStanding {
    /// How their worst backup ended; `None` for hosts without any.
    pub worst_backup: Option<JobState>,
    /// Whether their snapshots are fresh at the moment asked about; `None` for hosts without any.
    pub is_fresh: Option<bool>,
    /// How many.
    pub hosts: u64,
}

impl ConfigurationState {
    /// The state after another configuration is wanted.
    pub(crate) fn want(&mut self, digest: &str, now: Timestamp) {
        if self.wanted.as_ref().is_some_and(|wanted| wanted.digest == digest) {
            return;
        }
        let highest = [&self.held, &self.wanted].into_iter().flatten().map(|version| version.number).max();
        let number = highest.unwrap_or_default().saturating_add(1);
        self.wanted = Some(ConfigurationVersion { number, digest: digest.to_owned() });
        self.refusal = None;
        self.compare(now);
    }

    /// The state after the agent said what it has.
    pub(crate) fn hold(&mut self, held: Option<&ConfigurationVersion>, now: Timestamp) {
        // What an agent says may be anything; a number that no database holds is none of ours.
        self.held = held.filter(|held| held.number < 1 << 62 && !held.digest.contains('\0')).cloned();
        self.compare(now);
    }

    fn compare(&mut self, now: Timestamp) {
        if self.held == self.wanted {
            self.drift_since = None;
            self.refusal = None;
        } else {
            self.drift_since = self.drift_since.or(Some(now));
        }
    }
}

/// Queries about hosts.
#[async_trait]
pub trait HostQueries: Send {
    /// One host, deleted ones too.
    async fn find(&mut self, id: HostId) -> Result<Option<Host>, Error>;
    /// The host of a name that is not deleted, compared under [`fold`](crate::fold).
    async fn named(&mut self, name: &str) -> Result<Option<Host>, Error>;
    /// Whether restic records a host under this name: a deleted one keeps it until it is purged, because its snapshots and
    /// its policies are found by it.
    async fn has_restic_name(&mut self, restic_name: &str) -> Result<bool, Error>;
    /// The host whose agent shows a token, unless it is deleted.
    async fn with_agent_token(&mut self, token: &TokenHash) -> Result<Option<Host>, Error>;
    /// Hosts, in an order.
    async fn page(
        &mut self,
        filter: &HostFilter,
        order: HostOrder,
        request: PageRequest<HostCursor>,
    ) -> Result<Page<Host, HostCursor>, Error>;
    /// The hosts of a scope that are not deleted, oldest first, `limit` at most.
    async fn within(&mut self, scope: &Scope, limit: usize) -> Result<Vec<HostId>, Error>;
    /// All tags in use, sorted.
    async fn tags(&mut self) -> Result<Vec<String>, Error>;
    /// Hosts whose next run has passed at `now`, `limit` at most.
    async fn run_passed(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error>;
    /// Hosts at which somebody is to look at `now`, the longest due first, `limit` at most.
    async fn to_watch(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error>;
    /// How all hosts of a scope stand, in any order: by the end of their last backup, and by whether their newest
    /// snapshot is fresh at `now`. Costs a look at an index entry per host.
    async fn standings(&mut self, scope: &Scope, now: Timestamp) -> Result<Vec<HostStanding>, Error>;
}

/// Changes to hosts.
///
/// The facts of last backup and running job are kept by [`Jobs`](crate::jobs::Jobs), those of snapshots by
/// [`Snapshots`](crate::snapshots::Snapshots).
#[async_trait]
pub trait Hosts: HostQueries {
    /// Adds a host, at version 1. `Taken` when the name or the token is in use.
    async fn enrol(&mut self, host: &NewHost) -> Result<(), Error>;
    /// Gives a known host to a new agent: other key, other token, no outbox yet, no configuration, never seen.
    async fn take_over(
        &mut self,
        id: HostId,
        public_key: &PublicKey,
        agent_token: &TokenHash,
        enrolled: Timestamp,
    ) -> Result<(), Error>;
    /// Changes the settings; answers the new version. `Conflict` when the stored version is not `expected`,
    /// `Taken` when the name is in use.
    async fn configure(&mut self, id: HostId, settings: &HostSettings, expected: i64) -> Result<i64, Error>;
    /// Offers the agent another token. `Conflict` while another offer is open.
    async fn offer_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error>;
    /// Puts the offered token in force and revokes the one before it. `Conflict` when another was offered or none.
    async fn confirm_token(&mut self, id: HostId, token: &TokenHash, now: Timestamp) -> Result<(), Error>;
    /// Withdraws an open offer, if there is one.
    async fn withdraw_token(&mut self, id: HostId) -> Result<(), Error>;
    /// Asks that the agent's token be replaced as soon as it can be.
    async fn age_token(&mut self, id: HostId) -> Result<(), Error>;
    /// Puts another agent token in place, as if no other had ever been.
    async fn rotate_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error>;
    /// Notes a new connection and what the agent said; answers the connection's generation.
    async fn connect(
        &mut self,
        id: HostId,
        now: Timestamp,
        facts: &HostFacts,
        address: Option<&str>,
    ) -> Result<i64, Error>;
    /// Notes what the agent says of a machine that changed while it was connected.
    async fn describe(&mut self, id: HostId, facts: &HostFacts) -> Result<(), Error>;
    /// Notes that an agent was seen. Hosts that are gone are passed over.
    async fn note_last_seen(&mut self, id: HostId, now: Timestamp) -> Result<(), Error>;
    /// The same for many, each with its moment, in one statement.
    async fn note_all_seen(&mut self, seen: &[(HostId, Timestamp)]) -> Result<(), Error>;
    /// Notes how far an agent's outbox is stored. `Conflict` when it would go back within the same outbox.
    async fn advance_outbox(&mut self, id: HostId, position: OutboxPosition) -> Result<(), Error>;
    /// Notes what its schedules promise, and how well its source groups keep it.
    async fn plan(&mut self, id: HostId, plan: &HostPlan) -> Result<(), Error>;
    /// Says when somebody is to look next whether it is silent or its snapshots are too old; `None` for never. Hosts that
    /// are gone are passed over.
    async fn watch(&mut self, id: HostId, at: Option<Timestamp>) -> Result<(), Error>;
    /// Brings the next look at a host forward to a moment. Hosts that are gone are passed over.
    async fn watch_by(&mut self, id: HostId, at: Timestamp) -> Result<(), Error>;
    /// Brings the next look at each host that is not deleted forward to a moment.
    async fn watch_all(&mut self, at: Timestamp) -> Result<(), Error>;
    /// Notes slots that did not run although they should have, one on each of these days.
    async fn note_missed(&mut self, id: HostId, days: &[i64]) -> Result<(), Error>;
    /// The configuration with this digest is the one that the host shall have; answers which that is. Its number is
    /// higher than any before when the digest is another one.
    async fn want_configuration(
        &mut self,
        id: HostId,
        digest: &str,
        now: Timestamp,
    ) -> Result<ConfigurationVersion, Error>;
    /// Notes which configuration the agent says it has.
    async fn hold_configuration(
        &mut self,
        id: HostId,
        held: Option<&ConfigurationVersion>,
        now: Timestamp,
    ) -> Result<(), Error>;
    /// Notes why the agent would not take the wanted configuration.
    async fn refuse_configuration(&mut self, id: HostId, reason: &str) -> Result<(), Error>;
    /// Removes a host from lists and revokes its agent; its history stays. `NotFound` when that was done already.
    async fn delete(&mut self, id: HostId, now: Timestamp) -> Result<(), Error>;
    /// Removes for good what is kept of a deleted host, `limit` rows at most; says whether nothing is left, the host
    /// itself included. `NotFound` for a host that is not deleted.
    ///
    /// Its jobs have ended before; alerts and audit entries about it stay.
    async fn purge(&mut self, id: HostId, limit: usize) -> Result<bool, Error>;
}
