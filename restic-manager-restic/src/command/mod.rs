//! Typed commands: a verb and its options become arguments and an environment.
//!
//! Nothing here starts a process or touches a file. A command is checked as a whole by [`Command::prepare`], which
//! knows the version of restic that will run it: what that version lacks, what it would misread and what would show a
//! secret is refused. The result is an [`Invocation`], safe to log. What this crate does not know is run by [`Verbatim`].
//!
//! Values never reach the place of an option: options are written `--name=value`, and operands stand behind `--`. Secrets travel through inherited pipes or, where restic reads
//! nothing else, through the environment; never through arguments.

mod backend;
mod backup;
mod cat;
mod check;
mod connection;
mod copy;
mod diff;
mod draft;
mod dump;
mod environment;
mod error;
mod exclude;
mod feature;
mod find;
mod forget;
mod init;
mod invocation;
mod key;
mod list;
mod literal;
mod ls;
mod prune;
mod repair;
mod repository;
mod restore;
mod rewrite;
mod secret;
mod snapshot;
mod snapshots;
mod stats;
mod tag;
mod unlock;
mod verb;
mod verbatim;
mod version;

#[cfg(test)]
mod tests;

#[cfg(feature = "process")]
pub(crate) use self::invocation::Locking;
pub use self::{
    backend::{
        Azure, AzureCredential, B2, Backend, Custom, Google, GoogleCredential, Local, Login, Rclone, Rest,
        S3, S3Key, Sftp,
    },
    backup::{Backup, FileList, Parent, Source},
    cat::Cat,
    check::{Check, ReadData},
    connection::{Compression, Connection},
    copy::Copy,
    diff::Diff,
    dump::{Archive, Dump},
    environment::Environment,
    error::CommandError,
    exclude::Exclude,
    feature::{FEATURES, Feature},
    find::{Find, Search},
    forget::{Forget, Keep, Retention, Span},
    init::{Init, RepositoryFormat},
    invocation::{Invocation, Part, Stdin, Stdout},
    key::{Key, NewKey, NewPassword},
    list::{List, ObjectKind},
    literal::{include_argument, include_line},
    ls::{Ls, LsSort},
    prune::{MaxUnused, Prune},
    repair::Repair,
    repository::{Password, Repository},
    restore::{Overwrite, Restore, RestoreSelection},
    rewrite::Rewrite,
    secret::Secret,
    snapshot::{Filter, GroupBy, SnapshotName},
    snapshots::Snapshots,
    stats::{CountingMode, Stats},
    tag::{Tag, TagEdit},
    unlock::Unlock,
    verb::Command,
    verbatim::Verbatim,
    version::ShowVersion,
};
