//! Stopping in two steps: first everything is asked to end, then what is left is dropped.
//!
//! Who listens for signals is the binary's business: it calls [`Shutdown::request`] for each one.

use core::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFuture},
    task::TaskTracker,
};

/// The two steps, and the tasks that take part. Clones are handles to the same.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(async {
/// use core::time::Duration;
/// use restic_manager_core::shutdown::{Finish, Shutdown};
///
/// let shutdown = Shutdown::new();
/// let worker = shutdown.clone();
/// shutdown.spawn(async move { worker.requested().await /* then finish what is at hand */ });
///
/// shutdown.request();
/// assert_eq!(shutdown.finish(Duration::from_secs(10)).await, Finish::Clean);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Finish {
    /// Every task ended by itself.
    Clean,
    /// Some were dropped, after the deadline or a second request.
    Forced,
}

impl Shutdown {
    /// A shutdown that nobody has requested yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everything to end. Asked a second time, drops what is left at once.
    pub fn request(&self) {
        if self.soft.is_cancelled() {
            self.hard.cancel();
        }
        self.soft.cancel();
    }

    /// Whether everything was asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits until everything is asked to end. Cancel-safe.
    pub fn requested(&self) -> WaitForCancellationFuture<'_> {
        self.soft.cancelled()
    }

    /// Waits until what is left is being dropped: for work that needs a last word, such as killing a child
    /// process, and is not run by [`Shutdown::spawn`]. Cancel-safe.
    pub fn forced(&self) -> WaitForCancellationFuture<'_> {
        self.hard.cancelled()
    }

    /// Runs a task that [`Shutdown::finish`] waits for, and that is dropped when the shutdown is forced. The
    /// result is `None` then.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        // Boxed: what is wrapped around a future holds it twice and more.
        self.tasks.spawn(self.hard.clone().run_until_cancelled_owned(Box::pin(task)))
    }

    /// Waits until everything is asked to end, then for the tasks to do so, and after `grace` drops what is
    /// left. Cancel-safe: may be called again.
    pub async fn finish(&self, grace: Duration) -> Finish {
        self.soft.cancelled().await;
        self.tasks.close();
        tokio::select! {
            biased;
            () = self.tasks.wait() => {}
            () = self.hard.cancelled() => {}
            () = tokio::time::sleep(grace) => self.hard.cancel(),
        }
        self.tasks.wait().await;
        if self.hard.is_cancelled() { Finish::Forced } else { Finish::Clean }
    }
}
