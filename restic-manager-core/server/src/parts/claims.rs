//! Claims that come at the same time are decided together: one transaction for many hosts instead of one for each, and nobody
//! holds up anybody while it is being committed.

use restic_manager_proto::HostId;
use restic_manager_store::{Error, jobs::Job};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// A job that was claimed.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) job: Job,
    /// Whether it makes its repository, if that is missing.
    pub(crate) makes: bool,
}

/// What a host is told: a job of it that starts now, if there is one.
pub(crate) type Answer = Result<Option<Claimed>, Error>;

/// A host that asks for a job.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) host: HostId,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The hosts that ask, in the order of asking.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asking: VecDeque<Asking>,
    /// Whether somebody decides.
    is_decided: bool,
}

/// Whoever decides: one at a time.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    claims: &'a Claims,
    is_over: bool,
}

impl Claims {
    pub(crate) fn ask(&self, host: HostId) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.lock().asking.push_back(Asking { host, answer });
        receiver
    }

    /// The right to decide, unless somebody has it.
    pub(crate) fn turn(&self) -> Option<Turn<'_>> {
        let mut inner = self.lock();
        let is_free = !inner.is_decided && !inner.asking.is_empty();
        inner.is_decided |= is_free;
        is_free.then(|| Turn { claims: self, is_over: false })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The next that ask, `most` of them; empty when nobody does, and then the turn is over.
    pub(crate) fn next(&mut self, most: usize) -> Vec<Asking> {
        let mut inner = self.claims.lock();
        let count = inner.asking.len().min(most);
        self.is_over = count == 0;
        inner.is_decided = count > 0;
        inner.asking.drain(..count).collect()
    }
}

/// Also one that was broken off is over.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.claims.lock().is_decided = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u8) -> HostId {
        HostId::from_bytes([number; 16])
    }

    fn hosts(batch: &[Asking]) -> Vec<HostId> {
        batch.iter().map(|asking| asking.host).collect()
    }

    #[test]
    fn one_decides_at_a_time_for_all_in_the_order_of_asking() {
        let claims = Claims::default();
        assert!(claims.turn().is_none(), "nobody asks");
        let _answers: Vec<_> = (1..=5).map(|number| claims.ask(host(number))).collect();
        let mut turn = claims.turn().unwrap();
        assert!(claims.turn().is_none(), "somebody decides");
        assert_eq!(hosts(&turn.next(3)), [host(1), host(2), host(3)]);
        assert_eq!(hosts(&turn.next(3)), [host(4), host(5)]);
        assert!(turn.next(3).is_empty());
        let _answer = claims.ask(host(6));
        let mut other = claims.turn().unwrap();
        drop(turn);
        assert!(claims.turn().is_none(), "the turn that was over ends no other");
        assert_eq!(hosts(&other.next(3)), [host(6)]);
        let _answer = claims.ask(host(7));
        drop(other);
        assert_eq!(hosts(&claims.turn().unwrap().next(3)), [host(7)], "the one before was broken off");
    }
}
