use restic_manager_proto::vocabulary::Cause;

/// What to do about the cause of an end; empty when nothing is to be done.
#[must_use]
pub const fn advice(cause: Cause) -> &'static str {
    match cause {
        Cause::None => "",
        Cause::SourceUnreadable => {
            "Look in the log for the files that could not be read; exclude them, or let the agent read them."
        }
        Cause::SourceMissing => {
            "Check the include paths of the source group: none of them exists on the host."
        }
        Cause::RepositoryMissing => {
            "Check the repository's location. If the repository was never made, check it from the host's page to make it."
        }
        Cause::RepositoryLocked => {
            "Wait until the other restic is done and run the job again. If none runs any more, remove its stale lock."
        }
        Cause::WrongPassword => "Set the repository's password to the one that it was made with.",
        Cause::AccessDenied => {
            "Set the credential that the repository's server asks for, and check what it may do."
        }
        Cause::Unreachable => {
            "Check that the repository's server runs, that the host reaches it by the name in the location, and that no proxy or login page answers in its place."
        }
        Cause::OutOfSpace => "Free space on the disk that the log names, then run the job again.",
        Cause::PermissionDenied => "Let the agent's account read what the log names, or exclude it.",
        Cause::RepositoryDamaged => {
            "Do not prune. Run restic check with --read-data on the repository, and repair it as restic's manual says."
        }
        Cause::SnapshotMissing => {
            "Choose another snapshot: this one was forgotten, or removed by somebody else."
        }
        Cause::NotInSnapshot => "Look at the snapshot again, and choose what it has.",
        Cause::TargetBlocked => {
            "Move away what the detail names, or restore into a new folder and put the files in place by hand."
        }
        Cause::PlanChanged => "Look at the plan again: files on the host have changed since it was made.",
        Cause::RestoreIncomplete => {
            "Look in the log for what could not be written and why, mend that, and restore those files again."
        }
        Cause::OwnersNotSet => {
            "The files are there. Give them to their owners by hand, or restore with an agent that runs as root."
        }
        Cause::ResticMissing => {
            "Install restic on the host, or correct its path in the agent's configuration."
        }
        Cause::ResticSilent => {
            "Run restic version on the host as the agent's account: the program may stand on a mount that does not answer, or not be restic."
        }
        Cause::ResticTooOld => "Install a newer restic on the host; the log says which version is needed.",
        Cause::Cancelled => "Run the job again when it suits.",
        Cause::Killed => {
            "Look in the host's system log for what killed restic; often the memory ran out. Then run the job again."
        }
        Cause::DeadlineExceeded => {
            "Find out what took so long: a slow line, a large first backup, another job before it. Then run it again."
        }
        Cause::HostOffline => "Switch the host on, or check that its agent runs and reaches the server.",
        Cause::AgentLost => "Run the job again. If the agent's state folder was emptied, find out by whom.",
        Cause::AgentStopped => {
            "Run the job again. If nobody stopped the agent, look in the host's system log."
        }
        Cause::AgentRefused => {
            "Change what the detail says was refused. If it is a rule of the host, it stands in the policy file there."
        }
        Cause::NotConfigured => "Set up what the detail names, then run the job again.",
        Cause::SecretUnreadable => {
            "Set again what the detail names: the repository's password and credential, or the hooks. Then run the job again."
        }
        Cause::SlotSuperseded => {
            "Nothing is lost: one run caught up for all that were missed. Look at the run that came after it."
        }
        Cause::SlotMissed => {
            "Let the schedule run once when it is late, or choose a time at which the host is on."
        }
        Cause::SlotNotNeeded => "Nothing: the last success is as recent as the schedule asks for.",
        Cause::SlotOverlapped => {
            "Let the schedule run less often than one run takes, or find out what takes so long."
        }
        Cause::ScheduleChanged => "Nothing: the schedule as it is now decides when the next run is.",
        Cause::HookFailed => {
            "Read what the script said in the log, where its lines begin with its name, and mend the script or what it calls."
        }
        Cause::CommandFailed => {
            "Read what the command said in the log, and run it on the host as the agent's account. No snapshot of this run counts."
        }
        Cause::RetentionFrozen => {
            "Read the reason on the repository's page. Where the removal is wanted all the same, an admin lifts the freeze there."
        }
        Cause::FutureSnapshot => {
            "Set the clock of the host that made the snapshot. Then remove it (restic forget ID) or give it its true time (restic rewrite --new-time): by its date it would push out newer ones."
        }
        Cause::RepositoryUnfinished => {
            "Nothing was ever kept there. Have it made anew from the host's page, or remove the folder keys at the storage and check the repository again."
        }
        Cause::Other => "Read the end of the log: it has restic's own words.",
        // A cause of a newer vocabulary has no advice in this build.
        _ => "Read the end of the log.",
    }
}
