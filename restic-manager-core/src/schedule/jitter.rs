use core::time::Duration;
use restic_manager_proto::{HostId, Timestamp};

use super::{Slot, Timetable};

/// Longest jitter that a schedule may have.
pub const LONGEST_JITTER: Duration = Duration::from_secs(12 * 60 * 60);

/// When a slot starts on a host: up to `width` after its nominal moment, always before the schedule's next slot.
///
/// It is a hash of host and slot, not a draw: the same after a restart, and different on each host of a fleet that
/// shares a schedule's time.
#[must_use]
pub fn starts_at(timetable: &Timetable, slot: Slot, host: HostId, width: Duration) -> Timestamp {
    if width.is_zero() {
        return slot.instant;
    }
    let until_next = timetable.after(slot.instant).next().map(|next| next.since(slot.instant));
    let room = width.min(LONGEST_JITTER).min(until_next.unwrap_or(width));
    let room = u64::try_from(room.as_millis()).unwrap_or(u64::MAX).max(1);
    slot.instant.after(Duration::from_millis(hash(host, slot) % room))
}

/// FNV-1a, then mixed so that neighbouring slots lie far apart. Frozen: another hash would move every start.
fn hash(host: HostId, slot: Slot) -> u64 {
    let instant = slot.instant.as_milliseconds().to_be_bytes();
    let bytes = host.as_bytes().iter().chain(slot.schedule.as_bytes()).chain(&instant);
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}
