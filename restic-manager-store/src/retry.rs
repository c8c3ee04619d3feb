//! The one place where a transaction that lost a race is run again.

use core::{future::Future, time::Duration};

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
            Err(error) if error.is_contention() => {
                tokio::time::sleep(Duration::from_millis(u64::from(earlier * earlier))).await;
            }
            done => return done,
        }
    }
    attempt().await
}
