//! The one place where a transaction that lost a race is run again.

use core::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{Error, ErrorKind};

const ATTEMPTS: u32 = 10;

/// An error that can say whether it stands for [`ErrorKind::Contention`].
pub trait Retryable {
    /// Whether the same work may succeed when it is run again.
    fn is_contention(&self) -> bool;
}

impl Retryable for Error {
    fn is_contention(&self) -> bool {
        self.kind() == ErrorKind::Contention
    }
}

/// Runs `attempt` until it ends otherwise than by contention, ten times at most.
///
/// The whole transaction belongs inside, from `begin` to `commit`:
///
/// ```
/// use restic_manager_store::{Audit, Error, Store, memory::MemoryStore, retry};
/// # async fn example() -> Result<(), Error> {
/// let store = MemoryStore::new();
/// retry(|| async {
///     let mut transaction = store.begin().await?;
///     transaction.meta().put("greeting", "hello").await?;
///     transaction.commit(Audit::Routine("example")).await
/// })
/// .await
/// # }
/// ```
pub async fn retry<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: Retryable,
    F: Future<Output = Result<T, E>>,
{
    for earlier in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_contention() => tokio::time::sleep(pause(earlier)).await,
            done => return done,
        }
    }
    attempt().await
}

/// Longer after each try, and of another length for each who waits: those who met once shall not meet again. One process
/// has a database to itself, so counting tells them apart as well as chance would.
fn pause(earlier: u32) -> Duration {
    static WAITING: AtomicU64 = AtomicU64::new(0);
    let most = 2 * u64::from(earlier * earlier);
    Duration::from_millis(1 + WAITING.fetch_add(1, Ordering::Relaxed) % most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn those_who_lost_together_wait_differently() {
        let pauses: BTreeSet<_> = (0..8).map(|_| pause(3)).collect();
        assert_eq!(pauses.len(), 8, "{pauses:?}");
        assert!((0..200).all(|_| pause(9) <= Duration::from_millis(162)));
    }
}
