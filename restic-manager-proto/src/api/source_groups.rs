//! What is backed up on a host.

use serde::{Deserialize, Serialize};

use super::{
    Nothing, Page, Reference, endpoints,
    hosts::{ByHost, LastBackup},
    jobs::Job,
};
use crate::{CommandSource, HostId, RepositoryId, Retention, Retry, SourceGroupId, SourceOptions, Timestamp};

pub use super::unfilled_rule::UnfilledRule;

endpoints! {
    /// Lists a host's source groups by name.
    List("source-groups.list"): Get "/api/v1/hosts/{host}/source-groups" => 200 Json { path: ByHost, response: Page<SourceGroup> }
    /// Shows one source group.
    Show("source-groups.show"): Get "/api/v1/source-groups/{group}" => 200 Json { path: ByGroup, response: SourceGroup }
    /// Makes a source group on a host.
    Create("source-groups.create"): Post "/api/v1/hosts/{host}/source-groups" => 201 Json { path: ByHost, body: SourceGroupChange, response: SourceGroup }
    /// Makes a source group on a host from the output of a command.
    CreateFromCommand("source-groups.create-from-command"): Post "/api/v1/hosts/{host}/command-source-groups" => 201 Json { path: ByHost, body: NewCommandGroup, response: SourceGroup }
    /// Shows the command of a source group that was made from one.
    ShowCommand("source-groups.show-command"): Get "/api/v1/source-groups/{group}/command" => 200 Json { path: ByGroup, response: CommandSource }
    /// Changes the command of a source group that was made from one.
    SetCommand("source-groups.set-command"): Put "/api/v1/source-groups/{group}/command" => 200 Json conditional { path: ByGroup, body: CommandSource, response: SourceGroup }
    /// Changes a source group; a command stays as it is.
    Update("source-groups.update"): Put "/api/v1/source-groups/{group}" => 200 Json conditional { path: ByGroup, body: SourceGroupChange, response: SourceGroup }
    /// Asks for a job that says which of the group's snapshots a retention policy would keep and remove; it removes none.
    PreviewRetention("source-groups.preview-retention"): Post "/api/v1/source-groups/{group}/retention-preview" => 202 Json { path: ByGroup, body: RetentionDraft, response: Job }
    /// Removes a source group; its snapshots stay.
    Delete("source-groups.delete"): Delete "/api/v1/source-groups/{group}" => 204 Empty { path: ByGroup, response: Nothing }
}

/// One source group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByGroup {
    /// The source group's id.
    pub group: SourceGroupId,
}

/// What is backed up on one host, and to where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct SourceGroup {
    /// Its id.
    pub id: SourceGroupId,
    /// The host it belongs to.
    pub host: Reference<HostId>,
    /// Its name, unique on its host.
    pub name: String,
    /// Absolute paths to back up; none when a command's output is.
    pub includes: Vec<String>,
    /// restic exclude patterns.
    pub excludes: Vec<String>,
    /// What else shapes its backups.
    #[serde(default)]
    pub options: SourceOptions,
    /// The command whose output is backed up, in place of paths.
    #[serde(default)]
    pub command: Option<CommandSource>,
    /// What a host's policy file that lists hooks must list for the command.
    #[serde(default)]
    pub command_digest: Option<String>,
    /// The tag of its snapshots.
    pub tag: String,
    /// Where it goes.
    pub repository: Reference<RepositoryId>,
    /// Which of its snapshots are kept; everything when it has no rule.
    #[serde(default)]
    pub retention: Retention,
    /// The rules of the policy that keep something else than they say, because backups do not run that often.
    #[serde(default)]
    pub unfilled: Vec<UnfilledRule>,
    /// Its last backup; none that was skipped or cancelled.
    #[serde(default)]
    pub last_backup: Option<LastBackup>,
    /// Time of its newest snapshot that was seen in the repository.
    #[serde(default)]
    pub last_snapshot_at: Option<Timestamp>,
    /// Until when that snapshot counts as fresh, by what the schedules that run the group promise.
    #[serde(default)]
    pub fresh_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// A source group as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct SourceGroupChange {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// 1 to 256 absolute paths, each at most 4096 bytes; none for a group with a command.
    pub includes: Vec<String>,
    /// Up to 256 restic exclude patterns; none for a group with a command.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// What else shapes its backups: a retry of 1 to 10 attempts, 1 to 86,400 seconds apart, and what is left out.
    #[serde(default)]
    pub options: SourceOptions,
    /// Where it goes; the host must be attached to it.
    pub repository: RepositoryId,
    /// Which of its snapshots are kept: counts from 1 to 100000, spans such as `1y6m14d12h`; everything when absent.
    #[serde(default)]
    pub retention: Retention,
}

/// A retention policy to be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct RetentionDraft {
    /// The policy; one without a rule keeps everything, and there is nothing to try.
    pub retention: Retention,
}

/// A source group whose data is the output of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewCommandGroup {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// The command: 1 to 64 words, or one line for a shell.
    pub command: CommandSource,
    /// Where it goes; the host must be attached to it.
    pub repository: RepositoryId,
    /// Which of its snapshots are kept, as in a group with paths.
    #[serde(default)]
    pub retention: Retention,
    /// What to do when a run fails for a reason that may pass; it fails at once when absent.
    #[serde(default)]
    pub retry: Option<Retry>,
}
