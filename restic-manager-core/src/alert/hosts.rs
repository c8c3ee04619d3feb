//! Alerts about hosts and their agents.

use core::time::Duration;

use restic_manager_proto::vocabulary::{AlertKind, Severity};

use super::row::{Meaning, OFFLINE_GRACE, Resolved};

pub(super) const ROWS: &[Meaning] = &[
    Meaning {
        kind: AlertKind::HostOffline,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A host that is always on was not seen for 90 seconds and the grace, outside of maintenance.",
        grace: OFFLINE_GRACE,
        resolved: Resolved::ByRule("Its agent is connected."),
        next_step: "Switch the host on, or see why its agent does not run or does not reach the server. If it sleeps at times, set it to intermittent. If it is gone for good, remove it here.",
    },
    Meaning {
        kind: AlertKind::ManyHostsOffline,
        subject: "server",
        severity: Severity::Critical,
        graver_after: None,
        raised: "At least five hosts that are always on went silent within two minutes; their alerts stand below this one.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("All of them are back, or removed."),
        next_step: "One cause is likely: a network, a power supply, a proxy in front of this server. Look at what these hosts share.",
    },
    Meaning {
        kind: AlertKind::ConfigurationRefused,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "An agent would not take the configuration that it shall have, and goes on with the one before.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The agent has the configuration that it shall have."),
        next_step: "The host's policy file forbids a part of it: change that file on the host, or here what it forbids. Until then schedules run as they were.",
    },
    Meaning {
        kind: AlertKind::FutureSnapshot,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A listing shows a snapshot that is dated after the listing.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A listing shows none such."),
        next_step: "Set the host's clock. The snapshot counts for nothing: not as the newest, not for freshness, and the forget \
                    of its source group stops. Remove it with `restic forget ID`, or give it its true time with `restic \
                    rewrite --new-time TIME --forget ID`, and list the host's snapshots again.",
    },
];
