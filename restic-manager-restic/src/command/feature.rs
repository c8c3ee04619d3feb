//! What which version can: the table every option passes before it reaches argv.

use super::error::CommandError;
use crate::{Capability, Version};

/// One thing that not every supported restic has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feature {
    /// The command, or `""` for what belongs to every command.
    pub verb: &'static str,
    /// The option, `""` for the command itself, or a few words for what is neither.
    pub what: &'static str,
    /// The first version that has it.
    pub since: Version,
}

const fn row(verb: &'static str, what: &'static str, minor: u16, patch: u16) -> Feature {
    Feature { verb, what, since: Version::new(0, minor, patch) }
}

/// What is a capability too is as old as that.
const fn of(verb: &'static str, what: &'static str, capability: Capability) -> Feature {
    Feature { verb, what, since: capability.since() }
}

/// Everything that came after restic 0.14.0, the oldest version supported.
pub const FEATURES: &[Feature] = &[
    row("", "--from-insecure-no-password", 17, 0),
    row("", "--http-user-agent", 17, 0),
    of("", "--insecure-no-password", Capability::NoPassword),
    row("", "--no-extra-verify", 16, 4),
    of("", "--retry-lock", Capability::RetryLock),
    row("", "--stuck-request-timeout", 17, 0),
    row("", "-o sftp.args", 16, 0),
    of("", "ID:subfolder", Capability::Subfolder),
    of("", "a login by variables", Capability::RestCredentialVariables),
    row("", "compression fastest or better", 19, 0),
    of("backup", "--group-by", Capability::BackupGroupBy),
    of("backup", "--no-scan", Capability::NoScan),
    of("backup", "--read-concurrency", Capability::ReadConcurrency),
    of("backup", "--skip-if-unchanged", Capability::SkipIfUnchanged),
    of("backup", "--stdin-from-command", Capability::StdinFromCommand),
    row("cat", "tree of a snapshot", 16, 0),
    row("check", "--host", 19, 0),
    row("check", "--path", 19, 0),
    row("check", "--tag", 19, 0),
    row("check", "snapshot ids", 19, 0),
    row("dump", "--target", 17, 0),
    row("find", "--reverse", 18, 0),
    row("forget", "--unsafe-allow-remove-all", 17, 0),
    of("forget", "keep unlimited", Capability::KeepUnlimited),
    row("key add", "--new-insecure-no-password", 17, 0),
    row("key passwd", "--new-insecure-no-password", 17, 0),
    of("ls", "--reverse", Capability::LsSort),
    of("ls", "--sort", Capability::LsSort),
    of("prune", "a dry run without a lock", Capability::PruneDryRunNoLock),
    row("prune", "--repack-smaller-than", 18, 0),
    of("repair packs", "", Capability::RepairPacks),
    of("repair snapshots", "", Capability::RepairSnapshots),
    of("restore", "--delete", Capability::RestoreDelete),
    of("restore", "--dry-run", Capability::RestoreDryRun),
    row("restore", "--exclude-file", 17, 0),
    row("restore", "--exclude-xattr", 18, 0),
    row("restore", "--include-file", 17, 0),
    row("restore", "--include-xattr", 18, 0),
    of("restore", "--overwrite", Capability::RestoreOverwrite),
    row("restore", "--ownership-by-name", 19, 0),
    row("restore", "--sparse", 15, 0),
    of("rewrite", "", Capability::Rewrite),
    row("rewrite", "--include", 19, 0),
    row("rewrite", "--include-file", 19, 0),
    row("rewrite", "--new-host", 17, 0),
    row("rewrite", "--new-time", 17, 0),
    row("rewrite", "--snapshot-summary", 18, 0),
];

/// Whether `version` has `what`; things without a row are as old as [`Version::OLDEST`].
pub(super) fn check(verb: &str, what: &'static str, version: &Version) -> Result<(), CommandError> {
    if *version < Version::OLDEST {
        return Err(CommandError::TooOld {
            what: "this crate",
            needs: Version::OLDEST,
            has: version.clone(),
        });
    }
    let row = FEATURES
        .iter()
        .find(|row| row.what == what && (row.verb == verb || (row.verb.is_empty() && !what.is_empty())));
    match row {
        Some(row) if *version < row.since => {
            let what = if what.is_empty() { row.verb } else { what };
            Err(CommandError::TooOld { what, needs: row.since.clone(), has: version.clone() })
        }
        _ => Ok(()),
    }
}
