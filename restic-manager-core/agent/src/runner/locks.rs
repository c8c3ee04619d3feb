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
use crate::state::{PastRun, Window};
use restic_manager_proto::{LockSeen, Timestamp, limits::LOCKS};
use restic_manager_restic::{
    command::{Cat, Command, Connection, Invocation, List, ObjectKind, Unlock},
    document::{self, Lock},
};

/// All looking and removing together takes no longer, unless the agent stops and has less time.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
const OUTPUT_BYTES: usize = 64 * 1024;
/// restic holds a lock to be stale that was not refreshed for so long.
const STALE: Duration = Duration::from_secs(30 * 60);
/// Clocks of hosts differ; nearer than this to being stale is taken as stale.
const DOUBT: Duration = Duration::from_secs(10 * 60);
/// A living restic refreshes its lock every five minutes. What has missed two of them, and whose process is not here, is
/// not held by another machine of the same name either.
const ABANDONED: Duration = Duration::from_secs(12 * 60);

/// The boot of a machine is told to the second, by a clock that may have been set since.
const BOOT_DOUBT: Duration = Duration::from_secs(60);

/// What is looked for, and with what.
pub(super) struct Search<'a> {
    pub(super) restic: &'a Ready,
    pub(super) connection: &'a Connection,
    pub(super) log: &'a JobLog,
    pub(super) known: Known,
    /// The ids of locks that somebody has looked at and wants removed, whoever made them.
    pub(super) asked: &'a [String],
    /// What ends the search, over all its commands.
    pub(super) stop: StopSignal,
}

/// What decides whose a lock is.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) hostname: String,
    /// When the machine was started: what locked something before is gone.
    pub(super) booted: Option<Timestamp>,
    pub(super) runs: Vec<PastRun>,
    /// Whether locks count that were made before any run that is known.
    pub(super) abandoned: bool,
    pub(super) now: Timestamp,
}

