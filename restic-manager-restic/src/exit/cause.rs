use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! causes {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $text:literal, $advice:literal;)*) => {
        /// Why a run ended the way it did.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$meta])* $name,)*
        }

        impl Cause {
            /// Every cause there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// A stable word for it, for logs and storage.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What an operator should do next, in one sentence.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$name => $advice,)*
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

causes! {
    /// Everything was done.
    Success = "success", "everything was done",
        "Nothing needs to be done.";
    /// A snapshot was written, but some sources could not be read.
    Incomplete = "incomplete", "some items were left out",
        "Look at the items that failed; the snapshot is valid but lacks them.";
    /// The storage refused to remove or replace something, as one that only takes additions does.
    Refused = "refused", "the storage refused to remove something",
        "Use credentials that may delete, or run this from a host that has them; nothing was damaged.";
    /// There is no repository at this place.
    RepositoryMissing = "repository_missing", "there is no repository at this place",
        "Check the location, or create the repository if it is new.";
    /// There is a repository already where one was to be created.
    RepositoryExists = "repository_exists", "there is a repository at this place already",
        "Use the repository that is there, or choose another place.";
    /// The making of a repository was broken off: it has keys and no config.
    RepositoryUnfinished = "repository_unfinished", "the making of the repository was broken off: it has keys and no config",
        "Nothing was ever kept there; remove the folder `keys` at the storage, and create the repository again.";
    /// Another restic holds a lock that forbids this.
    Locked = "locked", "another restic holds a lock on the repository",
        "Wait for the holder to end; if it is dead for sure, remove the lock with `restic unlock`.";
    /// The password opens no key of the repository.
    WrongPassword = "wrong_password", "the password opens no key of the repository",
        "Correct the repository password; if it is right, the key files are missing from the repository.";
    /// The run was asked to stop, and did.
    Interrupted = "interrupted", "the run was cancelled",
        "Start it again when convenient; what was uploaded is kept.";
    /// The run was ended without a chance to clean up.
    Killed = "killed", "the run was killed",
        "Find out what killed it (often a lack of memory); its lock may be left and hinder others until unlocked.";
    /// A disk or a quota is full: the repository's, or the one for temporary files or restored ones.
    OutOfSpace = "out_of_space", "there is no space left",
        "Free or add space where the message says, then run it again; prune needs some space itself.";
    /// The storage could not be reached.
    Unreachable = "unreachable", "the storage could not be reached",
        "Check the network, name resolution, certificates and that the storage runs, then try again.";
    /// The storage, or something in front of it, answered with an error or with what is no answer.
    BadAnswer = "bad_answer", "the storage, or a proxy in front of it, gave no usable answer",
        "See what answers at the repository's address: a storage in trouble, a proxy with a limit, a login page, or another service.";
    /// The storage or the file system refused access.
    Permission = "permission", "access was refused",
        "Check the storage credentials and the access rights of the user that runs restic.";
    /// The repository lacks data or holds broken data. With exit code 3 a snapshot was written all the same.
    Damaged = "damaged", "the repository is damaged",
        "Run `restic check --read-data`, then follow restic's troubleshooting guide before any prune.";
    /// The snapshot asked for, or a path in it, does not exist.
    SnapshotMissing = "snapshot_missing", "the snapshot or path asked for does not exist",
        "List the snapshots and choose one that exists; it may have been removed by retention.";
    /// Nothing of what was to be backed up exists.
    SourceMissing = "source_missing", "none of the sources exists",
        "Check the paths to back up, and that their file systems are mounted.";
    /// The command whose output was to be saved failed.
    CommandFailed = "command_failed", "the command whose output was to be saved failed",
        "Read what the command said, and run it by itself; no snapshot was made.";
    /// restic knows no such command or option.
    TooOld = "too_old", "this restic knows no such command or option",
        "Install a newer restic.";
    /// An option or setting is wrong.
    Misuse = "misuse", "an option or setting is wrong",
        "Correct the option or setting that the message names.";
    /// restic itself crashed.
    Crashed = "crashed", "restic crashed",
        "Try a newer restic, and report the trace to its authors; its lock may be left.";
    /// Something else.
    Other = "other", "the run failed",
        "Read restic's message.";
}

impl Cause {
    /// Whether all was done.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Success)
    }
}

/// Reads what [`Cause::as_str`] writes.
impl FromStr for Cause {
    type Err = ParseCauseError;

    fn from_str(word: &str) -> Result<Self, ParseCauseError> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == word).ok_or(ParseCauseError)
    }
}

/// Writes the word of [`Cause::as_str`].
impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A word that names no cause known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseCauseError;

impl fmt::Display for ParseCauseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read a cause: no cause has this name; a newer version of this crate may know it")
    }
}

impl std::error::Error for ParseCauseError {}

/// Says what happened, as a lower-case fragment.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
