//! Locks that an interrupted restic has left: looks, and takes away what is this host's own for certain.
//!
//! Certain is: made by this machine, by a process that is gone, while a job of this agent ran; or not refreshed for so
//! long that a living process would have. `restic unlock` takes away every lock that restic itself holds to be stale, so
//! it is only run when that is no lock of anybody else.

use core::time::Duration;
use std::path::Path;

use super::{
    log::JobLog,
    restic::Ready,
    stage::Stage,
    stop::{StopSignal, budget},
};
use crate::state::Window;
use restic_manager_proto::Timestamp;
use restic_manager_restic::{
    command::{Cat, Command, Connection, Invocation, List, ObjectKind, Unlock},
    document::{self, Lock},
};

/// All looking and removing together takes no longer, unless the agent stops and has less time.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
/// With more locks than this nothing is certain.
const MOST_LOCKS: usize = 16;
const OUTPUT_BYTES: usize = 64 * 1024;
/// restic holds a lock to be stale that was not refreshed for so long.
const STALE: Duration = Duration::from_secs(30 * 60);
/// Clocks of hosts differ; nearer than this to being stale is taken as stale.
const DOUBT: Duration = Duration::from_secs(10 * 60);
/// A living restic refreshes its lock every five minutes. What has missed two of them, and whose process is not here, is
/// not held by another machine of the same name either.
const ABANDONED: Duration = Duration::from_secs(12 * 60);

/// What is looked for, and with what.
pub(super) struct Search<'a> {
    pub(super) restic: &'a Ready,
    pub(super) connection: &'a Connection,
    pub(super) log: &'a JobLog,
    pub(super) known: Known,
    /// What ends the search, over all its commands.
    pub(super) stop: StopSignal,
}

/// What decides whose a lock is.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) hostname: String,
    pub(super) window: Option<Window>,
    /// The process that ran in the window, where it is known.
    pub(super) process: Option<u32>,
    /// Whether locks count that were made before any run that is known.
    pub(super) abandoned: bool,
    pub(super) now: Timestamp,
}

/// What a search came to.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Own locks that are gone now.
    pub(super) removed: u64,
    /// Whether an own lock is left, or may be because the repository does not tell.
    pub(super) own_left: bool,
    /// The locks that are left; `None` when the repository does not tell.
    pub(super) left: Option<Vec<Lock>>,
}

/// Whose a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// A run of this agent that is over.
    Own,
    /// Perhaps a run of this agent, perhaps one of another machine of the same name: it stays.
    Doubtful,
    /// Somebody else, and `restic unlock` would leave it.
    Other,
    /// Somebody else, and `restic unlock` would take it away.
    OtherStale,
}

impl Search<'_> {
    /// Looks, and removes what is own.
    pub(super) async fn sweep(mut self) -> Sweep {
        let Some(locks) = self.locks().await else { return Sweep { own_left: true, ..Sweep::default() } };
        let own = count(&locks, &[Owner::Own]);
        if own == 0 || count(&locks, &[Owner::Doubtful, Owner::OtherStale]) > 0 {
            if own > 0 {
                self.log.remark(
                    "a restic of this host left a lock; it stays, because another stale lock would go with it",
                );
            }
            return Sweep::of(0, locks);
        }
        self.log.remark("a restic of this host left a lock, and its process is gone; removing the lock");
        let unlock = Unlock::stale().prepare(self.connection, &self.restic.version);
        let removed = match unlock {
            Ok(unlock) => self.output(&unlock).await.is_some(),
            Err(_) => false,
        };
        match if removed { self.locks().await } else { None } {
            None => Sweep { own_left: true, ..Sweep::default() },
            Some(after) => Sweep::of(own.saturating_sub(count(&after, &[Owner::Own])), after),
        }
    }

    async fn locks(&mut self) -> Option<Vec<(Lock, Owner)>> {
        let list = List::new(ObjectKind::Locks).prepare(self.connection, &self.restic.version).ok()?;
        let listed = self.output(&list).await?;
        let ids: Vec<_> = document::ids(&listed).collect();
        if ids.len() > MOST_LOCKS {
            return None;
        }
        let mut locks = Vec::new();
        for id in ids {
            let cat = Cat::Lock(id.to_owned()).prepare(self.connection, &self.restic.version).ok()?;
            // One that has gone meanwhile is nobody's; which it was shows when it is looked again.
            let lock: Lock = document::parse(&self.output(&cat).await?).ok()?;
            let owner = self.known.judge(&lock, is_alive(lock.pid));
            locks.push((lock, owner));
        }
        Some(locks)
    }

    async fn output(&mut self, invocation: &Invocation) -> Option<Vec<u8>> {
        if self.stop.asked().is_some() {
            return None;
        }
        let mut runner = self.restic.runner.clone();
        (runner.options.grace, runner.options.reap) = (budget::LAST_LOOK, budget::LAST_LOOK);
        let stage = Stage { runner: &runner, stop: &mut self.stop, log: self.log };
        let (output, ran) = stage.capture(invocation, OUTPUT_BYTES).await.ok()?;
        output.filter(|_| ran.succeeded())
    }
}

impl Sweep {
    fn of(removed: u64, locks: Vec<(Lock, Owner)>) -> Self {
        let own_left = count(&locks, &[Owner::Own, Owner::Doubtful]) > 0;
        Self { removed, own_left, left: Some(locks.into_iter().map(|(lock, _)| lock).collect()) }
    }
}

