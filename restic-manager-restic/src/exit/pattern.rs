//! What restic's texts give away. Consulted only where exit codes are silent.
//!
//! Go joins errors as `what was done: why: the reason`, and names of files, hosts and addresses stand in between. A name
//! proves nothing, whatever words it holds. So only two places are looked at, each from its first letter on: the
//! beginning of the text, for a sentence of restic's own, and what follows the last `: `, for the reason.

use super::Cause;

/// restic's own sentences, in lower case, as they begin a text. A `*` stands for anything.
const SENTENCES: &[(Cause, &[&str])] = &[
    (Cause::Locked, &["unable to create lock in backend: repository is already locked*"]),
    (Cause::RepositoryMissing, &["repository does not exist*"]),
    (
        Cause::SourceMissing,
        &["all target directories/files do not exist", "all source directories/files do not exist"],
    ),
    (Cause::CommandFailed, &["failed to start command: *"]),
    (
        Cause::Damaged,
        &[
            "config cannot be loaded: *",
            "packs from index missing in repo*",
            "parts of * not found in the repository index; storing the file again",
            "pack id does not match, want *",
            "repository contains errors",
        ],
    ),
    (Cause::SnapshotMissing, &["path *: not found", "unable to find pack(s): *"]),
    (
        Cause::TooOld,
        &[
            "unknown flag: *",
            "unknown shorthand flag: *",
            "unknown command *",
            "this command is experimental*",
        ],
    ),
    (
        Cause::Misuse,
        &[
            "--*: invalid pattern(s) provided:*",
            "an empty password is not *",
            "check flag --read-data-subset=*",
            "failed to read patterns from file *",
            "invalid argument *",
            "invalid number of bytes *",
            "invalid value for *",
            "no policy was specified*",
            "nothing to backup*",
            "please specify *",
            "refusing to *",
            "resolving password failed: *",
            "unable to read root certificate: *",
            "unknown counting mode*",
            "unknown grouping option*",
        ],
    ),
    (Cause::Interrupted, &["signal interrupt received*", "signal terminated received*"]),
];

/// Reasons, in lower case, as they end a text. `None` is known too, so that nothing before it is looked at.
const REASONS: &[(Option<Cause>, &[&str])] = &[
    (Some(Cause::Locked), &["repository is already locked*"]),
    (Some(Cause::WrongPassword), &["wrong password or no key found"]),
    (Some(Cause::RepositoryExists), &["config file already exists"]),
    (Some(Cause::RepositoryUnfinished), &["repository already contains keys"]),
    (Some(Cause::RepositoryMissing), &["the specified bucket does not exist*", "nosuchbucket*"]),
    (
        Some(Cause::OutOfSpace),
        &[
            "no space left on device",
            "disk quota exceeded",
            "quota exceeded*",
            "there is not enough space on the disk*",
            "insufficient storage*",
        ],
    ),
    (
        Some(Cause::Unreachable),
        &[
            "connection refused",
            "connection reset by peer",
            "connection timed out",
            "connection closed by remote host*",
            "no such host",
            "no route to host",
            "network is unreachable",
            "i/o timeout",
            "tls handshake timeout",
            "certificate signed by unknown authority*",
            "certificate is not *",
            "certificate is valid for *",
            "certificate has expired*",
            "server gave http response to https client",
            "temporary failure in name resolution",
            "name or service not known",
            "host key verification failed*",
            "server misbehaving",
            "context deadline exceeded*",
            "*actively refused it.",
        ],
    ),
    (
        Some(Cause::BadAnswer),
        &["stopped after 10 redirects", "invalid character '<' looking for beginning of value", "slowdown*"],
    ),
    (
        Some(Cause::Permission),
        &[
            "permission denied*",
            "operation not permitted",
            "access is denied*",
            "access denied*",
            "accessdenied*",
            "read-only file system",
            "no credentials found*",
            "invalidaccesskeyid*",
            "signaturedoesnotmatch*",
            "the access key id you provided does not exist*",
            "the request signature we calculated does not match*",
        ],
    ),
    (
        Some(Cause::Damaged),
        &[
            "*ciphertext verification failed",
            "invalid data returned",
            "id * not found in repository",
            "tree * is not known; the repository could be damaged*",
            "pack id does not match, want *",
            "packs from index missing in repo*",
        ],
    ),
    (
        Some(Cause::SnapshotMissing),
        &["no matching id found*", "no snapshot found*", "path * not found in snapshot"],
    ),
    (
        Some(Cause::Misuse),
        &["invalid compression mode*", "executable file not found*", "unknown grouping option*"],
    ),
    (Some(Cause::Interrupted), &["context canceled"]),
    (
        None,
        &[
            "no such file or directory",
            "file exists",
            "not a directory",
            "is a directory",
            "directory not empty",
            "input/output error",
            "invalid argument",
            "device or resource busy",
            "text file busy",
            "file name too long",
            "too many levels of symbolic links",
            "too many open files",
            "stale file handle",
            "no data read",
            "no data available",
        ],
    ),
];

