//! Who may use a repository, and in which order: whether a job starts now, or what it waits for.
//!
//! Within a repository the order is that of asking: exclusive work waits for those who use it and holds up those who
//! come after, so that neither many small jobs nor one large one keeps the others out for ever.

use core::{fmt, time::Duration};
use restic_manager_proto::vocabulary::{JobKind, LeaseMode, LeaseState};

/// A lease stands for so long after its host was last seen.
pub const LEASE_TIME: Duration = Duration::from_secs(5 * 60);
/// A place in the queue stands for so long after it was last asked for.
pub const PLACE_TIME: Duration = Duration::from_secs(60);
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

    /// Jobs on two repositories, as the store would keep them.
    #[derive(Default)]
    struct Model {
        /// Number, repository, mode; in the order of asking.
        waiting: Vec<(usize, usize, LeaseMode)>,
        held: Vec<(usize, usize, LeaseMode)>,
        in_fleet_queue: Vec<usize>,
    }

    impl Model {
        fn facts(&self, job: usize, repository: usize, mode: LeaseMode) -> LeaseFacts {
            let there: Vec<_> = self.held.iter().filter(|held| held.1 == repository).collect();
            let someone = |_: &&(usize, usize, LeaseMode)| holder(JobKind::Backup);
            let ahead = |other: &&(usize, usize, LeaseMode)| other.1 == repository && other.0 < job;
            LeaseFacts {
                exclusive: there.iter().find(|held| held.2 == LeaseMode::Exclusive).map(someone),
                holder: there.first().map(someone),
                ahead: self.waiting.iter().find(ahead).map(|_| JobKind::Backup),
                held: there.len() as u64,
                fleet_held: self.held.len() as u64,
                fleet_ahead: self.in_fleet_queue.iter().any(|other| *other < job),
                ..free(mode)
            }
        }

        /// Lets in whoever may; gives the numbers.
        fn admit(&mut self) -> Vec<usize> {
            let mut admitted = Vec::new();
            loop {
                let waiting = self.waiting.clone();
                let next = waiting.iter().find(|(job, repository, mode)| {
                    match decide(&self.facts(*job, *repository, *mode)) {
                        Turn::Start => true,
                        Turn::Wait(reason) => {
                            self.in_fleet_queue.retain(|other| other != job);
                            if reason.queue() == Some(LeaseState::WaitsForFleet) {
                                self.in_fleet_queue.push(*job);
                            }
                            false
                        }
                    }
                });
                let Some(next) = next.copied() else { return admitted };
                self.waiting.retain(|other| *other != next);
                self.in_fleet_queue.retain(|other| *other != next.0);
                self.held.push(next);
                admitted.push(next.0);
            }
        }
    }

    proptest! {
        /// Whatever is asked for and whenever it ends: nobody is beside exclusive work, no budget is exceeded, those of a
        /// repository come in the order of asking, and in the end everybody has had a turn.
        #[test]
        fn order_and_exclusion_hold_and_nobody_starves(
            steps in prop::collection::vec((0..3_usize, 0..2_usize, any::<bool>(), 0..8_usize), 1..60)
        ) {
            let mut model = Model::default();
            let (mut asked, mut started) = (Vec::new(), Vec::new());
            for (verb, repository, alone, which) in steps {
                if verb < 2 {
                    let mode = if alone { LeaseMode::Exclusive } else { LeaseMode::Shared };
                    let job = asked.len();
                    asked.push(repository);
                    model.waiting.push((job, repository, mode));
                } else if !model.held.is_empty() {
                    let ends = which % model.held.len();
                    model.held.remove(ends);
                }
                started.extend(model.admit());
                for repository in 0..2 {
                    let there: Vec<_> = model.held.iter().filter(|held| held.1 == repository).collect();
                    let alone = there.iter().any(|held| held.2 == LeaseMode::Exclusive);
                    prop_assert!(!alone || there.len() == 1);
                    prop_assert!(there.len() as u64 <= BUDGETS.repository);
                }
                prop_assert!(model.held.len() as u64 <= BUDGETS.fleet);
            }
            while !model.waiting.is_empty() {
                prop_assert!(!model.held.is_empty(), "all wait and nobody works: {:?}", model.waiting);
                model.held.remove(0);
                started.extend(model.admit());
            }
            for repository in 0..2 {
                let order: Vec<_> = started.iter().filter(|job| asked[**job] == repository).collect();
                prop_assert!(order.is_sorted(), "{order:?}");
            }
            prop_assert_eq!(started.len(), asked.len());
        }
    }
}
