//! Alerts about repositories and their upkeep.

use core::time::Duration;

use restic_manager_proto::vocabulary::{AlertKind, Severity};

use super::row::{Meaning, Resolved};

pub(super) const ROWS: &[Meaning] = &[
    Meaning {
        kind: AlertKind::RetentionOverdue,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "Neither a forget nor a prune was effective within twice its cadence and a day.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A forget or a prune is effective."),
        next_step: "Backups go on, but no old snapshot is removed, so the repository grows until it is full. Open \
                    the repository: its upkeep says what the last try came to. Name a runner with a credential that may delete.",
    },
    Meaning {
        kind: AlertKind::CheckFailed,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A check failed, found damage, or was not done within twice its cadence and a day.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A check succeeds."),
        next_step: "Open the job's log. Where it tells of damage, do not prune, and repair the repository as restic's manual \
                    says; where the check could not look, see to what kept it from looking.",
    },
    Meaning {
        kind: AlertKind::PruneFailed,
        subject: "repository",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A prune failed.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A prune succeeds."),
        next_step: "Open the job's log. It is tried again by itself where that may help; where the storage refused to remove \
                    anything, set a maintenance credential that may.",
    },
    Meaning {
        kind: AlertKind::ForgetFailed,
        subject: "repository",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A forget failed.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A forget succeeds."),
        next_step: "Open the job's log. It is tried again by itself where that may help; where the storage refused to remove \
                    anything, set a maintenance credential that may.",
    },
    Meaning {
        kind: AlertKind::EverydayCanDelete,
        subject: "repository",
        severity: Severity::Warning,
        graver_after: None,
        raised: "The deletion test was not refused.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The deletion test is refused."),
        next_step: "Who takes over one of the hosts can delete every backup in this repository. Let the storage refuse to \
                    delete with the everyday credential (rest-server: --append-only; S3: a key without DeleteObject but \
                    for locks/), and give a credential that may delete to the maintenance slot alone. Then run the \
                    deletion test again.",
    },
    Meaning {
        kind: AlertKind::RepositoryUnreachable,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A job of a host could not reach the repository, after the agent's own tries. Failed backups of the hosts stand below this one.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("Every host that uses the repository opens it again."),
        next_step: "See that the repository's server runs, that the hosts reach it by the name in the location, and that no proxy answers in its place. Backups of the hosts fail until then; nothing that is stored is lost.",
    },
    Meaning {
        kind: AlertKind::RepositoryMissing,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "There is nothing at the repository's place, although snapshots were seen there.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("Every host that uses the repository opens it again."),
        next_step: "Look at the storage before anything else is written there: a disk that is not mounted, another folder, a deletion. No new repository is made in its place by itself. If it was moved, change its location here.",
    },
    Meaning {
        kind: AlertKind::WrongPassword,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The repository's password does not open it for a host.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("Every host that uses the repository opens it again."),
        next_step: "Set the repository's password to one that opens it. If nobody changed it, somebody removed a key: look who has the credential that may delete.",
    },
    Meaning {
        kind: AlertKind::AccessDenied,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The repository's server refused the everyday credential of a host.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("Every host that uses the repository opens it again."),
        next_step: "Set the credential that the repository's server asks for, and check what it may do: it must be able to read, and to add.",
    },
    Meaning {
        kind: AlertKind::SnapshotsVanished,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A listing lacks snapshots that it had, and no forget of ours removed them.",
        grace: Duration::ZERO,
        resolved: Resolved::ByHand,
        next_step: "Find out who removed them: who else has the password and a credential that may delete, or the storage itself. Replace both if you do not know, and let the storage refuse to delete with the everyday credential. Storage with versions may still have the data, and so may the repository until its next prune: forget and prune are frozen until an admin lifts the freeze.",
    },
    Meaning {
        kind: AlertKind::RetentionFrozen,
        subject: "repository",
        severity: Severity::Warning,
        graver_after: None,
        raised: "Forget and prune of the repository, or of one of its source groups, were frozen.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("The last freeze is lifted."),
        next_step: "Backups go on, and nothing is removed. Read the reason on the repository's page; where a policy keeps less, \
                    look at its preview. Then an admin lifts the freeze there, or the policy is set to what it was.",
    },
    Meaning {
        kind: AlertKind::RepositoryLocked,
        subject: "repository",
        severity: Severity::Warning,
        graver_after: None,
        raised: "Upkeep met a lock that stays.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("An unlock leaves no lock, or a forget, prune or check succeeds."),
        next_step: "The repository's page says whose the lock is and how old. A host of ours is asked to remove its own by \
                    itself; for another look whether that restic still runs, then remove the lock there.",
    },
    Meaning {
        kind: AlertKind::RepositoryDamaged,
        subject: "repository",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A job found data of the repository damaged.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A check succeeds."),
        next_step: "Forget and prune are frozen. Open the job's log, run a check that reads all data, and repair the repository as \
                    restic's manual says. The alert is over when a check finds nothing; an admin lifts the freeze then.",
    },
];
