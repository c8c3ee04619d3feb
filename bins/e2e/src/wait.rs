//! Waiting for a condition of another process, with a deadline.

use std::future::Future;
use std::time::Duration;

use crate::failure::{Failure, Outcome};

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see; an error that names what was awaited when time is up.
pub async fn until<T, F>(what: &str, within: Duration, mut look: impl FnMut() -> F) -> Outcome<T>
where
    F: Future<Output = Outcome<Option<T>>>,
{
    let looking = async {
        loop {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    let timed_out = |_| Failure::new(format!("{what}: not within {} s", within.as_secs()));
    tokio::time::timeout(within, looking).await.map_err(timed_out)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_what_was_seen_or_with_the_name_of_what_was_not() {
        let mut looks = 0;
        let seen = until("three looks", Duration::from_secs(1), || {
            looks += 1;
            let now = looks;
            async move { Ok((now == 3).then_some(now)) }
        });
        assert_eq!(seen.await.unwrap(), 3);
        let never = until::<(), _>("godot", Duration::from_secs(1), || async { Ok(None) }).await;
        assert!(never.unwrap_err().to_string().contains("godot"));
    }
}
