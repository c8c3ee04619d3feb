//! How often something may be tried: so many times at once, and once more each time a while has passed.

use core::time::Duration;
use restic_manager_proto::Timestamp;

/// What may be tried. In any stretch of time of length `t` that is at most `burst + t / every` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many times at once.
    pub burst: u32,
    /// How long until one more comes back.
    pub every: Duration,
}

/// Whether it may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may; the allowance is whole again at this moment.
    Allowed(Timestamp),
    /// It may at this moment.
    Wait(Timestamp),
}

impl Allowance {
    /// Takes one. `full_at` is the moment at which the allowance is whole, as the last decision said; `None` when nothing is
    /// known of it.
    #[must_use]
    pub fn take(self, full_at: Option<Timestamp>, now: Timestamp) -> Decision {
        let whole = self.every.saturating_mul(self.burst);
        // A clock that went back must not make anybody wait longer than an empty allowance does.
        let used_until = full_at.unwrap_or(now).max(now).min(now.after(whole));
        let full_at = used_until.after(self.every);
        if full_at <= now.after(whole) {
            Decision::Allowed(full_at)
        } else {
            Decision::Wait(full_at.before(whole))
        }
    }

    /// Puts one back that was taken for what turned out to be no guess.
    #[must_use]
    pub fn give_back(self, full_at: Timestamp) -> Timestamp {
        full_at.before(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN: Allowance = Allowance { burst: 10, every: Duration::from_secs(60) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    #[test]
    fn what_is_used_up_comes_back_one_by_one() {
        let mut full_at = None;
        for _ in 0..10 {
            let Decision::Allowed(at) = TEN.take(full_at, at(0)) else { panic!("refused too early") };
            full_at = Some(at);
        }
        assert_eq!(TEN.take(full_at, at(0)), Decision::Wait(at(60)));
        assert_eq!(TEN.take(full_at, at(59)), Decision::Wait(at(60)));
        assert_eq!(TEN.take(full_at, at(60)), Decision::Allowed(at(660)));
        assert_eq!(TEN.take(full_at, at(100_000)), Decision::Allowed(at(100_060)), "no more than whole");
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let Decision::Allowed(full_at) = TEN.take(Some(at(30)), at(0)) else { panic!("refused") };
        assert_eq!(TEN.give_back(full_at), at(30));
    }

    #[test]
    fn a_clock_that_went_back_locks_nobody_out() {
        assert_eq!(TEN.take(Some(at(1_000_000)), at(0)), Decision::Wait(at(60)));
    }

    proptest! {
        /// However the guesses are spread, no window holds more of them than is stated.
        #[test]
        fn no_window_holds_more_than_the_allowance(
            burst in 1u32..20,
            every in 1u64..100_000,
            gaps in prop::collection::vec(0u64..50_000, 1..200),
        ) {
            let allowance = Allowance { burst, every: Duration::from_millis(every) };
            let (mut now, mut full_at, mut allowed) = (Timestamp::from_milliseconds(0), None, Vec::new());
            for gap in gaps {
                now = now.after(Duration::from_millis(gap));
                match allowance.take(full_at, now) {
                    Decision::Allowed(at) => {
                        full_at = Some(at);
                        allowed.push(now);
                    }
                    Decision::Wait(until) => prop_assert!(until > now, "a wait that is over is none"),
                }
            }
            for (first, from) in allowed.iter().enumerate() {
                for (last, to) in allowed.iter().enumerate().skip(first) {
                    let length = to.since(*from).as_millis() as u64;
                    prop_assert!((last - first + 1) as u64 <= u64::from(burst) + length / every);
                }
            }
        }

        /// Who waits as long as it is told is let through.
        #[test]
        fn a_wait_that_is_kept_is_honoured(burst in 1u32..20, every in 1u64..100_000, used in 0u64..3_000_000) {
            let allowance = Allowance { burst, every: Duration::from_millis(every) };
            let now = Timestamp::from_milliseconds(0);
            let full_at = Some(now.after(Duration::from_millis(used)));
            if let Decision::Wait(until) = allowance.take(full_at, now) {
                prop_assert!(matches!(allowance.take(full_at.map(|at| at.min(now.after(allowance.every * burst))), until), Decision::Allowed(_)));
            }
        }
    }
}
