//! Who may use a repository, and in which order: whether a job starts now, or what it waits for.
//!
//! Within a repository the order is that of asking: exclusive work waits for those who use it and holds up those who
//! come after, so that neither many small jobs nor one large one keeps the others out for ever.

use core::{fmt, time::Duration};
use restic_manager_proto::vocabulary::{JobKind, LeaseMode, LeaseState};

/// A lease stands for so long after its host was last seen.
pub const LEASE_TIME: Duration = Duration::from_secs(5 * 60);
/// Between two looks after the lock of a holder that is lost.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The lease that a kind of job needs. What takes no lock of restic, or removes one, needs none.
#[must_use]
pub const fn mode_of(kind: JobKind) -> Option<LeaseMode> {
    match kind {
        JobKind::Backup
        | JobKind::ListSnapshots
        | JobKind::PreviewForget
        | JobKind::Restore
        | JobKind::Statistics => Some(LeaseMode::Shared),
        JobKind::Forget | JobKind::Prune | JobKind::Check | JobKind::DeletionTest => {
            Some(LeaseMode::Exclusive)
        }
        _ => None,
    }
}

/// How many jobs may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// On one repository.
    pub repository: u64,
    /// In the whole fleet.
    pub fleet: u64,
}

/// What stands in a job's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseFacts {
    /// The lease that it needs.
    pub mode: LeaseMode,
    /// A job of the same host that uses the repository, or was asked for first.
    pub host: Option<JobKind>,
    /// An exclusive lease of another job.
    pub exclusive: Option<Holder>,
    /// Another job that holds a lease.
    pub holder: Option<Holder>,
    /// An older job that waits for the repository.
    pub ahead: Option<JobKind>,
    /// How many other jobs hold a lease there.
    pub held: u64,
    /// How many other jobs hold a lease in the fleet.
    pub fleet_held: u64,
    /// Whether an older job waits for the fleet's budget.
    pub fleet_ahead: bool,
    /// How many may.
    pub budgets: Budgets,
}

/// Who holds a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it does.
    pub kind: JobKind,
    /// Whether it was not seen for too long.
    pub is_lost: bool,
}

/// What becomes of a job that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Turn {
    /// It starts.
    Start,
    /// It waits.
    Wait(Reason),
}

impl Turn {
    /// Whether a job that waits in a queue does something when it is asked again: it starts, or waits in another one.
    #[must_use]
    pub fn moves_from(self, queue: LeaseState) -> bool {
        match self {
            Self::Start => true,
            Self::Wait(reason) => reason.queue().is_some_and(|other| other != queue),
        }
    }
}

/// A job at the head of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// In which queue it waits.
    pub queue: LeaseState,
    /// What would become of it now.
    pub turn: Turn,
}

/// Who is asked again after something changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// The head of the repository in which it changed.
    pub repository: bool,
    /// The head of the fleet's queue.
    pub fleet: bool,
}

/// Whom a change in a repository lets go on: the oldest job that waits there, and the oldest that waits for the fleet's
/// budget, of which there is `room` left. No other job can: it waits behind one of the two. The repository's goes first where
/// both could start and there is room for one.
#[must_use]
pub fn wake(repository: Option<Head>, fleet: Option<Head>, room: u64) -> Woken {
    let moves = |head: Option<Head>| head.is_some_and(|head| head.turn.moves_from(head.queue));
    let starts = repository.is_some_and(|head| head.turn == Turn::Start);
    Woken { repository: moves(repository), fleet: moves(fleet) && (room > 1 || !starts) }
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another job of its host that uses the same repository.
    Host(JobKind),
    /// A job that has the repository to itself.
    Exclusive(Holder),
    /// Jobs that use the repository which this one needs for itself.
    Holders(Holder, u64),
    /// A job that was asked for earlier and waits too.
    Behind(JobKind),
    /// The repository's budget: so many of so many.
    RepositoryBudget(u64, u64),
    /// The fleet's budget: so many of so many.
    FleetBudget(u64, u64),
}

