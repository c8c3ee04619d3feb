//! One host at a time may make a repository: two restic that make the same one at once leave it with two keys, of
//! which one opens nothing, and with append-only storage nobody can take it away again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{HostId, JobId, RepositoryId};

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
    waiting: BTreeSet<HostId>,
}

impl Setups {
    /// Whether a host's job may make the repository now. If not, the host is woken when it is its turn to ask again.
    #[must_use]
    pub(crate) fn begin(&self, repository: RepositoryId, host: HostId, job: JobId) -> bool {
        let mut setups = self.lock();
        let setup = setups.entry(repository).or_insert_with(|| Setup { host, job, waiting: BTreeSet::new() });
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
        assert!(setups.begin(repository, hosts[0], jobs[0]));
        assert!(!setups.begin(repository, hosts[1], jobs[1]));
        assert!(setups.is_waiting(repository, hosts[1]));
        assert!(setups.begin(repository, hosts[0], jobs[0]), "the first is not in its own way");
        assert!(setups.found(repository, hosts[1]).is_empty(), "only who makes it can be done");
        assert_eq!(setups.found(repository, hosts[0]), [hosts[1]]);
        assert!(setups.begin(repository, hosts[1], jobs[1]));
    }

    #[test]
    fn a_job_that_ends_or_a_host_that_leaves_makes_room() {
        let (setups, (repository, hosts, jobs)) = (Setups::default(), ids());
        assert!(setups.begin(repository, hosts[0], jobs[0]));
        assert!(!setups.begin(repository, hosts[1], jobs[1]));
        assert!(setups.ended(jobs[1]).is_empty());
        assert_eq!(setups.ended(jobs[0]), [hosts[1]]);
        assert!(setups.begin(repository, hosts[1], jobs[1]));
        assert!(!setups.begin(repository, hosts[0], jobs[0]));
        assert_eq!(setups.left(hosts[1]), [hosts[0]]);
    }
}
