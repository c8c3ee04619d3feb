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
        raised: "Hosts that are always on went silent within two minutes, at least five and a fifth of all hosts (500 of 2,500 and more); their alerts stand below this one.",
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
    Meaning {
        kind: AlertKind::ClockSkew,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A job began, by the host's clock, more than 5 minutes before it was sent or after that was told: the clock of the host differs from the server's.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A job begins at a time that can be."),
        next_step: "Set the host's clock, and let it be kept right (NTP). Snapshots bear the host's time: with a wrong one forget keeps \
                    and removes others than you mean, and schedules run at other times. If all hosts differ, look at the server's clock.",
    },
    Meaning {
        kind: AlertKind::AgentOutdated,
        subject: "host",
        severity: Severity::Info,
        graver_after: None,
        raised: "The agent was last seen with an older version than the server's.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The agent is as new as the server."),
        next_step: "It goes on working. Install the server's build of the agent on the host, as Add host shows, and start it again.",
    },
    Meaning {
        kind: AlertKind::ManyAgentsOutdated,
        subject: "server",
        severity: Severity::Info,
        graver_after: None,
        raised: "Within a day the agents of at least five hosts were found older than the server, as after its update; their alerts stand below this one.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("All of them are as new, or removed."),
        next_step: "They go on working. Install the server's build of the agent on the hosts, some first.",
    },
    Meaning {
        kind: AlertKind::AgentTokenOld,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "An agent is connected, and its token is a day older than tokens should become: replacing it does not work.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The token is replaced."),
        next_step: "Look in the agent's log why it does not keep a new token; mostly its state folder cannot be written. It goes on with the old one.",
    },
];