impl Reason {
    /// In which queue a job waits; `None` when it is its host's own.
    #[must_use]
    pub const fn queue(self) -> Option<LeaseState> {
        match self {
            Self::Host(_) => None,
            Self::FleetBudget(..) => Some(LeaseState::WaitsForFleet),
            _ => Some(LeaseState::WaitsForRepository),
        }
    }
}

/// In words that fit after "waits for".
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(kind) => write!(f, "the {kind} of the same host on the same repository"),
            Self::Exclusive(holder) => write!(f, "the {}", holder.words()),
            Self::Holders(holder, 1) => write!(f, "the {}", holder.words()),
            Self::Holders(holder, count) => write!(f, "{count} jobs, the oldest a {}", holder.words()),
            Self::Behind(kind) => write!(f, "the {kind} that was asked for earlier"),
            Self::RepositoryBudget(used, limit) => {
                write!(f, "the repository's budget: {used} of {limit} used")
            }
            Self::FleetBudget(used, limit) => write!(f, "the fleet's budget: {used} of {limit} used"),
        }
    }
}

impl Holder {
    fn words(self) -> String {
        let lost = if self.is_lost { " whose host is away; its lock is being looked after" } else { "" };
        format!("{}{lost}", self.kind)
    }
}

/// Whether a job starts now.
pub fn decide(facts: &LeaseFacts) -> Turn {
    if let Some(kind) = facts.host {
        return Turn::Wait(Reason::Host(kind));
    }
    if let Some(holder) = facts.exclusive {
        return Turn::Wait(Reason::Exclusive(holder));
    }
    if let Some(kind) = facts.ahead {
        return Turn::Wait(Reason::Behind(kind));
    }
    match (facts.mode, facts.holder) {
        (LeaseMode::Exclusive, Some(holder)) => return Turn::Wait(Reason::Holders(holder, facts.held)),
        _ if facts.held >= facts.budgets.repository => {
            return Turn::Wait(Reason::RepositoryBudget(facts.held, facts.budgets.repository));
        }
        _ => {}
    }
    if facts.fleet_held >= facts.budgets.fleet || facts.fleet_ahead {
        return Turn::Wait(Reason::FleetBudget(facts.fleet_held, facts.budgets.fleet));
    }
    Turn::Start
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const BUDGETS: Budgets = Budgets { repository: 3, fleet: 4 };

    fn holder(kind: JobKind) -> Holder {
        Holder { kind, is_lost: false }
    }

    fn free(mode: LeaseMode) -> LeaseFacts {
        LeaseFacts {
            mode,
            host: None,
            exclusive: None,
            holder: None,
            ahead: None,
            held: 0,
            fleet_held: 0,
            fleet_ahead: false,
            budgets: BUDGETS,
        }
    }

    fn words(facts: &LeaseFacts) -> String {
        match decide(facts) {
            Turn::Start => "starts".to_owned(),
            Turn::Wait(reason) => reason.to_string(),
        }
    }

    #[test]
    fn each_reason_is_told_in_words() {
        use LeaseMode::{Exclusive, Shared};
        let backups = |mode, held| LeaseFacts { held, holder: Some(holder(JobKind::Backup)), ..free(mode) };
        assert_eq!(words(&free(Shared)), "starts");
        assert_eq!(words(&backups(Shared, 2)), "starts");
        assert_eq!(words(&backups(Shared, 3)), "the repository's budget: 3 of 3 used");
        assert_eq!(words(&backups(Exclusive, 1)), "the backup");
        assert_eq!(words(&backups(Exclusive, 2)), "2 jobs, the oldest a backup");
        let prune = LeaseFacts { held: 1, exclusive: Some(holder(JobKind::Prune)), ..free(Shared) };
        assert_eq!(words(&prune), "the prune");
        let lost = Holder { kind: JobKind::Prune, is_lost: true };
        assert_eq!(
            words(&LeaseFacts { exclusive: Some(lost), ..prune.clone() }),
            "the prune whose host is away; its lock is being looked after"
        );
        assert_eq!(
            words(&LeaseFacts { ahead: Some(JobKind::Check), ..free(Shared) }),
            "the check that was asked for earlier"
        );
        assert_eq!(words(&LeaseFacts { fleet_held: 4, ..free(Shared) }), "the fleet's budget: 4 of 4 used");
        assert_eq!(
            words(&LeaseFacts { fleet_ahead: true, ..free(Shared) }),
            "the fleet's budget: 0 of 4 used"
        );
        assert_eq!(
            words(&LeaseFacts { host: Some(JobKind::Backup), ..prune }),
            "the backup of the same host on the same repository"
        );
    }

    #[test]
    fn every_kind_that_writes_needs_a_lease() {
        for kind in JobKind::ALL {
            let takes_no_lock =
                matches!(kind, JobKind::CheckRepository | JobKind::Unlock | JobKind::ConnectionTest);
            assert_eq!(mode_of(*kind).is_none(), takes_no_lock, "{kind}");
        }
    }

    /// The longest job of the laws.
    const LONGEST: u64 = 5;

    #[derive(Clone, Copy, Debug)]
    struct Asked {
        at: u64,
        repository: usize,
        mode: LeaseMode,
        takes: u64,
    }

    /// A fleet at work, as the server runs it: a job is tried when it is asked for, and again when it is woken.
    struct Fleet<'a> {
        jobs: &'a [Asked],
        budgets: Budgets,
        queues: BTreeMap<usize, LeaseState>,
        /// Those that run, and when they end.
        held: BTreeMap<usize, u64>,
        /// When each started.
        started: BTreeMap<usize, u64>,
    }

    impl Fleet<'_> {
        fn turn(&self, job: usize) -> Turn {
            let Asked { repository, mode, .. } = self.jobs[job];
            let there: Vec<_> =
                self.held.keys().filter(|held| self.jobs[**held].repository == repository).collect();
            let someone = |_| holder(JobKind::Backup);
            let alone = there.iter().find(|held| self.jobs[***held].mode == LeaseMode::Exclusive);
            let mut before = self.queues.range(..job);
            decide(&LeaseFacts {
                exclusive: alone.map(someone),
                holder: there.first().map(|_| holder(JobKind::Backup)),
                ahead: before
                    .any(|(other, _)| self.jobs[*other].repository == repository)
                    .then_some(JobKind::Backup),
                held: there.len() as u64,
                fleet_held: self.held.len() as u64,
                fleet_ahead: self.queues.range(..job).any(|(_, queue)| *queue == LeaseState::WaitsForFleet),
                budgets: self.budgets,
                ..free(mode)
            })
        }

        fn head(&self, is_in: impl Fn(usize, LeaseState) -> bool) -> Option<(usize, Head)> {
            let (job, queue) = self.queues.iter().find(|(job, queue)| is_in(**job, **queue))?;
            Some((*job, Head { queue: *queue, turn: self.turn(*job) }))
        }

        /// What a claim does: it starts the job or puts it into its queue. What changed so wakes others.
        fn claim(&mut self, now: u64, job: usize) {
            match self.turn(job) {
                Turn::Start => {
                    self.queues.remove(&job);
                    self.held.insert(job, now + self.jobs[job].takes);
                    self.started.insert(job, now);
                }
                Turn::Wait(reason) => {
                    let queue = reason.queue().expect("hosts are no part of this");
                    if self.queues.insert(job, queue) == Some(queue) {
                        return;
                    }
                }
            }
            self.wake(now, self.jobs[job].repository);
        }

        fn wake(&mut self, now: u64, repository: usize) {
            let there = self.head(|job, _| self.jobs[job].repository == repository);
            let fleet = self.head(|_, queue| queue == LeaseState::WaitsForFleet);
            let room = self.budgets.fleet.saturating_sub(self.held.len() as u64);
            let woken = wake(there.map(|(_, head)| head), fleet.map(|(_, head)| head), room);
            let of_repository = there.filter(|_| woken.repository).map(|(job, _)| job);
            let of_fleet = fleet.filter(|_| woken.fleet).map(|(job, _)| job);
            // Whoever is woken claims when it comes to it: the worst order for the older one.
            for job in of_fleet.into_iter().chain(of_repository) {
                if self.queues.contains_key(&job) {
                    self.claim(now, job);
                }
            }
        }

        fn end_one(&mut self) -> u64 {
            let (job, now) =
                self.held.iter().min_by_key(|(_, end)| **end).expect("all wait and nobody works");
            let (job, now) = (*job, *now);
            self.held.remove(&job);
            self.wake(now, self.jobs[job].repository);
            now
        }

        fn end_until(&mut self, now: u64) {
            while self.held.values().any(|end| *end <= now) {
                self.end_one();
            }
        }

        fn expect_lawful(&self) {
            for held in self.held.keys() {
                let repository = self.jobs[*held].repository;
                let there = self.held.keys().filter(|job| self.jobs[**job].repository == repository).count();
                assert!(self.jobs[*held].mode == LeaseMode::Shared || there == 1, "beside exclusive work");
                assert!(there as u64 <= self.budgets.repository);
            }
            assert!(self.held.len() as u64 <= self.budgets.fleet);
        }
    }

    fn fleets() -> impl Strategy<Value = (Vec<Asked>, Budgets)> {
        let job = (0..4_u64, 0..4_usize, prop::bool::weighted(0.3), 1..=LONGEST);
        (prop::collection::vec(job, 1..80), 1..4_u64, 1..6_u64).prop_map(|(jobs, repository, fleet)| {
            let mut at = 0;
            let asked = |(gap, repository, alone, takes)| {
                at += gap;
                let mode = if alone { LeaseMode::Exclusive } else { LeaseMode::Shared };
                Asked { at, repository, mode, takes }
            };
            (jobs.into_iter().map(asked).collect(), Budgets { repository, fleet })
        })
    }

    proptest! {
        /// Whatever is asked for and however long it takes: nobody is beside exclusive work, no budget is exceeded, those of
        /// a repository start in the order of asking, and each starts within the longest job's time for each job that was
        /// asked for before it, had not ended then, and once more for those that were faster elsewhere.
        #[test]
        fn each_job_starts_within_the_time_of_those_ahead((jobs, budgets) in fleets()) {
            let mut fleet =
                Fleet { jobs: &jobs, budgets, queues: BTreeMap::new(), held: BTreeMap::new(), started: BTreeMap::new() };
            let mut ahead = Vec::new();
            for (job, asked) in jobs.iter().enumerate() {
                fleet.end_until(asked.at);
                ahead.push((fleet.queues.len() + fleet.held.len()) as u64);
                fleet.claim(asked.at, job);
                fleet.expect_lawful();
            }
            while !fleet.held.is_empty() {
                fleet.end_one();
                fleet.expect_lawful();
            }
            prop_assert!(fleet.queues.is_empty(), "they wait for ever: {:?}", fleet.queues);
            for repository in 0..4 {
                let starts: Vec<_> =
                    fleet.started.iter().filter(|(job, _)| jobs[**job].repository == repository).map(|(_, at)| at).collect();
                prop_assert!(starts.is_sorted(), "{starts:?}");
            }
            for (job, at) in &fleet.started {
                let most = (ahead[*job] + 1) * LONGEST;
                prop_assert!(at - jobs[*job].at <= most, "job {job}: {at} - {} > {most}", jobs[*job].at);
            }
        }
    }
}