impl Known {
    fn judge(&self, lock: &Lock, alive: bool) -> Owner {
        let refreshed = refreshed(lock);
        let age = self.now.since(refreshed);
        let is_dead_here = lock.hostname == self.hostname && !alive;
        // Fractions of a second were cut off.
        let within = |window: Window| {
            refreshed.after(Duration::from_secs(1)) >= window.since && refreshed <= window.until
        };
        let in_window = is_dead_here && self.window.is_some_and(within);
        let is_of_run = self.process.is_none_or(|process| lock.pid == u64::from(process));
        match () {
            () if in_window && is_of_run => Owner::Own,
            () if is_dead_here && self.abandoned && age >= ABANDONED => Owner::Own,
            () if in_window => Owner::Doubtful,
            () if is_dead_here || age + DOUBT >= STALE => Owner::OtherStale,
            () => Owner::Other,
        }
    }
}

/// A lock in words.
pub(super) fn describe(lock: &Lock) -> String {
    let kind = if lock.exclusive { "an exclusive lock" } else { "a lock" };
    let user = if lock.username.is_empty() { "an unknown user" } else { &lock.username };
    format!(
        "{kind} of process {} on {} by {user}, refreshed {}",
        lock.pid,
        lock.hostname.escape_debug(),
        refreshed(lock)
    )
}

fn refreshed(lock: &Lock) -> Timestamp {
    Timestamp::from_milliseconds(lock.time.unix_seconds().saturating_mul(1000))
}

fn count(locks: &[(Lock, Owner)], wanted: &[Owner]) -> u64 {
    locks.iter().filter(|(_, owner)| wanted.contains(owner)).count() as u64
}

/// Whether a process of this machine lives; where that cannot be told, it does.
fn is_alive(process: u64) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(hostname: &str, time: &str) -> Lock {
        let json =
            format!("{{\"time\":\"{time}\",\"exclusive\":false,\"hostname\":\"{hostname}\",\"pid\":1}}");
        document::parse(json.as_bytes()).expect("a lock")
    }

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    fn known(window: Option<(&str, &str)>) -> Known {
        let window = window.map(|(since, until)| Window { since: at(since), until: at(until) });
        let (hostname, now) = ("web-1".to_owned(), at("2026-11-22T03:10:00Z"));
        Known { hostname, window, process: None, abandoned: false, now }
    }

    #[test]
    fn only_a_dead_process_of_this_host_and_this_run_is_own() {
        let known = known(Some(("2026-11-22T03:00:00Z", "2026-11-22T03:10:00Z")));
        let judge = |hostname, time, alive| known.judge(&lock(hostname, time), alive);
        assert_eq!(judge("web-1", "2026-11-22T03:00:00.5Z", false), Owner::Own);
        assert_eq!(judge("web-1", "2026-11-22T03:00:00.5Z", true), Owner::Other);
        assert_eq!(judge("web-2", "2026-11-22T03:00:00.5Z", false), Owner::Other);
        assert_eq!(judge("web-1", "2026-11-22T02:59:00Z", false), Owner::OtherStale);
        assert_eq!(judge("web-2", "2026-11-22T02:30:00Z", true), Owner::OtherStale);
        assert_eq!(judge("web-2", "2026-11-22T02:45:00Z", true), Owner::OtherStale, "clocks differ");
    }

    #[test]
    fn a_lock_of_another_process_of_the_same_time_may_be_of_another_machine() {
        let mut known = known(Some(("2026-11-22T03:00:00Z", "2026-11-22T03:10:00Z")));
        let lock = lock("web-1", "2026-11-22T03:05:00Z");
        known.process = Some(1);
        assert_eq!(known.judge(&lock, false), Owner::Own);
        known.process = Some(2);
        assert_eq!(known.judge(&lock, false), Owner::Doubtful);
        assert_eq!(known.judge(&lock, true), Owner::Other);
        assert!(Sweep::of(0, vec![(lock, Owner::Doubtful)]).own_left, "it may be own all the same");
    }

    #[test]
    fn what_an_earlier_agent_left_is_own_and_what_came_after_it_is_not() {
        let known = known(Some(("2026-11-22T02:50:00Z", "2026-11-22T03:00:00Z")));
        let judge = |time| known.judge(&lock("web-1", time), false);
        assert_eq!(judge("2026-11-22T02:55:00Z"), Owner::Own);
        assert_eq!(
            judge("2026-11-22T03:05:00Z"),
            Owner::OtherStale,
            "another machine of the same name may be at work"
        );
    }

    #[test]
    fn a_lock_that_nobody_refreshes_is_own_when_it_is_of_this_host_only() {
        let known = Known { abandoned: true, ..known(None) };
        let judge = |hostname, time, alive| known.judge(&lock(hostname, time), alive);
        assert_eq!(judge("web-1", "2026-11-22T02:57:00Z", false), Owner::Own);
        assert_eq!(judge("web-1", "2026-11-22T02:57:00Z", true), Owner::Other, "it lives");
        assert_eq!(
            judge("web-1", "2026-11-22T03:00:00Z", false),
            Owner::OtherStale,
            "it may be refreshed yet"
        );
        assert_eq!(judge("web-2", "2026-11-22T01:00:00Z", false), Owner::OtherStale, "it is foreign");
    }

    #[test]
    fn a_lock_says_whose_it_is() {
        let words = describe(&lock("web-2", "2026-11-22T02:57:00Z"));
        assert_eq!(words, "a lock of process 1 on web-2 by an unknown user, refreshed 2026-11-22T02:57:00Z");
    }
}
