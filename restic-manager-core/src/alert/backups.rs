//! Alerts about what is backed up.

use core::time::Duration;

use restic_manager_proto::vocabulary::{AlertKind, Severity};

use super::row::{Meaning, Resolved};

pub(super) const ROWS: &[Meaning] = &[
    Meaning {
        kind: AlertKind::BackupFailed,
        subject: "source-group",
        severity: Severity::Warning,
        graver_after: Some(3),
        raised: "The last backup of a source group failed.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A backup of the group makes a snapshot, or fails for a reason that has a kind of its own.",
        ),
        next_step: "Open the job: its log has restic's own words. The next run tries again by itself; run it by hand once the cause is gone.",
    },
    Meaning {
        kind: AlertKind::BackupIncomplete,
        subject: "source-group",
        severity: Severity::Warning,
        graver_after: None,
        raised: "The last backup of a source group made a snapshot, and some files could not be read.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A backup of the group succeeds, or fails."),
        next_step: "Look in the job's log for the files that could not be read. Let the agent read them, or exclude them.",
    },
    Meaning {
        kind: AlertKind::SourceMissing,
        subject: "source-group",
        severity: Severity::Critical,
        graver_after: None,
        raised: "None of the paths of a source group exists on its host.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A backup of the group makes a snapshot."),
        next_step: "Look on the host whether a disk is not mounted or a folder was moved. If it is meant to be so, change the paths of the source group.",
    },
    Meaning {
        kind: AlertKind::OutOfSpace,
        subject: "source-group",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The last backup of a source group failed because a disk or a quota was full: that of the repository's storage, or one of the host.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A backup of the group makes a snapshot, or fails for another reason."),
        next_step: "The job's log names what is full. Where it is the storage, give it more space, or let forget and prune keep less; restic needs free space to prune. Where it is the host, free space for restic's cache and temporary files.",
    },
    Meaning {
        kind: AlertKind::HookFailed,
        subject: "source-group",
        severity: Severity::Warning,
        graver_after: Some(3),
        raised: "A script before or after the last backup of a source group failed.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("A backup of the group ends without that."),
        next_step: "Read what the script said in the job's log, and mend the script or what it calls. A script before the backup that fails keeps the backup from running.",
    },
    Meaning {
        kind: AlertKind::BackupOverdue,
        subject: "source-group",
        severity: Severity::Critical,
        graver_after: None,
        raised: "The newest snapshot of a scheduled source group is older than its schedules promise, by what was seen in the repository. The time that a run may be late, half of what lies between two runs, at least 1 and at most 12 hours, has passed.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A listing shows a fresh snapshot, or no schedule runs the group any more.",
        ),
        next_step: "Look at the host: whether its agent is connected, what the last job says, and whether the schedule is as you want it. Run the backup by hand.",
    },
    Meaning {
        kind: AlertKind::SourceShrunk,
        subject: "source-group",
        severity: Severity::Critical,
        graver_after: None,
        raised: "A backup holds no files where the one before had some, or less than half of the usual bytes (the median of the last 30 runs, of which there are at least 10).",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A backup is usual again, or somebody declares it over: what came before counts no more then.",
        ),
        next_step: "Look on the host whether the data is still there: a disk that is not mounted, a deletion, an exclude that takes too much. Restore from the snapshot before if it is gone: forget leaves the group's snapshots until an admin lifts the freeze. If it is meant to be so, lift it and resolve this alert, and the new size becomes the usual one.",
    },
    Meaning {
        kind: AlertKind::SourceGrown,
        subject: "source-group",
        severity: Severity::Warning,
        graver_after: None,
        raised: "A backup holds more than three times the usual bytes (the median of the last 30 runs, of which there are at least 10).",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A backup is usual again, or somebody declares it over: what came before counts no more then.",
        ),
        next_step: "Look in the snapshot for what is new: a dump, a log that grew, a mount within the paths. Exclude what need not be kept. If it is meant to be so, resolve this alert.",
    },
    Meaning {
        kind: AlertKind::ChangeAnomaly,
        subject: "source-group",
        severity: Severity::Critical,
        graver_after: None,
        raised: "Many more files changed than is usual, with three times the usual new data, or most files have other names than before.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A backup is usual again, or somebody declares it over: what came before counts no more then.",
        ),
        next_step: "Somebody may be encrypting the files of this host. Look at some of them now. If they are damaged, cut the host off, and restore from the snapshot before: forget leaves the group's snapshots until an admin lifts the freeze. If it was an update or a move, lift it and resolve this alert.",
    },
    Meaning {
        kind: AlertKind::DurationAnomaly,
        subject: "source-group",
        severity: Severity::Info,
        graver_after: None,
        raised: "A backup took more than five times as long as is usual, and at least 10 minutes longer.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule(
            "A backup is usual again, or somebody declares it over: what came before counts no more then.",
        ),
        next_step: "Look what kept it: a slow line or storage, other work on the host, a bandwidth limit. If it goes on, give the group another time or more bandwidth.",
    },
    Meaning {
        kind: AlertKind::ManyAnomalies,
        subject: "server",
        severity: Severity::Critical,
        graver_after: None,
        raised: "Backups of at least three hosts were unusual within an hour; their alerts stand below this one.",
        grace: Duration::ZERO,
        resolved: Resolved::ByRule("None of the alerts below it lasts."),
        next_step: "One cause is likely: an update of the fleet, or somebody who works on all of it. Look at one host closely. Where files are missing or changed, forget leaves the snapshots until an admin lifts the freezes: not before you know.",
    },
];
