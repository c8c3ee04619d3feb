//! Looks wait for a database that is away for a moment, as while it is restarted.

use core::{future::Future, time::Duration};
use restic_manager_store::{ErrorKind, retry};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// Runs a look again while the database does not serve it, until `patience` is over. A look has no effect, so running it again
/// from its start does no harm.
pub(super) async fn until_served<T, F: Future<Output = Result<T, Failure>>>(
    patience: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T, Failure> {
    let end = Instant::now() + patience;
    let mut pause = FIRST;
    loop {
        match retry(&mut look).await {
            Err(Failure::Store(error))
                if error.kind() == ErrorKind::Unavailable && Instant::now() + pause <= end =>
            {
                tracing::debug!(error = &error as &dyn core::error::Error, "a look is run again");
            }
            done => return done,
        }
        sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;
    use restic_manager_store::Error;

    async fn served_after(failures: u32, kind: ErrorKind) -> (Result<u32, Failure>, u32) {
        let asked = Cell::new(0);
        let answer = until_served(Duration::from_secs(10), || {
            asked.set(asked.get() + 1);
            let asked = asked.get();
            async move { if asked <= failures { Err(Error::new(kind, "a look").into()) } else { Ok(asked) } }
        });
        (answer.await, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_waits_for_a_database_that_comes_back() {
        assert_eq!(served_after(5, ErrorKind::Unavailable).await.0.unwrap(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_no_longer_than_was_stated() {
        let before = Instant::now();
        let (answer, _) = served_after(u32::MAX, ErrorKind::Unavailable).await;
        assert!(matches!(answer, Err(Failure::Store(error)) if error.kind() == ErrorKind::Unavailable));
        let waited = before.elapsed();
        assert!((Duration::from_secs(9)..=Duration::from_secs(10)).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_told_at_once() {
        for kind in [ErrorKind::Corrupt, ErrorKind::Damaged, ErrorKind::NotFound] {
            let (answer, asked) = served_after(1, kind).await;
            assert!(answer.is_err() && asked == 1, "{kind:?}");
        }
    }
}
