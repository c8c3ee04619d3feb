//! The words that wire, API, store and pages share.
//!
//! Each is a small enum with one text form, used alike in JSON, in the database and in logs. A word that
//! this build does not know is an error here: whoever reads data of a newer peer keeps the text instead.

use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// A text is not one of the words of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of: {known}")]
#[non_exhaustive]
pub struct UnknownWordError {
    known: &'static str,
}

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// Every word, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$word),*];

            /// The text form, the same in JSON, database and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWordError;

            fn from_str(text: &str) -> Result<Self, UnknownWordError> {
                match text {
                    $($text => Ok(Self::$word),)*
                    _ => Err(UnknownWordError { known: concat!($($text, " "),*) }),
                }
            }
        }
    )*};
}

vocabulary! {
    /// What a person or an API token may do; each includes the ones before it.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Runs hosts, sources, schedules, jobs and restores.
        Operator = "operator",
        /// Installs, trusts, holds credentials that may delete.
        Admin = "admin",
    }

    /// How a host is expected to be reachable.
    PresenceMode {
        /// Silence is a fault.
        AlwaysOn = "always-on",
        /// Silence means asleep.
        Intermittent = "intermittent",
    }

    /// What is known of a host's connection now.
    Presence {
        /// Its agent is connected and was seen within 90 seconds.
        Online = "online",
        /// It has been silent for longer.
        Offline = "offline",
        /// It has been silent, as an intermittent host may be.
        Asleep = "asleep",
        /// It has not connected since it enrolled.
        Never = "never",
        /// It has been silent for longer, and is under maintenance.
        Maintenance = "maintenance",
    }

    /// Which of a repository's transport credentials.
    CredentialSlot {
        /// May only add.
        Everyday = "everyday",
        /// May delete.
        Maintenance = "maintenance",
    }

    /// What a job does.
    JobKind {
        /// Back up one source group; lists the host's snapshots afterwards.
        Backup = "backup",
        /// Make sure that the repository exists and opens with its password.
        CheckRepository = "check-repository",
        /// List the host's snapshots.
        ListSnapshots = "list-snapshots",
        /// Remove the snapshots that the retention policies of the repository's source groups do not keep.
        Forget = "forget",
        /// Remove the data that no snapshot needs.
        Prune = "prune",
        /// Look for damage, and read some of the data.
        Check = "check",
        /// Remove the locks of this host whose processes are gone, and say whose are left.
        Unlock = "unlock",
        /// Say what a retention policy would keep and remove, and remove nothing.
        PreviewForget = "preview-forget",
        /// Measure the repository: its snapshots, sizes and locks.
        Statistics = "statistics",
        /// Try to delete with the everyday credential a snapshot that was made for nothing else.
        DeletionTest = "deletion-test",
        /// See whether location, password and credential open a repository, and make none.
        ConnectionTest = "connection-test",
        /// Write files of a snapshot to the host.
        Restore = "restore",
    }

    /// What a restore does with files that are there already.
    Overwrite {
        /// Replaces them.
        Always = "always",
        /// Replaces those whose size or time differs.
        IfChanged = "if-changed",
        /// Replaces those that are older than the snapshot's.
        IfNewer = "if-newer",
        /// Leaves them.
        Never = "never",
    }

    /// What a restore would do with one path.
    PlanClass {
        /// Nothing is there; it is written.
        New = "new",
        /// Something else is there; it is overwritten.
        Replaced = "replaced",
        /// What is there was changed later than the snapshot's; it is overwritten.
        NewerReplaced = "newer-replaced",
        /// The file that is there has other names, which keep what it holds now.
        BreaksHardLink = "breaks-hard-link",
        /// It is there as it is in the snapshot, as far as size and time tell.
        Unchanged = "unchanged",
        /// Something else is there, and stays.
        LeftAlone = "left-alone",
        /// Its content is there; mode, owner or time are set.
        AttributesReset = "attributes-reset",
        /// The snapshot does not have it; it is removed.
        Removed = "removed",
        /// Something is in the way that the restore would have to take away.
        Blocked = "blocked",
    }

    /// By what the entries of a folder are sorted.
    EntrySort {
        /// By name.
        Name = "name",
        /// By size; a folder counts with what is below it.
        Size = "size",
        /// By the time of the last change.
        Time = "time",
    }

    /// What something in a snapshot is.
    EntryKind {
        /// A file.
        File = "file",
        /// A folder.
        Folder = "folder",
        /// A symbolic link.
        Symlink = "symlink",
        /// A device, a pipe or a socket.
        Special = "special",
    }

    /// Whether others may use a repository at the same time.
    LeaseMode {
        /// They may: backups, listings.
        Shared = "shared",
        /// They may not: forget, prune, check.
        Exclusive = "exclusive",
    }

    /// Whether the everyday credential may delete, as seen by trying.
    DeletionVerdict {
        /// The storage refused to delete, and what was to go is still there.
        Refused = "refused",
        /// What was to go is gone: who holds the credential can delete every backup.
        Possible = "possible",
    }

    /// Whether a job holds its lease, or what it waits for.
    LeaseState {
        /// It holds it.
        Held = "held",
        /// It waits for others in the same repository, or for the repository's budget.
        WaitsForRepository = "waits-for-repository",
        /// It waits for the fleet's budget.
        WaitsForFleet = "waits-for-fleet",
    }

    /// How a part of a repository's upkeep stands, or all of it.
    UpkeepState {
        /// It is switched off.
        Off = "off",
        /// There is nothing to do: no policy asks for anything.
        Idle = "idle",
        /// It has not been done yet, and need not have been.
        Pending = "pending",
        /// It was done and came to what it is for, lately enough.
        Good = "good",
        /// The last try failed; the next may.
        Failing = "failing",
        /// It has not come to what it is for within its allowance, or will not before somebody sees to it.
        Overdue = "overdue",
        /// It is frozen until an admin lifts the freeze.
        Frozen = "frozen",
    }

    /// Why forget, or forget and prune, are frozen.
    FreezeCause {
        /// Somebody asked for it.
        Manual = "manual",
        /// A retention policy keeps less than it did.
        KeepsLess = "keeps-less",
        /// A snapshot is dated after the moment at which it was listed.
        FutureSnapshot = "future-snapshot",
        /// Snapshots of the same name and tag were there before the source group was: another host's of that name.
        OlderSnapshots = "older-snapshots",
        /// What an alert is about must not be made worse.
        Alert = "alert",
    }

    /// Where a job stands. The last five are ends.
    JobState {
        /// Recorded; waits for its turn or its host.
        Queued = "queued",
        /// Sent to the agent, which has not confirmed it.
        Dispatched = "dispatched",
        /// The agent runs it.
        Running = "running",
        /// Done, whole.
        Succeeded = "succeeded",
        /// A snapshot exists, but some files could not be read (restic's exit code 3).
        Incomplete = "incomplete",
        /// Ended without its result; the cause says why.
        Failed = "failed",
        /// Ended because somebody asked for it.
        Cancelled = "cancelled",
        /// Never ran; the cause says why.
        Skipped = "skipped",
    }

    /// Why a job ended as it did.
    Cause {
        /// Nothing went wrong.
        None = "none",
        /// Some files could not be read.
        SourceUnreadable = "source-unreadable",
        /// None of the source paths exists.
        SourceMissing = "source-missing",
        /// There is no repository at the location.
        RepositoryMissing = "repository-missing",
        /// Another restic holds the repository.
        RepositoryLocked = "repository-locked",
        /// The repository's password does not open it.
        WrongPassword = "wrong-password",
        /// The repository's server refused the transport credential.
        AccessDenied = "access-denied",
        /// The repository's server did not answer.
        Unreachable = "unreachable",
        /// A disk is full, on the host or in the repository.
        OutOfSpace = "out-of-space",
        /// The operating system refused access to a file or folder.
        PermissionDenied = "permission-denied",
        /// The repository's data is damaged.
        RepositoryDamaged = "repository-damaged",
        /// The host has no restic, or it could not be started.
        ResticMissing = "restic-missing",
        /// The host's restic did not answer when it was asked for its version.
        ResticSilent = "restic-silent",
        /// The host's restic lacks what the job needs.
        ResticTooOld = "restic-too-old",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// restic was killed by a signal that nobody here sent.
        Killed = "killed",
        /// It took longer than its deadline.
        DeadlineExceeded = "deadline-exceeded",
        /// Its host was not connected before the deadline.
        HostOffline = "host-offline",
        /// The agent does not know the job any more.
        AgentLost = "agent-lost",
        /// The agent was stopped or killed while the job ran.
        AgentStopped = "agent-stopped",
        /// The agent refused it by its local policy or because the command was not valid.
        AgentRefused = "agent-refused",
        /// What the job needs was removed or is not set up.
        NotConfigured = "not-configured",
        /// A secret of the job could not be opened.
        SecretUnreadable = "secret-unreadable",
        /// Its schedule's time passed while the host was off or asleep, and a newer time of the schedule took its place.
        SlotSuperseded = "slot-superseded",
        /// Its schedule's time passed while the host was off or asleep, and the schedule does not catch up.
        SlotMissed = "slot-missed",
        /// Its schedule's time passed while the host was off or asleep, and the last success is recent enough.
        SlotNotNeeded = "slot-not-needed",
        /// The run of an earlier time of its schedule had not ended.
        SlotOverlapped = "slot-overlapped",
        /// Its schedule was changed before it could run.
        ScheduleChanged = "schedule-changed",
        /// The script before the backup failed, or the one after it.
        HookFailed = "hook-failed",
        /// The command whose output is backed up failed.
        CommandFailed = "command-failed",
        /// Forget and prune are frozen, of the repository or of all source groups that the job was for.
        RetentionFrozen = "retention-frozen",
        /// A snapshot is dated in the future, and would push out others.
        FutureSnapshot = "future-snapshot",
        /// The making of the repository was broken off: it has keys and nothing else.
        RepositoryUnfinished = "repository-unfinished",
        /// The snapshot is not in the repository any more.
        SnapshotMissing = "snapshot-missing",
        /// Something that was to be restored is not in the snapshot.
        NotInSnapshot = "not-in-snapshot",
        /// Something on the host stands where something else is to be restored.
        TargetBlocked = "target-blocked",
        /// What is on the host is not any more what the plan was made for.
        PlanChanged = "plan-changed",
        /// Some of what was to be restored could not be written.
        RestoreIncomplete = "restore-incomplete",
        /// All was restored, but some of it could not be given to its owner.
        OwnersNotSet = "owners-not-set",
        /// restic failed for a reason that is not told apart; the log has its words.
        Other = "other",
    }

    /// Who or what asked for a job.
    Trigger {
        /// A person, on a page or by the API.
        Manual = "manual",
        /// A schedule.
        Schedule = "schedule",
        /// restic-manager itself, such as the check after an attachment.
        System = "system",
    }

    /// What is known of a repository as one host sees it.
    RepositoryState {
        /// Nobody has looked since it was attached or its credentials changed.
        Unverified = "unverified",
        /// It exists and opens.
        Ready = "ready",
        /// Nothing is there.
        Missing = "missing",
        /// The password does not open it.
        WrongPassword = "wrong-password",
        /// The server refused the transport credential.
        AccessDenied = "access-denied",
        /// The server did not answer.
        Unreachable = "unreachable",
        /// Its making was broken off: it has keys and nothing else.
        Unfinished = "unfinished",
        /// It failed for another reason.
        Failed = "failed",
    }

    /// What reads a script.
    Shell {
        /// `/bin/sh`.
        Sh = "sh",
        /// `bash`; in a command for a shell a failing part of a pipe counts.
        Bash = "bash",
        /// Windows PowerShell.
        PowerShell = "powershell",
    }

    /// Where a line of a job's log comes from.
    LogStream {
        /// restic's standard output.
        Stdout = "stdout",
        /// restic's standard error.
        Stderr = "stderr",
        /// The agent's own remarks.
        Agent = "agent",
    }

    /// What was decided on a host that announced itself.
    PendingHostState {
        /// Nothing yet.
        Waiting = "waiting",
        /// It becomes a host.
        Accepted = "accepted",
        /// It does not.
        Rejected = "rejected",
    }

    /// Why an enrolment token can no longer be spent, or that it can.
    EnrolmentState {
        /// It waits for its host.
        Open = "open",
        /// Its host enrolled.
        Spent = "spent",
        /// Its hour passed.
        Expired = "expired",
        /// Somebody withdrew it or issued another in its place.
        Revoked = "revoked",
    }

    /// Who acted, in the audit log.
    ActorKind {
        /// A signed-in person.
        User = "user",
        /// A program with an API token, on behalf of who made it.
        Token = "token",
        /// An enrolled agent.
        Agent = "agent",
        /// restic-manager itself.
        System = "system",
        /// Somebody who has not proven who they are.
        Anonymous = "anonymous",
    }

    /// With what result something was done, in the audit log.
    Outcome {
        /// It was done.
        Done = "done",
        /// It was not allowed.
        Refused = "refused",
        /// It was tried and did not work.
        Failed = "failed",
    }

    /// What was done, in the audit log.
    Action {
        /// The first admin was made.
        Bootstrap = "bootstrap",
        /// Somebody signed in.
        Login = "login",
        /// Somebody was refused at sign-in.
        LoginRefused = "login-refused",
        /// Somebody signed in proved again who they are.
        Prove = "prove",
        /// Somebody got a further factor, or new recovery codes.
        FactorAdd = "factor-add",
        /// Somebody removed one of their factors.
        FactorRemove = "factor-remove",
        /// An admin removed all factors of a person.
        FactorReset = "factor-reset",
        /// An API token was made.
        ApiTokenCreate = "api-token-create",
        /// An API token was revoked.
        ApiTokenRevoke = "api-token-revoke",
        /// Somebody signed out.
        Logout = "logout",
        /// Somebody ended a session, of their own or another's.
        SessionEnd = "session-end",
        /// A session's token was used after it had been replaced; its whole family ended.
        SessionReplay = "session-replay",
        /// A passkey was refused: its count of signatures did not go forward, so there may be a copy of it.
        PasskeyCounter = "passkey-counter",
        /// A session that is bound to its address or browser was used from another, and ended.
        SessionMoved = "session-moved",
        /// A person was added.
        UserCreate = "user-create",
        /// A person's role changed, or sign-in was refused or allowed again.
        UserUpdate = "user-update",
        /// A link to set a password was made.
        SetupLinkIssue = "setup-link-issue",
        /// A link to set a password was withdrawn.
        SetupLinkWithdraw = "setup-link-withdraw",
        /// Somebody set a password by a setup link.
        UserSetup = "user-setup",
        /// Somebody showed a setup link that opens nothing.
        SetupRefused = "setup-refused",
        /// Access was restored by a command on the server's machine.
        LocalRecovery = "local-recovery",
        /// Somebody changed their own password.
        PasswordChange = "password-change",
        /// Somebody signed in could not prove once more who they are.
        ProofRefused = "proof-refused",
        /// A caller was refused for want of a role.
        AccessRefused = "access-refused",
        /// A host was invited to enrol.
        EnrolmentCreate = "enrolment-create",
        /// A lost enrolment token was issued anew.
        EnrolmentReissue = "enrolment-reissue",
        /// An enrolment token was withdrawn.
        EnrolmentRevoke = "enrolment-revoke",
        /// Somebody tried to enrol and was refused.
        EnrolmentRefused = "enrolment-refused",
        /// A host that announced itself was accepted.
        PendingHostAccept = "pending-host-accept",
        /// A host that announced itself was rejected.
        PendingHostReject = "pending-host-reject",
        /// A host enrolled.
        HostEnrol = "host-enrol",
        /// A host's name, tags or presence mode changed.
        HostUpdate = "host-update",
        /// A host was removed and its agent's trust revoked.
        HostDelete = "host-delete",
        /// What was kept of a removed host was removed for good.
        HostPurge = "host-purge",
        /// The server was opened or closed to new hosts.
        RegistrationUpdate = "registration-update",
        /// A host's record is to be given to a new agent.
        HostInvite = "host-invite",
        /// A new agent took over a host's record; the old one's trust ended.
        HostTakeOver = "host-take-over",
        /// Another token was asked for a host's agent.
        AgentTokenRotate = "agent-token-rotate",
        /// An agent's new token came into force and the old one was revoked.
        AgentTokenReplace = "agent-token-replace",
        /// A revoked token was shown with the key that belongs to it.
        AgentTokenReplay = "agent-token-replay",
        /// A repository was set up.
        RepositoryCreate = "repository-create",
        /// A repository's name or location changed.
        RepositoryUpdate = "repository-update",
        /// A repository's password or a transport credential was set.
        RepositoryCredentialSet = "repository-credential-set",
        /// A repository's runner, its budget, or how often its upkeep is done changed.
        UpkeepUpdate = "upkeep-update",
        /// A repository was removed from the list; its data stays where it is.
        RepositoryDelete = "repository-delete",
        /// A host was attached to a repository, or the attachment changed.
        AttachmentSet = "attachment-set",
        /// A host was detached from a repository.
        AttachmentDelete = "attachment-delete",
        /// A source group was made.
        SourceGroupCreate = "source-group-create",
        /// A source group changed.
        SourceGroupUpdate = "source-group-update",
        /// A source group was removed.
        SourceGroupDelete = "source-group-delete",
        /// The hooks of a host or of a source group were set.
        HooksSet = "hooks-set",
        /// The hooks of a host or of a source group were removed.
        HooksRemove = "hooks-remove",
        /// A schedule was made.
        ScheduleCreate = "schedule-create",
        /// A schedule changed.
        ScheduleUpdate = "schedule-update",
        /// A schedule was removed.
        ScheduleDelete = "schedule-delete",
        /// A job was asked for.
        JobCreate = "job-create",
        /// Files of a snapshot are restored to a host.
        RestoreCreate = "restore-create",
        /// A job was asked to stop.
        JobCancel = "job-cancel",
        /// A job ended.
        JobEnd = "job-end",
        /// An agent reported on something that is not its own.
        AgentOverreach = "agent-overreach",
        /// An agent's handshake was refused.
        AgentRefused = "agent-refused",
        /// Secrets at rest were sealed with a new key.
        KeysRotate = "keys-rotate",
        /// A database that is older than the server knew it was accepted by a command on the server's machine.
        DatabaseAccept = "database-accept",
        /// Somebody took on an alert.
        AlertAcknowledge = "alert-acknowledge",
        /// Somebody declared an alert over.
        AlertResolve = "alert-resolve",
        /// Somebody announced maintenance.
        MaintenanceCreate = "maintenance-create",
        /// Somebody ended maintenance before its time.
        MaintenanceEnd = "maintenance-end",
        /// Forget and prune were frozen.
        FreezeCreate = "freeze-create",
        /// Somebody lifted a freeze.
        FreezeLift = "freeze-lift",
        /// Somebody had the keys of a repository removed whose making was broken off, and it made anew.
        RepositoryRemake = "repository-remake",
        /// Somebody made a notification channel.
        ChannelCreate = "channel-create",
        /// Somebody changed a notification channel.
        ChannelUpdate = "channel-update",
        /// Somebody removed a notification channel.
        ChannelDelete = "channel-delete",
        /// Somebody sent a test through a notification channel.
        ChannelTest = "channel-test",
        /// Somebody made a route for notifications.
        RouteCreate = "route-create",
        /// Somebody changed a route for notifications.
        RouteUpdate = "route-update",
        /// Somebody removed a route for notifications.
        RouteDelete = "route-delete",
        /// Somebody silenced notifications for a time.
        SilenceCreate = "silence-create",
        /// Somebody ended a silence before its time.
        SilenceEnd = "silence-end",
    }

    /// Whether a host's data can be restored, judged from snapshots seen in the repository.
    Health {
        /// A snapshot was seen and it is fresh.
        Good = "good",
        /// A snapshot was seen, but it is older than it should be.
        Overdue = "overdue",
        /// The last backup failed or was incomplete.
        Failing = "failing",
        /// No snapshot was ever seen.
        Unknown = "unknown",
        /// Its newest snapshot is older than it should be, and the host is under maintenance.
        Maintenance = "maintenance",
    }

    /// The form of a downloaded log.
    LogFormat {
        /// One line of text each, with time and stream in front.
        Text = "text",
        /// One JSON object each.
        Ndjson = "ndjson",
    }

    /// What an alert is about.
    AlertKind {
        /// The audit log is not as it was written: an entry was changed, is missing, or the end was cut off.
        AuditChainBroken = "audit-chain-broken",
        /// A session token was shown again after another had taken its place.
        TokenReplay = "token-replay",
        /// A passkey's count of signatures did not go forward: there may be a copy of it.
        PasskeyCounter = "passkey-counter",
        /// An agent reported on something that is not its own.
        AgentOverreach = "agent-overreach",
        /// A revoked token of an agent was shown with the key that belongs to it.
        AgentTokenReplay = "agent-token-replay",
        /// An agent's state went back in time: its machine or folder was restored from a copy.
        AgentRestored = "agent-restored",
        /// Two agents take turns with one identity: a copied folder or machine.
        AgentDuplicated = "agent-duplicated",
        /// An agent reported something that this server does not understand.
        AgentNotUnderstood = "agent-not-understood",
        /// The database went back in time: it has less than was confirmed to an agent, or an older copy was accepted.
        ServerRestored = "server-restored",
        /// The files of the database are damaged, and nothing is changed any more.
        DatabaseDamaged = "database-damaged",
        /// Retention policies were not applied, or their data not removed, within the allowance.
        RetentionOverdue = "retention-overdue",
        /// A repository was not checked, or a check found damage or failed.
        CheckFailed = "check-failed",
        /// A prune failed.
        PruneFailed = "prune-failed",
        /// A forget failed.
        ForgetFailed = "forget-failed",
        /// A repository's everyday credential was seen to delete.
        EverydayCanDelete = "everyday-can-delete",
        /// A notification channel has not delivered for an hour, or was told to stop.
        ChannelFailing = "channel-failing",
        /// Forget and prune are frozen until an admin lifts the freeze.
        RetentionFrozen = "retention-frozen",
        /// A snapshot is dated after the moment at which it was listed.
        FutureSnapshot = "future-snapshot",
        /// Upkeep met a lock that stays.
        RepositoryLocked = "repository-locked",
        /// restic found a repository's data damaged.
        RepositoryDamaged = "repository-damaged",
        /// The last backup of a source group failed.
        BackupFailed = "backup-failed",
        /// The last backup of a source group left something out.
        BackupIncomplete = "backup-incomplete",
        /// The last backup of a source group found nothing that it should back up.
        SourceMissing = "source-missing",
        /// A script before or after the last backup of a source group failed.
        HookFailed = "hook-failed",
        /// The newest snapshot of a source group is older than its schedules promise.
        BackupOverdue = "backup-overdue",
        /// A source group's backup suddenly holds nothing, or much less than is usual.
        SourceShrunk = "source-shrunk",
        /// A source group's backup suddenly holds much more than is usual.
        SourceGrown = "source-grown",
        /// Many more files of a source group changed, or got other names, than is usual.
        ChangeAnomaly = "change-anomaly",
        /// A source group's backup took much longer than is usual.
        DurationAnomaly = "duration-anomaly",
        /// Backups of several hosts were unusual in the same hour.
        ManyAnomalies = "many-anomalies",
        /// A host that is always on is silent.
        HostOffline = "host-offline",
        /// Several hosts that are always on went silent together.
        ManyHostsOffline = "many-hosts-offline",
        /// A host's agent would not take its configuration.
        ConfigurationRefused = "configuration-refused",
        /// A repository's server does not answer.
        RepositoryUnreachable = "repository-unreachable",
        /// There is no repository where one was.
        RepositoryMissing = "repository-missing",
        /// A repository's password does not open it.
        WrongPassword = "wrong-password",
        /// A repository's server refuses the everyday credential.
        AccessDenied = "access-denied",
        /// Snapshots are gone that nobody here removed.
        SnapshotsVanished = "snapshots-vanished",
        /// Somebody became an admin.
        AdminAdded = "admin-added",
        /// A person has a factor less than before.
        FactorRemoved = "factor-removed",
        /// The last backup of a source group found no space, in the storage or on its host.
        OutOfSpace = "out-of-space",
        /// A host's agent is older than the server.
        AgentOutdated = "agent-outdated",
        /// The agents of several hosts are older than the server.
        ManyAgentsOutdated = "many-agents-outdated",
        /// A host's clock differs from the server's.
        ClockSkew = "clock-skew",
        /// A connected agent's token is older than it should become.
        AgentTokenOld = "agent-token-old",
        /// An API token that is used ends soon.
        ApiTokenEnding = "api-token-ending",
        /// The disk of the server's data is nearly full.
        DiskNearlyFull = "disk-nearly-full",
    }

    /// What became of an alert, in its history.
    AlertStep {
        /// It was found for the first time.
        Raised = "raised",
        /// It was found again soon after it was over.
        Reopened = "reopened",
        /// It became graver.
        Worsened = "worsened",
        /// Somebody took it on.
        Acknowledged = "acknowledged",
        /// The time for which somebody took it on has passed.
        Lapsed = "lapsed",
        /// It was over.
        Resolved = "resolved",
    }

    /// What a notification channel speaks to.
    ChannelKind {
        /// Any program over HTTP: signed as Standard Webhooks says.
        Webhook = "webhook",
        /// Mail by a server of one's own, over SMTP.
        Email = "email",
        /// A topic of ntfy.
        Ntfy = "ntfy",
        /// A channel of Slack, by an incoming webhook.
        Slack = "slack",
        /// A channel of Discord, by a webhook.
        Discord = "discord",
        /// A chat of Telegram, by a bot.
        Telegram = "telegram",
        /// An application of Gotify.
        Gotify = "gotify",
        /// A room of Matrix that is not encrypted.
        Matrix = "matrix",
        /// A channel of Microsoft Teams, by a workflow.
        Teams = "teams",
        /// Devices of Pushover.
        Pushover = "pushover",
        /// A check of Healthchecks: up while nothing is wrong.
        Healthchecks = "healthchecks",
        /// An Alertmanager of Prometheus.
        Alertmanager = "alertmanager",
        /// An Apprise API server, for what is not in this list.
        Apprise = "apprise",
        /// What the program that embeds the server registered.
        Custom = "custom",
    }

    /// When a route tells what it holds.
    Timing {
        /// At once, what happens together in one message.
        Now = "now",
        /// Once a day, all that happened.
        Daily = "daily",
        /// Once a week, all that happened.
        Weekly = "weekly",
    }

    /// What a notification says.
    NoticeKind {
        /// Something was found.
        Raised = "raised",
        /// It lasts, and nobody has taken it on.
        Reminder = "reminder",
        /// It is over.
        Resolved = "resolved",
        /// How the day or the week went.
        Digest = "digest",
        /// Somebody tries a channel.
        Test = "test",
    }

    /// Where a notification stands.
    DeliveryState {
        /// It will be sent, or sent again.
        Waiting = "waiting",
        /// The other end took it.
        Delivered = "delivered",
        /// It was not taken, and is not tried again.
        Failed = "failed",
    }

    /// Where an alert stands.
    AlertState {
        /// Nobody has taken it on.
        Open = "open",
        /// Somebody has seen it and takes care of it.
        Acknowledged = "acknowledged",
        /// It is over, by itself or by somebody's word.
        Resolved = "resolved",
    }

    /// The form of a downloaded audit log.
    AuditFormat {
        /// One JSON object a line. Without filters it proves itself, by checkpoints among the entries.
        Jsonl = "jsonl",
        /// A table for spreadsheets; what a spreadsheet would take for a formula is defused.
        Csv = "csv",
    }

    /// How much an alert matters.
    Severity {
        /// Good to know.
        Info = "info",
        /// Needs somebody soon.
        Warning = "warning",
        /// Needs somebody today.
        Critical = "critical",
    }
}

