//! Whether a host counts as present.

use core::time::Duration;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Presence, PresenceMode},
};

/// A side that has sent nothing for so long says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// A host that was not seen for so long is not present: three heartbeats.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(90);

/// What is known of a host's connection at `now`, from the moment it was last seen, if ever.
///
/// Silence alone decides, not whether a socket is open: a server that has just started does not call its fleet
/// offline, and a socket that nobody closed does not keep a dead host alive. A moment ahead of `now` counts as
/// just seen: the clock was put back.
#[must_use]
pub fn presence(mode: PresenceMode, last_seen: Option<Timestamp>, now: Timestamp) -> Presence {
    match (last_seen, mode) {
        (None, _) => Presence::Never,
        (Some(seen), _) if now.since(seen) < SILENCE_LIMIT => Presence::Online,
        (Some(_), PresenceMode::Intermittent) => Presence::Asleep,
        (Some(_), _) => Presence::Offline,
    }
}

/// When a host that was last seen at `last_seen` stops being present, unless it is seen again.
#[must_use]
pub fn absent_at(last_seen: Timestamp) -> Timestamp {
    last_seen.after(SILENCE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::{absent_at, presence};
    use proptest::prelude::*;
    use restic_manager_proto::{
        Timestamp,
        vocabulary::{Presence, PresenceMode},
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    #[test]
    fn silence_of_90_seconds_is_absence() {
        for (mode, absent) in
            [(PresenceMode::AlwaysOn, Presence::Offline), (PresenceMode::Intermittent, Presence::Asleep)]
        {
            assert_eq!(presence(mode, None, at(0)), Presence::Never);
            assert_eq!(presence(mode, Some(at(0)), at(89)), Presence::Online);
            assert_eq!(presence(mode, Some(at(0)), at(90)), absent);
            assert_eq!(presence(mode, Some(at(1000)), at(0)), Presence::Online);
        }
    }

    proptest! {
        #[test]
        fn absence_begins_exactly_when_announced(seen in -1_000_000..1_000_000i64, later in 0..200_000i64) {
            let (seen, now) = (Timestamp::from_milliseconds(seen), Timestamp::from_milliseconds(seen + later));
            let online = presence(PresenceMode::AlwaysOn, Some(seen), now) == Presence::Online;
            prop_assert_eq!(online, now < absent_at(seen));
        }
    }
}
