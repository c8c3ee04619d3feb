//! One host at a time may make a repository: two restic that make the same one at once leave it with two keys, of
//! which one opens nothing, and with append-only storage nobody can take it away again.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{HostId, JobId, RepositoryId, Timestamp};

use crate::limits::SETUP_TIME;

/// Which host may make which repository now, and who waits for it to be done.
///
/// It lives in memory: after a restart a job that was under way is not remembered, which matters only to a repository
/// that two hosts meet for the first time within the same seconds.
#[derive(Debug, Default)]
pub(crate) struct Setups(Mutex<HashMap<RepositoryId, Setup>>);

#[derive(Debug)]
struct Setup {
    host: HostId,
    job: JobId,
    since: Timestamp,
    waiting: BTreeSet<HostId>,
}

impl Setup {
    /// A clock that was put back ends it too.
    fn is_over(&self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= SETUP_TIME
    }
}

impl Setups {
    /// Whether a host's job may make the repository now. If not, the host is woken when it is its turn to ask again: when
    /// the first one has found out or left, and after [`SETUP_TIME`] at the latest.
    #[must_use]
    pub(crate) fn begin(&self, repository: RepositoryId, host: HostId, job: JobId, now: Timestamp) -> bool {
        let mut setups = self.lock();
        let new = || Setup { host, job, since: now, waiting: BTreeSet::new() };
        let setup = setups.entry(repository).or_insert_with(new);
        if setup.is_over(now) {
            let waiting = mem::take(&mut setup.waiting);
            *setup = Setup { waiting: waiting.into_iter().filter(|other| *other != host).collect(), ..new() };
        }
        let is_its_turn = setup.host == host;
        if !is_its_turn {
            setup.waiting.insert(host);
        }
        is_its_turn
    }

    /// The host has found out how the repository is. Gives the hosts to wake.
    #[must_use]
    pub(super) fn found(&self, repository: RepositoryId, host: HostId) -> Vec<HostId> {
        self.end(|id, setup| *id == repository && setup.host == host)
    }

    /// The job has ended, or will not start. Gives the hosts to wake.
    #[must_use]
    pub(super) fn ended(&self, job: JobId) -> Vec<HostId> {
        self.end(|_, setup| setup.job == job)
    }

    /// The host's connection has ended. Gives the hosts to wake.
    #[must_use]
    pub(super) fn left(&self, host: HostId) -> Vec<HostId> {
        self.end(|_, setup| setup.host == host)
    }

    /// Those whose time is over no longer keep anybody waiting. Gives the hosts to wake.
    #[must_use]
    pub(super) fn expire(&self, now: Timestamp) -> Vec<HostId> {
        self.end(|_, setup| setup.is_over(now))
    }

    /// Whether a host waits for another one to make the repository.
    pub(crate) fn is_waiting(&self, repository: RepositoryId, host: HostId) -> bool {
        self.lock().get(&repository).is_some_and(|setup| setup.waiting.contains(&host))
    }

    fn end(&self, is_over: impl Fn(&RepositoryId, &Setup) -> bool) -> Vec<HostId> {
        let over = self.lock().extract_if(|id, setup| is_over(id, setup)).collect::<Vec<_>>();
        over.into_iter().flat_map(|(_, setup)| setup.waiting).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RepositoryId, Setup>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    fn ids() -> (RepositoryId, [HostId; 2], [JobId; 2]) {
        let repository = RepositoryId::from_bytes([1; 16]);
        (
            repository,
            [2, 3].map(|id| HostId::from_bytes([id; 16])),
            [4, 5].map(|id| JobId::from_bytes([id; 16])),
        )
    }

    #[test]
    fn the_second_host_waits_until_the_first_has_found_out() {
        let (setups, (repository, hosts, jobs)) = (Setups::default(), ids());
        assert!(setups.begin(repository, hosts[0], jobs[0], at(0)));
        assert!(!setups.begin(repository, hosts[1], jobs[1], at(0)));
        assert!(setups.is_waiting(repository, hosts[1]));
        assert!(setups.begin(repository, hosts[0], jobs[0], at(0)), "the first is not in its own way");
        assert!(setups.found(repository, hosts[1]).is_empty(), "only who makes it can be done");
        assert_eq!(setups.found(repository, hosts[0]), [hosts[1]]);
        assert!(setups.begin(repository, hosts[1], jobs[1], at(0)));
    }

    #[test]
    fn a_job_that_ends_or_a_host_that_leaves_makes_room() {
        let (setups, (repository, hosts, jobs)) = (Setups::default(), ids());
        assert!(setups.begin(repository, hosts[0], jobs[0], at(0)));
        assert!(!setups.begin(repository, hosts[1], jobs[1], at(0)));
        assert!(setups.ended(jobs[1]).is_empty());
        assert_eq!(setups.ended(jobs[0]), [hosts[1]]);
        assert!(setups.begin(repository, hosts[1], jobs[1], at(0)));
        assert!(!setups.begin(repository, hosts[0], jobs[0], at(0)));
        assert_eq!(setups.left(hosts[1]), [hosts[0]]);
    }

    #[test]
    fn a_host_that_never_reports_keeps_its_place_for_minutes() {
        let (setups, (repository, hosts, jobs)) = (Setups::default(), ids());
        assert!(setups.begin(repository, hosts[0], jobs[0], at(0)));
        assert!(!setups.begin(repository, hosts[1], jobs[1], at(1)));
        let over = i64::try_from(SETUP_TIME.as_secs()).unwrap();
        assert!(setups.expire(at(over - 1)).is_empty());
        assert!(!setups.begin(repository, hosts[1], jobs[1], at(over - 1)));
        assert_eq!(setups.expire(at(over)), [hosts[1]]);
        assert!(setups.begin(repository, hosts[1], jobs[1], at(over)));
        assert!(setups.begin(repository, hosts[0], jobs[0], at(2 * over)), "also without a round in between");
    }
}
