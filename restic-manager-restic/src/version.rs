//! Which restic this is, and what it can do.
//!
//! Owns the reading of version texts and the table of what came when. Behaviour is switched on by this table, never
//! guessed from output.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::event::VersionInfo;
use crate::{DocumentError, ParseVersionError, document};

/// A version of restic. A build from between releases (`0.19.1-dev`) counts as the release it is named after.
///
/// ```
/// use restic_manager_restic::{Capability, Version};
///
/// let version = Version::from_output(b"restic 0.16.5 compiled with go1.24.4 on linux/amd64\n")?;
/// assert!(version.has(Capability::RetryLock));
/// let refusal = version.require(Capability::CheckJson).map_err(|refusal| refusal.to_string());
/// assert_eq!(refusal, Err("restic 0.16.5 has no `check --json`; install restic 0.18.0 or newer".to_owned()));
/// # Ok::<(), restic_manager_restic::ParseVersionError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
    suffix: String,
}

impl Version {
    /// The oldest restic this crate is tested with.
    pub const OLDEST: Self = Self::new(0, 14, 0);

    /// A release.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch, suffix: String::new() }
    }

    /// Reads what `restic version` prints, with or without `--json`.
    pub fn from_output(output: &[u8]) -> Result<Self, ParseVersionError> {
        match document::parse::<VersionInfo>(output) {
            Ok(info) => info.version.parse(),
            Err(DocumentError::NoJson) => from_lines(output).ok_or(ParseVersionError),
            Err(_) => Err(ParseVersionError),
        }
    }

    /// First number.
    pub const fn major(&self) -> u16 {
        self.major
    }

    /// Second number.
    pub const fn minor(&self) -> u16 {
        self.minor
    }

    /// Third number.
    pub const fn patch(&self) -> u16 {
        self.patch
    }

    /// What follows the numbers, such as `-dev (compiled manually)`; empty for a release.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Whether this restic can do it.
    pub fn has(&self, capability: Capability) -> bool {
        *self >= capability.since()
    }

    /// Refuses what this restic cannot do, naming the version that can.
    pub fn require(&self, capability: Capability) -> Result<(), Unsupported> {
        if self.has(capability) { Ok(()) } else { Err(Unsupported { capability, found: self.clone() }) }
    }

    fn numbers(&self) -> (u16, u16, u16) {
        (self.major, self.minor, self.patch)
    }
}

fn from_lines(output: &[u8]) -> Option<Version> {
    let text = String::from_utf8_lossy(output);
    text.lines().find_map(|line| {
        let version = line.trim().strip_prefix("restic ")?.split(" compiled with").next()?;
        version.parse().ok()
    })
}

/// Written as the text that [`FromStr`] reads.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As comparison does, by the numbers only.
impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers().hash(state);
    }
}

/// Only the numbers are compared.
impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.numbers() == other.numbers()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}{}", self.major, self.minor, self.patch, self.suffix)
    }
}

/// Reads `0.19.1`, `v0.19.1`, `0.19.1-dev (compiled manually)`.
impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        const LONGEST_SUFFIX_BYTES: usize = 100;
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
        let (numbers, suffix) = text.split_at(end);
        let mut parts = numbers.split('.').map(str::parse::<u16>);
        let (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseVersionError);
        };
        let suffix_fits = suffix.is_empty() || suffix.starts_with(['-', '+', ' ']);
        if !suffix_fits || suffix.len() > LONGEST_SUFFIX_BYTES || suffix.contains(char::is_control) {
            return Err(ParseVersionError);
        }
        Ok(Self { major, minor, patch, suffix: suffix.to_owned() })
    }
}

