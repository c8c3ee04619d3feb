//! Alerts about who may what, and whether it is them.

use core::time::Duration;

use restic_manager_proto::vocabulary::{AlertKind, Severity};

use super::row::{Meaning, Resolved};

pub(super) const ROWS: &[Meaning] = &[
    Meaning {
        kind: AlertKind::AuditChainBroken,
        subject: "server",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The audit log as it is stored does not prove itself.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The whole log proves itself again."),
        next_step: "Somebody or something changed the audit log behind the server's back. Keep a copy of the database as \
                    it is now, run `restic-manager-server audit verify` to see the first entry that is wrong, and \
                    compare with an export or a checkpoint kept elsewhere.",
    },
    Meaning {
        kind: AlertKind::TokenReplay,
        subject: "user",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A session token was shown after another had taken its place.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Somebody used a copy of a session that had moved on; all sessions of that login were ended. Ask the \
                    person whether it was them; if not, change the password and look in the audit log for what was done.",
    },
    Meaning {
        kind: AlertKind::PasskeyCounter,
        subject: "user",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A passkey answered with a count that had been there before.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "It opened nothing. Somebody may hold a copy of this passkey: ask the person whether they used it, and \
                    where. Let them remove it and make a new one; if they know nothing of it, look in the audit log for \
                    what was done with it before.",
    },
    Meaning {
        kind: AlertKind::AgentOverreach,
        subject: "host",
        severity: Severity::Critical,
        graver_after: None,
        raised: "An agent reported on a job, schedule or source group of another host.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "The report was passed over. An agent of ours does not do this: treat the host as taken over until you \
                    know better, and remove it here if in doubt. Its snapshots stay in the repository.",
    },
    Meaning {
        kind: AlertKind::AgentTokenReplay,
        subject: "host",
        severity: Severity::Critical,
        graver_after: None,
        raised: "An agent showed a token that had been replaced.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Somebody holds a copy of this agent's key and of a token that was replaced. If the machine was put \
                    back from a backup, give its record to a new agent from the host's settings. If not, its files \
                    were copied: do the same, and find out by whom.",
    },
    Meaning {
        kind: AlertKind::AgentRestored,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "An agent began a new outbox although the old one was not empty.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Nothing that the agent holds was lost: it began to report anew. If the machine was restored from a \
                    backup or a snapshot, look whether what it backs up is what you expect. If it was not, its state \
                    folder was copied, and another agent works with the same identity: enrol that one by itself.",
    },
    Meaning {
        kind: AlertKind::AgentDuplicated,
        subject: "host",
        severity: Severity::Critical,
        graver_after: None,
        raised: "Two agents took each other's place several times.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Two agents take each other's place: a machine or a state folder was copied. Stop the agent on the copy, \
                    and enrol the copy as a host of its own with `restic-manager-agent enrol --replace`. If there is no \
                    copy, look for a network that breaks connections without a word.",
    },
    Meaning {
        kind: AlertKind::AgentNotUnderstood,
        subject: "host",
        severity: Severity::Warning,
        graver_after: None,
        raised: "An agent reported something that this server does not know.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "The agent is newer than this server, or a report was too long to be sent; the report was confirmed and \
                    passed over, and everything else goes on. Update the server.",
    },
    Meaning {
        kind: AlertKind::ServerRestored,
        subject: "host",
        severity: Severity::Critical,
        graver_after: None,
        raised: "An agent's reports that were confirmed are not here.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "This server's database is older than what agents were told, as after it was restored from a backup. What \
                    they reported in between is gone here, and not from the repositories: let each host list its \
                    snapshots. If nobody restored it, keep a copy of the database as it is and look for who did.",
    },
    Meaning {
        kind: AlertKind::AdminAdded,
        subject: "user",
        severity: Severity::Info,
        graver_after: None,
        raised: "Somebody was made an admin, as a new person or by a change of role.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Resolve it if you know of it. If not, take the role away at the person's page, end their sessions, and look in the audit log for who gave it and what was done with it.",
    },
    Meaning {
        kind: AlertKind::FactorRemoved,
        subject: "user",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A person removed one of their factors, or an admin reset them all.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Ask the person by another way than a message whether they know of it. If not, refuse their sign-in at their page, and look in the audit log for what was done since.",
    },
    Meaning {
        kind: AlertKind::ChannelFailing,
        subject: "channel",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A notification channel's last message was given up.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The channel takes a message."),
        next_step: "Nobody hears through this channel what happens. Open Settings, Notifications: the channel says what the \
                    other end answered. Correct it there, and send a test; what was to be told is on the alerts page.",
    },
    Meaning {
        kind: AlertKind::DatabaseDamaged,
        subject: "server",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The daily look at the database found damage.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "What can still be read is shown, and hosts go on by themselves. Stop the server, look to the disk, keep the \
                    damaged files, and put back a copy of the database as docs/operations/database.md says.",
    },
    Meaning {
        kind: AlertKind::DiskNearlyFull,
        subject: "server",
        severity: Severity::Warning,
        graver_after: None,
        raised: "The disk of the server's data folder has less than 10 GiB free, and that is less than a tenth of it. With less than 1 GiB and a thirtieth it is critical.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("More is free."),
        next_step: "A full disk stops the server from noting anything, and so from raising this alert. Give it more space, or remove what \
                    does not belong there. The database's size is on the status page and in the metrics.",
    },
    Meaning {
        kind: AlertKind::ApiTokenEnding,
        subject: "api-token",
        severity: Severity::Warning,
        graver_after: None,
        raised: "An API token that was used within the last 30 days ends within 14 days.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("It is revoked, or has ended."),
        next_step: "The program that uses it is refused from then on. Make another token, give it to the program, and revoke this one.",
    },
];
