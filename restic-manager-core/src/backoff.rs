//! How long to wait before trying again.

use core::time::Duration;
use restic_manager_crypto::Random;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Waits that double from 1 s to 60 s. Each is drawn between half its step and all of it, so that a fleet that
/// lost its server does not come back all at once.
///
/// ```
/// use core::time::Duration;
/// use restic_manager_core::backoff::Backoff;
/// use restic_manager_crypto::SystemRandom;
///
/// let mut backoff = Backoff::default();
/// let wait = backoff.next(&SystemRandom::new());
/// assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&wait));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub fn next(&mut self, random: &dyn Random) -> Duration {
        let mut entropy = [0; 4];
        random.fill(&mut entropy);
        self.failures = self.failures.saturating_add(1);
        wait(self.failures, u32::from_be_bytes(entropy))
    }

    /// Starts again from the shortest wait: it worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

fn wait(failures: u32, entropy: u32) -> Duration {
    let step =
        2_u32.checked_pow(failures).map_or(LONGEST, |factor| SHORTEST.saturating_mul(factor).min(LONGEST));
    let share = f64::from(entropy) / f64::from(u32::MAX);
    step.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{Backoff, LONGEST, SHORTEST, wait};
    use proptest::prelude::*;
    use restic_manager_crypto::SeededRandom;

    #[test]
    fn waits_double_up_to_a_minute() {
        let longest: Vec<_> = (1..=8).map(|failures| wait(failures, u32::MAX).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 60, 60, 60]);
        let shortest: Vec<_> = (1..=8).map(|failures| wait(failures, 0).as_secs()).collect();
        assert_eq!(shortest, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn success_starts_again() {
        let random = SeededRandom::new(1);
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next(&random);
        }
        assert!(backoff.next(&random) >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next(&random) <= SHORTEST * 2);
    }

    proptest! {
        #[test]
        fn every_wait_is_within_a_second_and_a_minute(failures in 1..=u32::MAX, entropy: u32) {
            prop_assert!((SHORTEST..=LONGEST).contains(&wait(failures, entropy)));
        }
    }
}
