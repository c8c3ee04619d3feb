//! What each kind of alert means: how much it matters and what to do next, in one table.

use restic_manager_proto::vocabulary::{AlertKind, Severity};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The kind.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// What to do about it.
    pub next_step: &'static str,
}

/// Every kind, once.
pub const MEANINGS: &[Meaning] = &[
    Meaning {
        kind: AlertKind::AuditChainBroken,
        severity: Severity::Critical,
        next_step: "Somebody or something changed the audit log behind the server's back. Keep a copy of the database as \
                    it is now, run `restic-manager-server audit verify` to see the first entry that is wrong, and \
                    compare with an export or a checkpoint kept elsewhere.",
    },
    Meaning {
        kind: AlertKind::TokenReplay,
        severity: Severity::Critical,
        next_step: "Somebody used a copy of a session that had moved on; all sessions of that login were ended. Ask the \
                    person whether it was them; if not, change the password and look in the audit log for what was done.",
    },
    Meaning {
        kind: AlertKind::PasskeyCounter,
        severity: Severity::Critical,
        next_step: "It opened nothing. Somebody may hold a copy of this passkey: ask the person whether they used it, and \
                    where. Let them remove it and make a new one; if they know nothing of it, look in the audit log for \
                    what was done with it before.",
    },
    Meaning {
        kind: AlertKind::AgentOverreach,
        severity: Severity::Critical,
        next_step: "The report was passed over. An agent of ours does not do this: treat the host as taken over until you \
                    know better, and remove it here if in doubt. Its snapshots stay in the repository.",
    },
    Meaning {
        kind: AlertKind::AgentTokenReplay,
        severity: Severity::Critical,
        next_step: "Somebody holds a copy of this agent's key and of a token that was replaced. If the machine was put \
                    back from a backup, give its record to a new agent from the host's settings. If not, its files \
                    were copied: do the same, and find out by whom.",
    },
    Meaning {
        kind: AlertKind::AgentRestored,
        severity: Severity::Warning,
        next_step: "Nothing that the agent holds was lost: it began to report anew. If the machine was restored from a \
                    backup or a snapshot, look whether what it backs up is what you expect. If it was not, its state \
                    folder was copied, and another agent works with the same identity: enrol that one by itself.",
    },
    Meaning {
        kind: AlertKind::AgentDuplicated,
        severity: Severity::Critical,
        next_step: "Two agents take each other's place: a machine or a state folder was copied. Stop the agent on the copy, \
                    and enrol the copy as a host of its own with `restic-manager-agent enrol --replace`. If there is no \
                    copy, look for a network that breaks connections without a word.",
    },
    Meaning {
        kind: AlertKind::AgentNotUnderstood,
        severity: Severity::Warning,
        next_step: "The agent is newer than this server, or a report was too long to be sent; the report was confirmed and \
                    passed over, and everything else goes on. Update the server.",
    },
    Meaning {
        kind: AlertKind::ServerRestored,
        severity: Severity::Critical,
        next_step: "This server's database is older than what agents were told, as after it was restored from a backup. What \
                    they reported in between is gone here, and not from the repositories: let each host list its \
                    snapshots. If nobody restored it, keep a copy of the database as it is and look for who did.",
    },
    Meaning {
        kind: AlertKind::DatabaseDamaged,
        severity: Severity::Critical,
        next_step: "What can still be read is shown, and hosts go on by themselves. Stop the server, look to the disk, keep the \
                    damaged files, and put back a copy of the database as docs/operations/database.md says.",
    },
    Meaning {
        kind: AlertKind::RetentionOverdue,
        severity: Severity::Critical,
        next_step: "Backups go on, but no old snapshot is removed, so the repository grows until it is full. Open \
                    the repository: its upkeep says what the last try came to. Name a runner with a credential that may delete.",
    },
    Meaning {
        kind: AlertKind::CheckFailed,
        severity: Severity::Critical,
        next_step: "Open the job's log. Where it tells of damage, do not prune, and repair the repository as restic's manual \
                    says; where the check could not look, see to what kept it from looking.",
    },
    Meaning {
        kind: AlertKind::PruneFailed,
        severity: Severity::Warning,
        next_step: "Open the job's log. It is tried again by itself where that may help; where the storage refused to remove \
                    anything, set a maintenance credential that may.",
    },
    Meaning {
        kind: AlertKind::ForgetFailed,
        severity: Severity::Warning,
        next_step: "Open the job's log. It is tried again by itself where that may help; where the storage refused to remove \
                    anything, set a maintenance credential that may.",
    },
    Meaning {
        kind: AlertKind::EverydayCanDelete,
        severity: Severity::Warning,
        next_step: "Who takes over one of the hosts can delete every backup in this repository. Let the storage refuse to \
                    delete with the everyday credential (rest-server: --append-only; S3: a key without DeleteObject but \
                    for locks/), and give a credential that may delete to the maintenance slot alone. Then run the \
                    deletion test again.",
    },
];

/// What a kind means. A kind that has no row matters and says so.
#[must_use]
pub fn meaning(kind: AlertKind) -> Meaning {
    let unknown = Meaning { kind, severity: Severity::Warning, next_step: "Look what the summary says." };
    MEANINGS.iter().copied().find(|row| row.kind == kind).unwrap_or(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_with_a_next_step() {
        for kind in AlertKind::ALL {
            let rows: Vec<_> = MEANINGS.iter().filter(|row| row.kind == *kind).collect();
            assert_eq!(rows.len(), 1, "{kind}: add it to the table");
            assert!(rows[0].next_step.ends_with('.'), "{kind}");
        }
    }
}
