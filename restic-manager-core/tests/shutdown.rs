use restic_manager_core::shutdown::{Finish, Shutdown};
use std::{future::pending, time::Duration};

const GRACE: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn tasks_that_end_when_asked_end_cleanly() {
    let shutdown = Shutdown::new();
    let worker = shutdown.clone();
    let task = shutdown.spawn(async move {
        worker.requested().await;
        tokio::time::sleep(GRACE / 2).await;
        "done"
    });
    shutdown.request();
    assert_eq!(shutdown.finish(GRACE).await, Finish::Clean);
    assert_eq!(task.await.ok().flatten(), Some("done"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_drops_what_is_left() {
    let shutdown = Shutdown::new();
    let task = shutdown.spawn(pending::<()>());
    shutdown.request();
    let started = tokio::time::Instant::now();
    assert_eq!(shutdown.finish(GRACE).await, Finish::Forced);
    assert_eq!(started.elapsed(), GRACE);
    assert_eq!(task.await.ok(), Some(None));
    shutdown.forced().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_request_does_not_wait_for_the_deadline() {
    let shutdown = Shutdown::new();
    shutdown.spawn(pending::<()>());
    shutdown.request();
    shutdown.request();
    let started = tokio::time::Instant::now();
    assert_eq!(shutdown.finish(GRACE).await, Finish::Forced);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_before_it_is_asked_to() {
    let shutdown = Shutdown::new();
    assert!(!shutdown.is_requested());
    assert!(tokio::time::timeout(GRACE, shutdown.finish(GRACE)).await.is_err());
    shutdown.request();
    assert!(shutdown.is_requested());
    assert_eq!(shutdown.finish(GRACE).await, Finish::Clean);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_start_while_stopping_are_waited_for() {
    let shutdown = Shutdown::new();
    let worker = shutdown.clone();
    shutdown.spawn(async move {
        worker.requested().await;
        let last_words = worker.clone();
        worker.spawn(async move {
            tokio::time::sleep(GRACE / 2).await;
            drop(last_words);
        });
    });
    shutdown.request();
    let started = tokio::time::Instant::now();
    assert_eq!(shutdown.finish(GRACE).await, Finish::Clean);
    assert_eq!(started.elapsed(), GRACE / 2);
}
