//! When a notification is tried again, and when it is given up.

use core::time::Duration;
use restic_manager_proto::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The waits after the first, the second, … attempt that failed. After the last one it stays.
const WAITS: &[Duration] = &[
    Duration::from_secs(5),
    MINUTE,
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    HOUR,
    Duration::from_secs(4 * 60 * 60),
    Duration::from_secs(6 * 60 * 60),
];

/// After so long a notification is given up: nobody is helped by news of the day before.
pub const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// A channel that delivered nothing for so long though it was tried is an alert.
pub const TROUBLE_AFTER: Duration = HOUR;
/// The other end may ask for more time, up to this.
const LONGEST_ASKED: Duration = HOUR;

/// When a notification that is due since `first` and failed for the `attempts`th time at `now` is tried again; never, when it
/// is too old by then. The other end may ask to be left alone for longer.
#[must_use]
pub fn next_attempt(
    first: Timestamp,
    attempts: u32,
    now: Timestamp,
    asked: Option<Duration>,
) -> Option<Timestamp> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    let wait = WAITS[index].max(asked.unwrap_or_default().min(LONGEST_ASKED));
    let next = now.after(wait);
    (next <= first.after(GIVE_UP)).then_some(next)
}
