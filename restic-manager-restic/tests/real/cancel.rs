//! Cancelling at moments that nobody chose.

use std::time::Duration;

use restic_manager_restic::Cause;
use restic_manager_restic::command::{Backup, Check, Connection, List, ObjectKind, Snapshots, Unlock};
use restic_manager_restic::process::{Finished, Stop};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::support::{Dice, Place, Restic};

/// All versions together see at least this many cancellations.
const CANCELLATIONS: u64 = 54;
const LONGEST: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_at_any_moment_leaves_a_usable_repository_and_tells_about_locks() {
    let all = Restic::all().await;
    let rounds = CANCELLATIONS.div_ceil(all.len() as u64);
    let mut versions: JoinSet<()> = all.into_iter().map(|restic| cancel_many(restic, rounds)).collect();
    while let Some(result) = versions.join_next().await {
        result.expect("all rounds");
    }
}

async fn cancel_many(restic: Restic, rounds: u64) {
    let place = Place::new();
    let mut connection = place.initialized(&restic).await;
    // Slow enough that a backup takes longer than the longest wait.
    connection.limit_upload_kib = Some(2500);
    connection.pack_size_mib = Some(4);
    connection.progress_interval = Some(Duration::from_millis(16));
    let mut dice = Dice::new(0x5eed);
    let mut interrupted = 0;
    for round in 0..rounds {
        place.write("data", &dice.bytes(5 << 20));
        let wait = LONGEST.mul_f64(dice.fraction());
        let finished = cancel_one(&restic, &connection, &place, wait).await;
        let context = format!("round {round} of restic {}, after {wait:?}: {finished:?}", restic.version);
        match finished.outcome.cause {
            Cause::Success => assert!(!finished.was_killed, "{context}"),
            Cause::Interrupted => {
                interrupted += 1;
                assert_eq!(finished.stop, Some(Stop::Cancelled), "{context}");
            }
            // Before it listens to signals, restic dies of one like any program.
            Cause::Killed => assert!(finished.lock_may_remain && !finished.was_killed, "{context}"),
            other => assert_eq!(other, Cause::Interrupted, "{context}"),
        }
        if has_lock(&restic, &connection).await {
            assert!(finished.lock_may_remain, "{context}");
            assert!(restic.run(&Unlock::stale(), &connection).await.outcome.cause.is_success(), "{context}");
        }
    }
    assert!(interrupted * 2 > rounds, "only {interrupted} of {rounds} cancels met a running restic");
    assert!(restic.run(&Snapshots::new(), &connection).await.outcome.cause.is_success());
    let checked = restic.run(&Check::new(), &connection).await;
    assert!(checked.outcome.cause.is_success(), "restic {}: {checked:?}", restic.version);
}

async fn cancel_one(restic: &Restic, connection: &Connection, place: &Place, wait: Duration) -> Finished {
    let mut running = restic.spawn(&Backup::paths([place.path("source")]), connection).await;
    let moment = Instant::now() + wait;
    while let Ok(Some(_)) = timeout_at(moment, running.next_event()).await {}
    running.cancel();
    running.wait().await
}

async fn has_lock(restic: &Restic, connection: &Connection) -> bool {
    let locks = restic.capture(&List::new(ObjectKind::Locks), connection).await;
    assert!(locks.finished.outcome.cause.is_success(), "{locks:?}");
    !locks.stdout.is_empty()
}