/// Reasons that have a `: ` of their own, with what stands before it.
const LONG_REASONS: &[(Cause, &[&str])] = &[
    (Cause::CommandFailed, &["command failed: *"]),
    (Cause::Unreachable, &["tls: *", "x509: *"]),
    (Cause::Misuse, &["resolving password failed: *"]),
];

/// The cause that a text gives away.
pub(super) fn cause_of(text: &str) -> Option<Cause> {
    let text = text.trim().to_ascii_lowercase();
    // A config that cannot be opened is missing only if the reason says so.
    if let Some(reason) = text.strip_prefix("unable to open config file: ") {
        return Some(config_cause(reason));
    }
    // A pack that is named in the index and not there.
    if ["load(<data/", "readfull(<data/"].iter().any(|head| text.starts_with(head)) && is_missing(&text) {
        return Some(Cause::Damaged);
    }
    // A snapshot that was asked for by its full id, and is not there.
    let heads =
        ["load(<snapshot/", "failed to load snapshot ", "failed to find snapshot: failed to load snapshot "];
    if heads.iter().any(|head| text.starts_with(head)) && is_missing(&text) {
        return Some(Cause::SnapshotMissing);
    }
    find(SENTENCES, &text).or_else(|| reason(&text))
}

fn config_cause(reason_text: &str) -> Cause {
    let line = reason_text.lines().next().unwrap_or_default();
    if is_missing(line) {
        return Cause::RepositoryMissing;
    }
    reason(line).unwrap_or(Cause::Other)
}

/// Whether the reason is that something is not there.
fn is_missing(text: &str) -> bool {
    const WORDS: [&str; 5] =
        ["no such file or directory", "*does not exist*", "*cannot find the *", "not found", "nosuchkey*"];
    status(text) == Some(404) || WORDS.iter().any(|word| fits(word, last_part(text)))
}

fn reason(text: &str) -> Option<Cause> {
    if let Some((cause, _)) =
        REASONS.iter().find(|(_, words)| words.iter().any(|word| fits(word, last_part(text))))
    {
        return *cause;
    }
    let long = text.rmatch_indices(": ").skip(1).take(2).map(|(at, _)| &text[at + 2..]);
    let whole = std::iter::once(text).filter(|text| text.matches(": ").count() <= 2);
    status(text).map(cause_of_status).or_else(|| long.chain(whole).find_map(|end| find(LONG_REASONS, end)))
}

fn last_part(text: &str) -> &str {
    text.rsplit(": ").next().unwrap_or_default().trim()
}

/// The HTTP status that a text ends with, as in `unexpected HTTP response (502): 502 Bad Gateway`.
pub(super) fn status(text: &str) -> Option<u16> {
    let mut parts = text.rsplit(": ").take(3);
    parts.find_map(|part| {
        let part = part.trim();
        let digits = part.strip_prefix("error ").or_else(|| part.strip_prefix("response ")).unwrap_or(part);
        let (digits, rest) = digits.split_at_checked(3)?;
        let ends = rest.is_empty() || rest.starts_with([' ', ',']);
        digits.parse().ok().filter(|status| ends && (400..600).contains(status))
    })
}

/// What answers with such a status is the storage or something in front of it.
fn cause_of_status(status: u16) -> Cause {
    match status {
        401 | 403 => Cause::Permission,
        507 => Cause::OutOfSpace,
        _ => Cause::BadAnswer,
    }
}

