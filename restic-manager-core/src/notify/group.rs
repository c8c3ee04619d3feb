//! What happens together is told together: how long a message waits for more, and what joins it.

use core::time::Duration;
use restic_manager_proto::{
    AlertId, Timestamp,
    vocabulary::{AlertKind, NoticeKind, Severity},
};
use serde::{Deserialize, Serialize};

/// The first message of a group waits so long for others of its kind.
pub const GROUP_WAIT: Duration = Duration::from_secs(30);
/// From the end of one message of a group to the next at least.
pub const GROUP_AGAIN: Duration = Duration::from_secs(5 * 60);
/// Alerts that one message tells of one by one; of the others it says how many they are.
pub const MOST_ITEMS: usize = 20;

/// One alert's change within a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stored by the server, read by every channel")]
pub struct Item {
    /// Which alert.
    pub alert: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// What happened to it.
    pub event: NoticeKind,
    /// What it concerns, by its name.
    pub subject: String,
    /// One sentence: what was found.
    pub summary: String,
    /// Since when.
    pub since: Timestamp,
}

/// When a message of a group leaves: after the wait, not before quiet hours or until a digest, and not right after the one
/// before it.
#[must_use]
pub fn due(now: Timestamp, last: Option<Timestamp>, not_before: Option<Timestamp>) -> Timestamp {
    let after_last = last.map_or(now, |last| last.after(GROUP_AGAIN));
    now.after(GROUP_WAIT).max(after_last).max(not_before.unwrap_or(now))
}

/// Adds a change to those of a message that waits. Of one alert the newest change is told. Says whether it is counted anew.
pub fn join(items: &mut Vec<Item>, item: Item) -> bool {
    if let Some(same) = items.iter_mut().find(|one| one.alert == item.alert) {
        *same = item;
        return false;
    }
    if items.len() < MOST_ITEMS {
        items.push(item);
    }
    true
}
