//! What time it is, as an engine's part that tests replace.

use core::fmt;
use restic_manager_proto::Timestamp;

/// Tells the time. An engine holds one; rules take the moment as a value.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The moment it is now. It may jump, in both directions.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let milliseconds = match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |length| -length),
        };
        Timestamp::from_milliseconds(milliseconds)
    }
}

/// A clock that stands still until a test moves it.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(any(test, feature = "testing"))]
impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(now.as_milliseconds()))
    }

    /// Moves it forward.
    pub fn advance(&self, length: core::time::Duration) {
        self.set(self.now().after(length));
    }

    /// Puts it to any moment.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_milliseconds(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}
