//! What restic's texts give away. Consulted only where exit codes are silent.

use super::Cause;

/// Words in lower case and the cause they give away; the first match counts.
const PATTERNS: &[(Cause, &[&str])] = &[
    (Cause::Locked, &["repository is already locked"]),
    (Cause::WrongPassword, &["wrong password"]),
    (Cause::RepositoryExists, &["config file already exists"]),
    (
        Cause::OutOfSpace,
        &[
            "no space left on device",
            "quota exceeded",
            "not enough space on the disk",
            "insufficient storage",
        ],
    ),
    (
        Cause::Unreachable,
        &[
            "connection refused",
            "connection reset",
            "connection timed out",
            "connection closed by remote host",
            "no such host",
            "no route to host",
            "network is unreachable",
            "i/o timeout",
            "tls handshake timeout",
            "tls: ",
            "x509: ",
            "server gave http response to https client",
            "temporary failure in name resolution",
            "could not resolve hostname",
            "server misbehaving",
            "context deadline exceeded",
            "actively refused it",
        ],
    ),
    (
        Cause::RepositoryMissing,
        &["repository does not exist", "is there a repository at the following location"],
    ),
    (
        Cause::Permission,
        &[
            "permission denied",
            "operation not permitted",
            "access is denied",
            "access denied",
            "accessdenied",
            "read-only file system",
            "(401)",
            "(403)",
            "401 unauthorized",
            "403 forbidden",
            "no credentials found",
            "invalidaccesskeyid",
            "signaturedoesnotmatch",
        ],
    ),
    (
        Cause::Damaged,
        &[
            "repository contains errors",
            "ciphertext verification failed",
            "invalid data returned",
            "not found in repository",
            "packs from index missing",
            "config cannot be loaded",
            "repository could be damaged",
            "does not match, want",
        ],
    ),
    (
        Cause::SourceMissing,
        &["all target directories/files do not exist", "all source directories/files do not exist"],
    ),
    (
        Cause::SnapshotMissing,
        &["no matching id found", "no snapshot found", "not found in snapshot", "unable to find pack"],
    ),
    (
        Cause::TooOld,
        &["unknown flag", "unknown shorthand flag", "unknown command", "this command is experimental"],
    ),
    (
        Cause::Misuse,
        &[
            "invalid argument",
            "please specify",
            "mutually exclusive",
            "resolving password failed",
            "empty password",
            "no policy was specified",
            "refusing to",
            "invalid pattern",
            "invalid compression mode",
            "invalid value for",
            "invalid number",
            "unknown counting mode",
            "unknown grouping option",
            "failed to read patterns",
            "nothing to backup",
            "executable file not found",
            "values must be positive",
        ],
    ),
    (Cause::Interrupted, &["context canceled", "signal interrupt received", "signal terminated received"]),
    (Cause::Crashed, &["panic: ", "fatal error: ", "sigquit: quit"]),
];

/// The cause that a text gives away.
pub(super) fn cause_of(text: &str) -> Option<Cause> {
    let text = text.to_ascii_lowercase();
    // A config that cannot be opened is missing only if the reason says so.
    if let Some((_, reason)) = text.split_once("unable to open config file") {
        return Some(config_cause(reason));
    }
    // A pack that is named in the index and not there.
    if (text.contains("load(<data/") || text.contains("readfull(<data/")) && is_missing(&text) {
        return Some(Cause::Damaged);
    }
    // What restic says when a subfolder is not in the snapshot.
    if text.starts_with("path ") && text.ends_with(": not found") {
        return Some(Cause::SnapshotMissing);
    }
    PATTERNS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(cause, _)| *cause)
}

fn config_cause(reason: &str) -> Cause {
    let reason = reason.lines().next().unwrap_or_default();
    if is_missing(reason) {
        return Cause::RepositoryMissing;
    }
    cause_of(reason).unwrap_or(Cause::Other)
}

fn is_missing(reason: &str) -> bool {
    let words = ["no such file", "does not exist", "cannot find the", "404", "not found", "nosuchkey"];
    // A name that cannot be resolved is no missing file.
    !reason.contains("lookup") && words.iter().any(|word| reason.contains(word))
}

/// The name of the file that the storage refused to remove, if the line tells of one.
pub(super) fn refused_file(line: &str) -> Option<&str> {
    const REFUSALS: [&str; 5] =
        ["403", "access denied", "accessdenied", "permission denied", "operation not permitted"];
    if let Some(rest) = line.strip_prefix("Remove(<") {
        let (file, reason) = rest.split_once(">)")?;
        let reason = reason.to_ascii_lowercase();
        return REFUSALS.iter().any(|word| reason.contains(word)).then_some(file);
    }
    let rest = line.strip_prefix("unable to remove ")?;
    let (file, _) = rest.split_once(" from the repository")?;
    Some(file.trim_start_matches('<').trim_end_matches('>'))
}
