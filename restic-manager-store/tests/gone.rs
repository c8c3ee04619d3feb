//! Callers who go away while a transaction begins.

use std::{
    pin::pin,
    task::{Context, Poll},
};

use restic_manager_store::{
    Audit, Store,
    postgres::{PostgresOptions, PostgresStore},
};
use restic_manager_testkit::postgres::Database;

/// Polls a future as often as it wakes its task, so many times at most, and lets it go then.
async fn give_up_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context: &mut Context<'_>| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// The one connection goes back to the pool as it was, wherever the beginning was broken off: a look that stayed open there
/// would refuse the next change.
#[tokio::test]
async fn who_goes_away_while_a_look_begins_leaves_no_connection_that_only_reads() {
    let database = Database::create().await;
    let mut options = PostgresOptions::from_url(database.url()).unwrap();
    options.connections = 1;
    let store = PostgresStore::open(options).await.unwrap();
    for polls in 1..=8 {
        give_up_after(polls, store.read()).await;
        give_up_after(polls, store.begin()).await;
        let name = format!("after {polls} polls");
        let mut change = store.begin().await.unwrap();
        let put = change.meta().put(&name, "kept").await;
        assert!(put.is_ok(), "{name}: {put:?}");
        change.commit(Audit::Routine("test")).await.unwrap();
        let kept = store.read().await.unwrap().meta().value(&name).await.unwrap();
        assert_eq!(kept.as_deref(), Some("kept"), "{name}: the commit was one");
    }
}
