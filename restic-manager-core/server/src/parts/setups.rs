//! One host at a time may make a repository: two restic that make the same one at once leave it with two keys, of
//! which one opens nothing, and with append-only storage nobody can take it away again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{HostId, JobId, RepositoryId, Timestamp};

use crate::limits::SETUP_TIME;

/// Which host may make which repository now, and who waits for it to be done. Only hosts are asked here whose repository
/// nobody ever saw ready at its place; once one did, all others go on at once.
///
/// It lives in memory: after a restart a job that was under way is not remembered, which matters only to a repository
/// that two hosts meet for the first time within the same seconds.
#[derive(Debug, Default)]
pub(crate) struct Setups(Mutex<HashMap<RepositoryId, Setup>>);

#[derive(Debug, Default)]
struct Setup {
    /// `None` while nobody has taken the turn that became free.
    maker: Option<Maker>,
    waiting: BTreeSet<HostId>,
}

#[derive(Clone, Copy, Debug)]
struct Maker {
    host: HostId,
    job: JobId,
    since: Timestamp,
}

impl Maker {
    /// A clock that was put back ends it too.
    fn is_over(self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= SETUP_TIME
    }
}

impl Setup {
    /// The turn is free for the first of those who wait. What the others wait for has not come, so they are not woken.
    fn pass_on(&mut self) -> Option<HostId> {
        self.maker = None;
        self.waiting.pop_first()
    }

    fn is_done(&self) -> bool {
        self.maker.is_none() && self.waiting.is_empty()
    }
}

impl Setups {
    /// Whether a host's job may make the repository now. If not, the host is woken when it is its turn to ask again: when
    /// the repository was seen ready, or those before it could not make it or left, and after [`SETUP_TIME`] each.
    #[must_use]
    pub(crate) fn begin(&self, repository: RepositoryId, host: HostId, job: JobId, now: Timestamp) -> bool {
        let mut setups = self.lock();
        let setup = setups.entry(repository).or_default();
        let maker = setup.maker.filter(|maker| !maker.is_over(now));
        let maker = *setup.maker.insert(maker.unwrap_or(Maker { host, job, since: now }));
        if maker.host == host {
            setup.waiting.remove(&host);
        } else {
            setup.waiting.insert(host);
        }
        maker.host == host
    }

    /// The repository was seen ready: nobody has to make it. Gives the hosts to wake.
    #[must_use]
    pub(super) fn found(&self, repository: RepositoryId) -> Vec<HostId> {
        self.lock().remove(&repository).into_iter().flat_map(|setup| setup.waiting).collect()
    }

    /// The job has ended, or will not start. Gives the hosts to wake.
    #[must_use]
    pub(super) fn ended(&self, job: JobId) -> Vec<HostId> {
        self.pass_on(|setup| setup.maker.is_some_and(|maker| maker.job == job))
    }

    /// The host's connection has ended. Gives the hosts to wake.
    #[must_use]
    pub(super) fn left(&self, host: HostId) -> Vec<HostId> {
        for setup in self.lock().values_mut() {
            setup.waiting.remove(&host);
        }
        self.pass_on(|setup| setup.maker.is_some_and(|maker| maker.host == host))
    }

    /// Those whose time is over no longer keep anybody waiting, nor those who were woken and did not come. Gives the hosts
    /// to wake.
    #[must_use]
    pub(super) fn expire(&self, now: Timestamp) -> Vec<HostId> {
        self.pass_on(|setup| setup.maker.is_none_or(|maker| maker.is_over(now)))
    }

    /// Whether a host waits for another one to make the repository.
    pub(crate) fn is_waiting(&self, repository: RepositoryId, host: HostId) -> bool {
        self.lock().get(&repository).is_some_and(|setup| setup.waiting.contains(&host))
    }

    fn pass_on(&self, is_free: impl Fn(&Setup) -> bool) -> Vec<HostId> {
        let mut setups = self.lock();
        let free = setups.values_mut().filter(|setup| is_free(setup));
        let hosts = free.filter_map(Setup::pass_on).collect();
        setups.retain(|_, setup| !setup.is_done());
        hosts
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

    const REPOSITORY: RepositoryId = RepositoryId::from_bytes([1; 16]);

    fn host(number: u8) -> HostId {
        HostId::from_bytes([number; 16])
    }

    fn job(number: u8) -> JobId {
        JobId::from_bytes([number; 16])
    }

    /// Whether a host may make the repository by the job of its number.
    fn begin(setups: &Setups, number: u8, now: i64) -> bool {
        setups.begin(REPOSITORY, host(number), job(number), at(now))
    }

    #[test]
    fn all_others_wait_until_one_has_made_it_and_go_on_together() {
        let setups = Setups::default();
        assert!(begin(&setups, 1, 0));
        assert!(!begin(&setups, 3, 0) && !begin(&setups, 2, 0));
        assert!(setups.is_waiting(REPOSITORY, host(2)));
        assert!(begin(&setups, 1, 0), "the first is not in its own way");
        assert_eq!(setups.found(REPOSITORY), [host(2), host(3)]);
        assert!(setups.lock().is_empty());
    }

    #[test]
    fn one_that_could_not_make_it_makes_room_for_one() {
        let setups = Setups::default();
        assert!(begin(&setups, 1, 0));
        assert!(!begin(&setups, 2, 0) && !begin(&setups, 3, 0) && !begin(&setups, 4, 0));
        assert!(setups.ended(job(2)).is_empty(), "only who makes it can be done");
        assert_eq!(setups.ended(job(1)), [host(2)]);
        assert!(begin(&setups, 2, 0));
        assert!(setups.left(host(3)).is_empty());
        assert_eq!(setups.left(host(2)), [host(4)], "who left waits no more");
        assert!(begin(&setups, 4, 0));
        assert!(setups.ended(job(4)).is_empty());
        assert!(setups.lock().is_empty());
    }

    #[test]
    fn one_that_was_woken_and_does_not_come_is_passed_over() {
        let setups = Setups::default();
        assert!(begin(&setups, 1, 0));
        assert!(!begin(&setups, 2, 0) && !begin(&setups, 3, 0));
        assert_eq!(setups.ended(job(1)), [host(2)]);
        assert_eq!(setups.expire(at(1)), [host(3)]);
        assert!(begin(&setups, 3, 1));
    }

    #[test]
    fn a_host_that_never_reports_keeps_its_place_for_minutes() {
        let setups = Setups::default();
        assert!(begin(&setups, 1, 0));
        assert!(!begin(&setups, 2, 1));
        let over = i64::try_from(SETUP_TIME.as_secs()).unwrap();
        assert!(setups.expire(at(over - 1)).is_empty());
        assert!(!begin(&setups, 2, over - 1));
        assert_eq!(setups.expire(at(over)), [host(2)]);
        assert!(begin(&setups, 2, over));
        assert!(begin(&setups, 1, 2 * over), "also without a round in between");
    }
}
