use restic_manager_core::{clock::ManualClock, mint::Mint};
use restic_manager_crypto::SeededRandom;
use restic_manager_proto::Timestamp;
use std::{collections::HashSet, sync::Arc, time::Duration};

fn mint() -> (Mint, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_milliseconds(1_795_316_400_000)));
    (Mint::new(Arc::<ManualClock>::clone(&clock), Arc::new(SeededRandom::new(1))), clock)
}

#[test]
fn ids_follow_from_clock_and_randomness_alone() {
    assert_eq!(mint().0.job(), mint().0.job());
}

#[test]
fn ids_of_one_moment_differ() {
    let (mint, _) = mint();
    let ids: HashSet<_> = (0..1000).map(|_| mint.job()).collect();
    assert_eq!(ids.len(), 1000);
}

#[test]
fn later_ids_sort_later() {
    let (mint, clock) = mint();
    let ids: Vec<_> = (0..100)
        .map(|_| {
            clock.advance(Duration::from_millis(1));
            mint.audit()
        })
        .collect();
    assert!(ids.is_sorted());
}