macro_rules! capabilities {
    ($($(#[$meta:meta])* $name:ident = ($major:literal, $minor:literal, $patch:literal), $what:literal;)*) => {
        /// Something that restic can do from some version on.
        ///
        /// The text form names it for people, as in "restic 0.14.0 has no …".
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Capability {
            $($(#[$meta])* $name,)*
        }

        impl Capability {
            /// Every capability there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The first version that has it.
            pub const fn since(self) -> Version {
                match self {
                    $(Self::$name => Version::new($major, $minor, $patch),)*
                }
            }

            const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }
        }
    };
}

capabilities! {
    /// Repository format 2 and `--compression`, `--pack-size`.
    Compression = (0, 14, 0), "compression";
    /// `init --json` prints an object.
    InitJson = (0, 15, 0), "`init --json`";
    /// `backup --no-scan`.
    NoScan = (0, 15, 0), "`backup --no-scan`";
    /// `rewrite`, which takes files out of snapshots.
    Rewrite = (0, 15, 0), "`rewrite`";
    /// The summary of `backup` has the whole snapshot id.
    FullSnapshotId = (0, 15, 0), "whole snapshot ids in the backup summary";
    /// `backup --read-concurrency`.
    ReadConcurrency = (0, 15, 0), "`backup --read-concurrency`";
    /// `stats` tells about compression.
    StatsCompression = (0, 15, 0), "compression figures in `stats`";
    /// `--retry-lock` waits for a lock.
    RetryLock = (0, 16, 0), "`--retry-lock`";
    /// `restore --json` prints messages.
    RestoreJson = (0, 16, 0), "`restore --json`";
    /// `restore`, `ls`, `dump` and `diff` take `ID:subfolder`.
    Subfolder = (0, 16, 0), "`ID:subfolder`";
    /// `repair index`, formerly `rebuild-index`.
    RepairIndex = (0, 16, 0), "`repair index`";
    /// `repair snapshots`.
    RepairSnapshots = (0, 16, 0), "`repair snapshots`";
    /// `backup --group-by`.
    BackupGroupBy = (0, 16, 0), "`backup --group-by`";
    /// `forget --keep-…  unlimited`.
    KeepUnlimited = (0, 16, 0), "`forget --keep-… unlimited`";
    /// `forget` refuses negative numbers. Before, `--keep-last -5` removed **every** snapshot.
    NegativeKeepRefused = (0, 16, 0), "protection from negative numbers in `forget`";
    /// Credentials of a REST server by `RESTIC_REST_USERNAME` and `RESTIC_REST_PASSWORD`.
    RestCredentialVariables = (0, 16, 1), "`RESTIC_REST_USERNAME` and `RESTIC_REST_PASSWORD`";
    /// Sub-commands of `key` (`key add` and so on, with flags of their own) and whole key ids.
    KeyCommands = (0, 17, 0), "sub-commands of `key`";
    /// `repair packs` without a feature switch.
    RepairPacks = (0, 17, 0), "`repair packs`";
    /// `restore --dry-run`.
    RestoreDryRun = (0, 17, 0), "`restore --dry-run`";
    /// `restore --overwrite`.
    RestoreOverwrite = (0, 17, 0), "`restore --overwrite`";
    /// `restore --delete`.
    RestoreDelete = (0, 17, 0), "`restore --delete`";
    /// `backup --skip-if-unchanged`.
    SkipIfUnchanged = (0, 17, 0), "`backup --skip-if-unchanged`";
    /// `backup --stdin-from-command`.
    StdinFromCommand = (0, 17, 0), "`backup --stdin-from-command`";
    /// `--insecure-no-password`.
    NoPassword = (0, 17, 0), "`--insecure-no-password`";
    /// `forget` refuses to remove the last snapshot of a group unless `--unsafe-allow-remove-all` is given.
    RemoveAllRefused = (0, 17, 0), "protection from removing all snapshots in `forget`";
    /// `version --json` prints an object.
    VersionJson = (0, 17, 0), "`version --json`";
    /// Snapshots carry the counters of their backup.
    SnapshotSummary = (0, 17, 0), "counters in snapshots";
    /// Exit codes 10 (no repository) and 11 (locked).
    RepositoryExitCodes = (0, 17, 0), "exit codes 10 and 11";
    /// SIGTERM lets restic remove its lock. Before, it died and left the lock: only SIGINT is safe there.
    CleanTerminate = (0, 17, 0), "a clean end on SIGTERM";
    /// `ls --ncdu`.
    LsNcdu = (0, 17, 0), "`ls --ncdu`";
    /// Exit code 12 (wrong password).
    PasswordExitCode = (0, 17, 1), "exit code 12";
    /// Errors of `backup` and `restore` have their text in JSON.
    ErrorText = (0, 17, 1), "texts in JSON errors";
    /// `prune --dry-run --no-lock` and `forget --dry-run --no-lock`.
    PruneDryRunNoLock = (0, 17, 3), "`prune --dry-run --no-lock`";
    /// `check --json` prints messages.
    CheckJson = (0, 18, 0), "`check --json`";
    /// `tag --json` prints messages.
    TagJson = (0, 18, 0), "`tag --json`";
    /// The last line of stderr tells why a run failed.
    ExitErrorMessage = (0, 18, 0), "the message `exit_error`";
    /// The summary of `backup` tells when it began and ended.
    BackupTimes = (0, 18, 0), "times in the backup summary";
    /// `ls --sort` and `ls --reverse`.
    LsSort = (0, 18, 0), "`ls --sort`";
    /// Opening a repository is retried for up to fifteen minutes: a caller needs a time limit of its own.
    OpenRetries = (0, 18, 0), "retries when a repository is opened";
    /// `backup` exits with 3 when a source is missing. Before, it exited with 0.
    MissingSourceExitCode = (0, 19, 0), "exit code 3 for missing sources";
    /// `forget` exits with 3 when the storage kept a snapshot. Before, it exited with 0.
    ForgetExitCode = (0, 19, 0), "exit code 3 for refused removals";
    /// `forget --prune --json` prints nothing but the array.
    QuietForgetPrune = (0, 19, 0), "pure JSON in `forget --prune`";
    /// Every cancelled command exits with 130. `backup` of 0.17 and 0.18 exits with 1.
    InterruptExitCode = (0, 19, 0), "exit code 130 for every cancelled command";
}

/// Names the capability for people, as in "restic 0.14.0 has no …".
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

/// The restic at hand is too old for what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// What was asked for.
    pub capability: Capability,
    /// The restic at hand.
    pub found: Version,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { capability, found } = self;
        write!(f, "restic {found} has no {capability}; install restic {} or newer", capability.since())
    }
}

impl std::error::Error for Unsupported {}

#[cfg(test)]
mod tests {
    use super::{Capability, Version};

    type Numbers = (u16, u16, u16);

    #[test]
    fn every_form_is_read() {
        let cases: [(&[u8], Numbers, &str); 6] = [
            (b"restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", (0, 14, 0), ""),
            (b"restic 0.19.1-dev (compiled manually) compiled with go1.24 on linux/amd64", (0, 19, 1), "-dev (compiled manually)"),
            (b"{\"version\":\"0.17.3\",\"go_version\":\"go1.24.4\",\"go_os\":\"linux\",\"go_arch\":\"amd64\"}\n", (0, 17, 3), ""),
            (b"{\"message_type\":\"version\",\"version\":\"0.19.1\",\"go_version\":\"go1.26.4\"}", (0, 19, 1), ""),
            (b"debug log file /tmp/x\nrestic 0.16.5 compiled with go1.24.4 on windows/amd64\r\n", (0, 16, 5), ""),
            (b"restic 1.2.34+git compiled with go2 on plan9/arm", (1, 2, 34), "+git"),
        ];
        for (output, numbers, suffix) in cases {
            let version = Version::from_output(output).expect("a version");
            assert_eq!((version.major(), version.minor(), version.patch()), numbers);
            assert_eq!(version.suffix(), suffix);
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in
            ["", "0.19", "0.19.1.2", "0.19.1x", "0.19.99999", "x0.1.2", "0..1", "0.1.2-\u{7}", "-0.1.2"]
        {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
        assert!(Version::from_output(b"rclone v1.66.0").is_err());
        assert!(Version::from_output(b"{\"version\":7}").is_err());
        assert!(Version::from_output(b"[]").is_err());
    }

    #[test]
    fn builds_between_releases_count_as_the_release() {
        let build: Version = "0.18.0-dev".parse().expect("a version");
        assert!(build.has(Capability::CheckJson));
        assert!(!build.has(Capability::ForgetExitCode));
        assert_eq!(build, Version::new(0, 18, 0));
    }

    #[test]
    fn the_page_on_versions_has_the_table() {
        let rows: Vec<String> =
            Capability::ALL.iter().map(|row| format!("| {} | {row} |\n", row.since())).collect();
        assert!(include_str!("../docs/versions-and-quirks.md").ends_with(&rows.concat()));
    }

    #[test]
    fn the_table_is_in_order_of_version_and_refusals_name_it() {
        let since: Vec<Version> = Capability::ALL.iter().map(|capability| capability.since()).collect();
        assert!(since.is_sorted());
        for capability in Capability::ALL {
            assert!(capability.since() >= Version::OLDEST);
            assert!(capability.since().require(*capability).is_ok());
            let refusal = Version::new(0, 13, 9).require(*capability).expect_err("too old");
            assert!(
                refusal.to_string().ends_with(&format!("install restic {} or newer", capability.since()))
            );
        }
    }
}
