//! A lock that an interrupted restic may have left: looks, and takes away what is this host's own for certain.
//!
//! Certain is: made by this machine, by a process that is gone, while the job ran. `restic unlock` takes away every
//! lock that restic itself holds to be stale, so it is only run when that is no lock of anybody else.

use core::time::Duration;
use std::path::Path;

use restic_manager_proto::Timestamp;
use restic_manager_restic::{
    command::{Cat, Command, Connection, List, ObjectKind, Unlock},
    document::{self, Lock},
};
use tokio::time::Instant;

use super::{log::JobLog, restic::Ready, stage, stop::Stopper};

/// All looking and removing together takes no longer.
const PATIENCE: Duration = Duration::from_secs(90);
/// With more locks than this nothing is certain.
const MOST_LOCKS: usize = 16;
const OUTPUT_BYTES: usize = 64 * 1024;
/// restic holds a lock to be stale that was not refreshed for so long.
const STALE: Duration = Duration::from_secs(30 * 60);
/// Clocks of hosts differ; nearer than this to being stale is taken as stale.
const DOUBT: Duration = Duration::from_secs(10 * 60);

/// What is known of the run whose lock is looked for.
pub(super) struct Search<'a> {
    pub(super) restic: &'a Ready,
    pub(super) connection: &'a Connection,
    pub(super) hostname: &'a str,
    /// When the run began.
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

/// Whose a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The run that was interrupted.
    Own,
    /// Somebody else, and `restic unlock` would leave it.
    Other,
    /// Somebody else, and `restic unlock` would take it away.
    OtherStale,
}

impl Search<'_> {
    /// Whether an own lock is left in the end, or may be because the repository does not tell.
    pub(super) async fn own_lock_left(&self, log: &JobLog) -> bool {
        let Some(owners) = self.owners().await else { return true };
        if !owners.contains(&Owner::Own) {
            return false;
        }
        if owners.contains(&Owner::OtherStale) {
            log.remark(
                "the interrupted restic left a lock; it stays, because another stale lock would go with it",
            );
            return true;
        }
        log.remark("the interrupted restic left a lock; removing it");
        let Ok(unlock) = Unlock::stale().prepare(self.connection, &self.restic.version) else { return true };
        if self.output(&unlock).await.is_none() {
            return true;
        }
        self.owners().await.is_none_or(|owners| owners.contains(&Owner::Own))
    }

    async fn owners(&self) -> Option<Vec<Owner>> {
        let list = List::new(ObjectKind::Locks).prepare(self.connection, &self.restic.version).ok()?;
        let listed = self.output(&list).await?;
        let ids: Vec<_> = document::ids(&listed).collect();
        if ids.len() > MOST_LOCKS {
            return None;
        }
        let mut owners = Vec::new();
        for id in ids {
            let cat = Cat::Lock(id.to_owned()).prepare(self.connection, &self.restic.version).ok()?;
            // One that has gone meanwhile is nobody's; which it was shows when it is looked again.
            let lock: Lock = document::parse(&self.output(&cat).await?).ok()?;
            owners.push(judge(self.hostname, self.since, self.now, &lock, is_alive(lock.pid)));
        }
        Some(owners)
    }

    async fn output(&self, invocation: &restic_manager_restic::command::Invocation) -> Option<Vec<u8>> {
        // Nobody cancels this: it is what a cancel ends with.
        let (_stopper, mut stop) = Stopper::new(Instant::now() + PATIENCE);
        let (output, ran) =
            stage::capture(&self.restic.runner, invocation, &mut stop, OUTPUT_BYTES).await.ok()?;
        output.filter(|_| ran.succeeded())
    }
}

fn judge(hostname: &str, since: Timestamp, now: Timestamp, lock: &Lock, alive: bool) -> Owner {
    let refreshed = Timestamp::from_milliseconds(lock.time.unix_seconds().saturating_mul(1000));
    let is_dead_here = lock.hostname == hostname && !alive;
    // Fractions of a second were cut off.
    if is_dead_here && refreshed.after(Duration::from_secs(1)) >= since {
        Owner::Own
    } else if is_dead_here || now.since(refreshed) + DOUBT >= STALE {
        Owner::OtherStale
    } else {
        Owner::Other
    }
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

    #[test]
    fn only_a_dead_process_of_this_host_and_this_run_is_own() {
        let since = "2026-11-22T03:00:00Z".parse().expect("a time");
        let now = "2026-11-22T03:10:00Z".parse().expect("a time");
        let judge = |hostname, time, alive| judge("web-1", since, now, &lock(hostname, time), alive);
        assert_eq!(judge("web-1", "2026-11-22T03:00:00.5Z", false), Owner::Own);
        assert_eq!(judge("web-1", "2026-11-22T03:00:00.5Z", true), Owner::Other);
        assert_eq!(judge("web-2", "2026-11-22T03:00:00.5Z", false), Owner::Other);
        assert_eq!(judge("web-1", "2026-11-22T02:59:00Z", false), Owner::OtherStale);
        assert_eq!(judge("web-2", "2026-11-22T02:30:00Z", true), Owner::OtherStale);
        assert_eq!(judge("web-2", "2026-11-22T02:45:00Z", true), Owner::OtherStale, "clocks differ");
    }
}
