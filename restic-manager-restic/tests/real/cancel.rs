use std::time::Duration;

use restic_manager_restic::Cause;
use restic_manager_restic::command::{Backup, Check, Command as _, List, ObjectKind, Snapshots, Unlock};
use restic_manager_restic::process::{Input, Stop};
use tokio::time::{Instant, timeout_at};

use super::support::{Dice, Place, Restic};

/// All versions together see at least this many cancellations.
const CANCELLATIONS: u64 = 54;

#[tokio::test]
async fn a_cancel_at_any_moment_leaves_a_usable_repository_and_tells_about_locks() {
    let all = Restic::all().await;
    let rounds = CANCELLATIONS.div_ceil(all.len() as u64);
    for restic in &all {
        let place = Place::new();
        let mut connection = place.initialized(restic).await;
        connection.limit_upload_kib = Some(2500);
        connection.pack_size_mib = Some(4);
        connection.progress_interval = Some(Duration::from_millis(16));
        let mut dice = Dice::new(0x5eed);
        let (mut interrupted, mut locks_left) = (0, 0);
        for round in 0..rounds {
            place.write("data", &dice.bytes(5 << 20));
            let backup = Backup::paths([place.path("source")]);
            let invocation = backup.prepare(&connection, &restic.version).expect("a command");
            let mut running = restic.runner.spawn(&invocation, Input::Null).await.expect("a child");
            let moment = Instant::now() + Duration::from_micros(dice.next() % 1_500_000);
            while let Ok(Some(_)) = timeout_at(moment, running.next_event()).await {}
            running.cancel();
            let finished = running.wait().await;
            match finished.outcome.cause {
                Cause::Success => assert!(!finished.was_killed),
                Cause::Interrupted => {
                    interrupted += 1;
                    assert_eq!(finished.stop, Some(Stop::Cancelled));
                }
                // Before it handles signals, restic dies of one like any program.
                Cause::Killed => assert!(finished.lock_may_remain && !finished.was_killed, "{finished:?}"),
                _ => panic!("round {round} of {}: {finished:?}", restic.version),
            }
            let locks = restic.capture(&List::new(ObjectKind::Locks), &connection).await;
            assert!(locks.finished.outcome.cause.is_success(), "{locks:?}");
            if !locks.stdout.is_empty() {
                locks_left += 1;
                assert!(finished.lock_may_remain, "round {round} of {}: {finished:?}", restic.version);
                let unlocked = restic.run(&Unlock::stale(), &connection).await;
                assert!(unlocked.outcome.cause.is_success(), "{unlocked:?}");
            }
        }
        println!("restic {}: {interrupted} of {rounds} interrupted, {locks_left} locks left", restic.version);
        assert!(interrupted * 2 > rounds, "only {interrupted} of {rounds} cancels met a running restic");
        let snapshots = restic.capture(&Snapshots::new(), &connection).await;
        assert!(snapshots.finished.outcome.cause.is_success(), "{snapshots:?}");
        let checked = restic.run(&Check::new(), &connection).await;
        assert!(checked.outcome.cause.is_success(), "restic {}: {checked:?}", restic.version);
    }
}
