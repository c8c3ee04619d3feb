//! What which version can: the table every option passes before it reaches argv.

use super::error::CommandError;
use crate::Version;

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

/// Everything that came after restic 0.14.0, the oldest version supported.
pub const FEATURES: &[Feature] = &[
    row("", "--from-insecure-no-password", 17, 0),
    row("", "--http-user-agent", 17, 0),
    row("", "--insecure-no-password", 17, 0),
    row("", "--no-extra-verify", 16, 4),
    row("", "--retry-lock", 16, 0),
    row("", "--stuck-request-timeout", 17, 0),
    row("", "-o sftp.args", 16, 0),
    row("", "ID:subfolder", 16, 0),
    row("", "a login by variables", 16, 1),
    row("", "compression fastest or better", 19, 0),
    row("backup", "--group-by", 16, 0),
    row("backup", "--no-scan", 15, 0),
    row("backup", "--read-concurrency", 15, 0),
    row("backup", "--skip-if-unchanged", 17, 0),
    row("backup", "--stdin-from-command", 17, 0),
    row("cat", "tree of a snapshot", 16, 0),
    row("check", "--host", 19, 0),
    row("check", "--path", 19, 0),
    row("check", "--tag", 19, 0),
    row("check", "snapshot ids", 19, 0),
    row("dump", "--target", 17, 0),
    row("find", "--reverse", 18, 0),
    row("forget", "a dry run without a lock", 17, 3),
    row("forget", "--unsafe-allow-remove-all", 17, 0),
    row("forget", "keep unlimited", 16, 0),
    row("key add", "--new-insecure-no-password", 17, 0),
    row("key passwd", "--new-insecure-no-password", 17, 0),
    row("ls", "--reverse", 18, 0),
    row("ls", "--sort", 18, 0),
    row("prune", "a dry run without a lock", 17, 3),
    row("prune", "--repack-smaller-than", 18, 0),
    row("repair packs", "", 17, 0),
    row("repair snapshots", "", 16, 0),
    row("restore", "--delete", 17, 0),
    row("restore", "--dry-run", 17, 0),
    row("restore", "--exclude-file", 17, 0),
    row("restore", "--exclude-xattr", 18, 0),
    row("restore", "--include-file", 17, 0),
    row("restore", "--include-xattr", 18, 0),
    row("restore", "--overwrite", 17, 0),
    row("restore", "--ownership-by-name", 19, 0),
    row("restore", "--sparse", 15, 0),
    row("rewrite", "", 15, 0),
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