/// What a search came to.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Locks that are gone now: own ones, and those that were asked for.
    pub(super) removed: u64,
    /// Whether an own lock is left, or may be because the repository does not tell.
    pub(super) own_left: bool,
    /// The locks that are left; `None` when the repository does not tell.
    pub(super) left: Option<Vec<LockSeen>>,
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
    /// Looks, and removes what is own and what was asked for, if nothing else would go with it.
    pub(super) async fn sweep(mut self) -> Sweep {
        let Some(locks) = self.locks().await else { return Sweep { own_left: true, ..Sweep::default() } };
        let is_asked = |lock: &LockSeen| self.asked.contains(&lock.id);
        let wanted: Vec<_> = locks
            .iter()
            .filter(|(lock, owner)| *owner == Owner::Own || is_asked(lock))
            .map(|(lock, _)| lock.id.clone())
            .collect();
        let goes_too = |owner: &Owner| matches!(owner, Owner::Doubtful | Owner::OtherStale);
        let another = locks.iter().find(|(lock, owner)| goes_too(owner) && !is_asked(lock));
        if let (false, Some((another, _))) = (wanted.is_empty(), another) {
            let other = describe(another);
            self.log
                .remark(&format!("no lock is removed, because another stale one would go with it: {other}"));
        }
        if wanted.is_empty() || another.is_some() {
            return Sweep::of(0, locks);
        }
        self.log.remark("removing the locks whose processes are gone, and those that were asked for");
        let unlock = Unlock::stale().prepare(self.connection, &self.restic.version);
        let removed = match unlock {
            Ok(unlock) => self.output(&unlock).await.is_some(),
            Err(_) => false,
        };
        match if removed { self.locks().await } else { None } {
            None => Sweep { own_left: true, ..Sweep::default() },
            Some(after) => {
                let is_there = |id: &&String| after.iter().any(|(lock, _)| lock.id == **id);
                let left = wanted.iter().filter(is_there).count();
                Sweep::of((wanted.len() - left) as u64, after)
            }
        }
    }

    async fn locks(&mut self) -> Option<Vec<(LockSeen, Owner)>> {
        let list = List::new(ObjectKind::Locks).prepare(self.connection, &self.restic.version).ok()?;
        let listed = self.output(&list).await?;
        let ids: Vec<_> = document::ids(&listed).collect();
        if ids.len() > LOCKS {
            return None;
        }
        let mut locks = Vec::new();
        for id in ids {
            let cat = Cat::Lock(id.to_owned()).prepare(self.connection, &self.restic.version).ok()?;
            // One that has gone meanwhile is nobody's; which it was shows when it is looked again.
            let lock: Lock = document::parse(&self.output(&cat).await?).ok()?;
            let lives = is_alive(lock.pid);
            locks.push((seen(id, &lock, lives, &self.known), self.known.judge(&lock, lives)));
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
    fn of(removed: u64, locks: Vec<(LockSeen, Owner)>) -> Self {
        let own_left = locks.iter().any(|(_, owner)| matches!(owner, Owner::Own | Owner::Doubtful));
        Self { removed, own_left, left: Some(locks.into_iter().map(|(lock, _)| lock).collect()) }
    }
}

impl Known {
    fn judge(&self, lock: &Lock, lives: bool) -> Owner {
        let refreshed = refreshed(lock);
        let age = self.now.since(refreshed);
        // A number that is given again after a start of the machine is another process.
        let is_before_boot = self.booted.is_some_and(|booted| refreshed.after(BOOT_DOUBT) < booted);
        let is_dead_here = lock.hostname == self.hostname && (!lives || is_before_boot);
        // Fractions of a second were cut off.
        let within = |window: Window| {
            refreshed.after(Duration::from_secs(1)) >= window.since && refreshed <= window.until
        };
        let is_its = |run: &PastRun| run.process.is_none_or(|process| lock.pid == u64::from(process));
        let mut of_that_time = self.runs.iter().filter(|run| within(run.window)).peekable();
        let is_in_time = is_dead_here && of_that_time.peek().is_some();
        match () {
            () if is_in_time && of_that_time.any(is_its) => Owner::Own,
            () if is_dead_here && self.abandoned && age >= ABANDONED => Owner::Own,
            () if is_in_time => Owner::Doubtful,
            () if is_dead_here || age + DOUBT >= STALE => Owner::OtherStale,
            () => Owner::Other,
        }
    }
}

/// A lock as it is told.
fn seen(id: &str, lock: &Lock, lives: bool, known: &Known) -> LockSeen {
    let refreshed_at = refreshed(lock);
    // restic asks whether the process lives, and goes by age for those of other machines.
    let is_gone = lock.hostname == known.hostname && !lives;
    LockSeen {
        id: id.to_owned(),
        hostname: lock.hostname.clone(),
        process: lock.pid,
        username: lock.username.clone(),
        exclusive: lock.exclusive,
        refreshed_at,
        stale_at: if is_gone { refreshed_at } else { refreshed_at.after(STALE) },
    }
}

/// A lock in words.
pub(super) fn describe(lock: &LockSeen) -> String {
    let kind = if lock.exclusive { "an exclusive lock" } else { "a lock" };
    let user = if lock.username.is_empty() { "an unknown user" } else { &lock.username };
    format!(
        "{kind} of process {} on {} by {user}, refreshed {}",
        lock.process,
        lock.hostname.escape_debug(),
        lock.refreshed_at
    )
}

fn refreshed(lock: &Lock) -> Timestamp {
    Timestamp::from_milliseconds(lock.time.unix_seconds().saturating_mul(1000))
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
        let runs = window.map(|window| PastRun { window, process: None }).into_iter().collect();
        let (hostname, now) = ("web-1".to_owned(), at("2026-11-22T03:10:00Z"));
        Known { hostname, booted: None, runs, abandoned: false, now }
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
        known.runs[0].process = Some(1);
        assert_eq!(known.judge(&lock, false), Owner::Own);
        known.runs[0].process = Some(2);
        assert_eq!(known.judge(&lock, false), Owner::Doubtful);
        assert_eq!(known.judge(&lock, true), Owner::Other);
        let told = seen("id", &lock, false, &known);
        assert!(Sweep::of(0, vec![(told, Owner::Doubtful)]).own_left, "it may be own all the same");
        // Of two runs of that time one may be the one.
        known.runs.push(PastRun { process: Some(1), ..known.runs[0] });
        assert_eq!(known.judge(&lock, false), Owner::Own);
    }

    #[test]
    fn a_number_that_lives_again_after_a_start_of_the_machine_is_another_process() {
        let mut known = known(Some(("2026-11-22T03:00:00Z", "2026-11-22T03:10:00Z")));
        let lock = lock("web-1", "2026-11-22T03:05:00Z");
        known.booted = Some(at("2026-11-22T03:05:30Z"));
        assert_eq!(known.judge(&lock, true), Owner::Other, "too near to be certain");
        known.booted = Some(at("2026-11-22T03:07:00Z"));
        assert_eq!(known.judge(&lock, true), Owner::Own);
    }

    #[test]
    fn a_lock_says_from_when_restic_removes_it() {
        let known = known(None);
        let stale_at = |hostname, lives| {
            seen("id", &lock(hostname, "2026-11-22T03:05:00Z"), lives, &known).stale_at.to_string()
        };
        assert_eq!(stale_at("web-1", false), "2026-11-22T03:05:00Z");
        assert_eq!(stale_at("web-1", true), "2026-11-22T03:35:00Z");
        assert_eq!(stale_at("web-2", false), "2026-11-22T03:35:00Z");
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
        let words = describe(&seen("id", &lock("web-2", "2026-11-22T02:57:00Z"), true, &known(None)));
        assert_eq!(words, "a lock of process 1 on web-2 by an unknown user, refreshed 2026-11-22T02:57:00Z");
    }
}