fn find(table: &[(Cause, &[&str])], text: &str) -> Option<Cause> {
    table.iter().find(|(_, words)| words.iter().any(|word| fits(word, text))).map(|(cause, _)| *cause)
}

/// Whether a text has the shape of a pattern, in which a `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    true
}

/// Kinds of files whose removal a command is about. A lock is none of them: restic removes its own at the end of any
/// run, and the work is done whether that worked or not.
const KINDS: [&str; 5] = ["snapshot", "data", "index", "key", "config"];

/// The name of the file that the storage refused to remove, if the line tells of one.
pub(super) fn refused_file(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("Remove(<") {
        let (file, reason) = rest.split_once(">)")?;
        let is_refusal =
            cause_of(reason) == Some(Cause::Permission) || matches!(status(reason), Some(405 | 501));
        return (is_refusal && is_file(file)).then_some(file);
    }
    let file = line.strip_prefix("unable to remove ")?.strip_suffix(" from the repository")?;
    Some(file.trim_start_matches('<').trim_end_matches('>')).filter(|file| is_file(file))
}

/// Whether this is a kind and an id, as restic names its files.
fn is_file(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(kind, id)| KINDS.contains(&kind) && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_compared_from_the_first_letter_to_the_last() {
        for (pattern, text) in [("a*", "a"), ("a*", "abc"), ("*c", "abc"), ("a*c*", "abcd"), ("a*c", "acc")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("b*", "ab"), ("a*c", "abcd"), ("a*cc", "ac"), ("ab*b", "ab")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn keys_without_a_config_are_a_making_that_was_broken_off() {
        let text = "create key in repository at /srv/main failed: repository already contains keys";
        assert_eq!(cause_of(text), Some(Cause::RepositoryUnfinished));
        assert_eq!(
            cause_of("open repository already contains keys: permission denied"),
            Some(Cause::Permission)
        );
    }

    #[test]
    fn a_snapshot_that_is_named_whole_and_gone_is_missing() {
        let head = "failed to find snapshot: failed to load snapshot [null]: ";
        for (text, cause) in [
            ("open /srv/main/snapshots/00: no such file or directory", Some(Cause::SnapshotMissing)),
            ("unexpected HTTP response (404): 404 Not Found", Some(Cause::SnapshotMissing)),
            ("LoadRaw(<snapshot/00>): invalid data returned", Some(Cause::Damaged)),
            ("open /srv/main/snapshots/00: permission denied", Some(Cause::Permission)),
        ] {
            assert_eq!(cause_of(&format!("{head}{text}")), cause, "{text}");
        }
    }

    #[test]
    fn a_name_decides_nothing() {
        let words = [
            "no space left on device",
            "wrong password or no key found",
            "connection refused",
            "403 Forbidden",
        ];
        for word in words {
            for name in [format!("/a/{word}"), format!("/a/x: {word}"), format!("/a\nFatal: {word}")] {
                let text = format!("open {name}: permission denied");
                assert_eq!(cause_of(&text), Some(Cause::Permission), "{text}");
                let text = format!("remove {name}: directory not empty");
                assert_eq!(cause_of(&text), None, "{text}");
            }
        }
    }

    #[test]
    fn the_kind_of_file_tells_a_refusal_from_a_lock_left_behind() {
        assert_eq!(
            refused_file("Remove(<snapshot/9a3c91d1>) failed: unexpected HTTP response (403): 403 Forbidden"),
            Some("snapshot/9a3c91d1")
        );
        assert_eq!(
            refused_file("Remove(<data/00cf>) failed: client.RemoveObject: Access Denied."),
            Some("data/00cf")
        );
        assert_eq!(
            refused_file("unable to remove <snapshot/fda22ad381> from the repository"),
            Some("snapshot/fda22ad381")
        );
        for line in [
            "Remove(<lock/9a3c91d1>) failed: unexpected HTTP response (403): 403 Forbidden",
            "Remove(<data/00cf>) failed: dial tcp: connection refused",
            "unable to remove b from the repository",
            "unable to remove snapshot/b from the repository: permission denied",
        ] {
            assert_eq!(refused_file(line), None, "{line}");
        }
    }
}