impl JobState {
    /// Whether a job in this state will change no more.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Incomplete | Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// Whether a backup that ended so says whether its data is safe. One that was skipped or cancelled says nothing,
    /// and must not hide what the one before said.
    #[must_use]
    pub const fn is_verdict(self) -> bool {
        matches!(self, Self::Succeeded | Self::Incomplete | Self::Failed)
    }
}

impl JobKind {
    /// Whether it keeps a repository small and healthy, and so is asked for at the repository and not at a host.
    #[must_use]
    pub const fn is_upkeep(self) -> bool {
        matches!(
            self,
            Self::Forget
                | Self::Prune
                | Self::Check
                | Self::Unlock
                | Self::PreviewForget
                | Self::Statistics
                | Self::DeletionTest
        )
    }
}

#[expect(clippy::derivable_impls, reason = "the words are declared by a macro")]
impl Default for EntrySort {
    fn default() -> Self {
        Self::Name
    }
}

impl Role {
    /// Whether this role may do what `needed` may do.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        self >= needed
    }
}

/// Words of a newer peer, where the thing itself is understood and must not be lost: an end is an end, whatever word
/// says why.
pub(crate) mod lenient {
    use super::{Cause, DeletionVerdict, FromStr, JobState, LogStream};
    use serde::{Deserialize as _, Deserializer};

    macro_rules! words {
        ($($name:ident: $word:ty = $otherwise:expr;)*) => {$(
            pub(crate) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$word, D::Error> {
                Ok(word(&String::deserialize(deserializer)?).unwrap_or($otherwise))
            }
        )*};
    }

    words! {
        cause: Cause = Cause::Other;
        end_state: JobState = JobState::Failed;
        known_state: JobState = JobState::Running;
        stream: LogStream = LogStream::Agent;
    }

    pub(crate) fn deletion<'de, D>(deserializer: D) -> Result<Option<DeletionVerdict>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| word(&text)))
    }

    fn word<T: FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
}
