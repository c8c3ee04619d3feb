//! What each host has reported today. It lives in memory: a restart begins the day anew.

use restic_manager_proto::{HostId, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::limits::{LOG_BYTES_OF_DAY, SLOT_JOBS_OF_DAY};

const DAY: i64 = 86_400_000;

/// What the hosts have reported today, as far as it has a limit.
#[derive(Debug, Default)]
pub(crate) struct Shares(Mutex<Day>);

#[derive(Debug, Default)]
struct Day {
    number: i64,
    spent: HashMap<HostId, Share>,
}

/// What one host reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// Bytes of logs.
    pub(crate) log_bytes: usize,
    /// Jobs of slots.
    pub(crate) slot_jobs: usize,
}

impl Share {
    /// Whether there is room for so many bytes of a log more.
    pub(crate) const fn has_room_for_log(self, bytes: usize) -> bool {
        self.log_bytes.saturating_add(bytes) <= LOG_BYTES_OF_DAY
    }

    /// Whether there is room for one job of a slot more.
    pub(crate) const fn has_room_for_slot(self) -> bool {
        self.slot_jobs < SLOT_JOBS_OF_DAY
    }
}

impl Shares {
    /// What a host has reported today.
    pub(crate) fn of(&self, host: HostId, now: Timestamp) -> Share {
        self.on(now).spent.get(&host).copied().unwrap_or_default()
    }

    /// What it has reported with what was committed now.
    pub(crate) fn set(&self, host: HostId, share: Share, now: Timestamp) {
        if share != Share::default() {
            self.on(now).spent.insert(host, share);
        }
    }

    fn on(&self, now: Timestamp) -> MutexGuard<'_, Day> {
        let mut day = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_milliseconds().div_euclid(DAY);
        if day.number != number {
            *day = Day { number, spent: HashMap::new() };
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_share_of_each_day() {
        let (shares, now) = (Shares::default(), Timestamp::from_milliseconds(20_000 * DAY));
        let [one, other] = [1, 2].map(|id| HostId::from_bytes([id; 16]));
        let all = Share { log_bytes: LOG_BYTES_OF_DAY, slot_jobs: SLOT_JOBS_OF_DAY };
        shares.set(one, all, now);
        let late = Timestamp::from_milliseconds(20_001 * DAY - 1);
        assert!(!shares.of(one, late).has_room_for_log(1) && !shares.of(one, late).has_room_for_slot());
        assert!(shares.of(one, late).has_room_for_log(0));
        assert!(shares.of(other, late).has_room_for_log(LOG_BYTES_OF_DAY));
        assert_eq!(shares.of(one, Timestamp::from_milliseconds(20_001 * DAY)), Share::default());
    }
}
