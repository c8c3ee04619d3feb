//! Repositories and their credentials.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, endpoints, hosts::Attachment, jobs::Job, repository_upkeep::Upkeep};
use crate::{
    HostId, Measured, RepositoryId, SecretText, Timestamp, TransportCredential, vocabulary::CredentialSlot,
};

endpoints! {
    /// Lists repositories by name.
    List("repositories.list"): Get "/api/v1/repositories" => 200 Json { query: Filter, response: Page<Repository> }
    /// Shows one repository.
    Show("repositories.show"): Get "/api/v1/repositories/{repository}" => 200 Json { path: ByRepository, response: Repository }
    /// Sets up a repository.
    Create("repositories.create"): Post "/api/v1/repositories" => 201 Json { body: NewRepository, response: CreatedRepository }
    /// Changes a repository's name and location.
    Update("repositories.update"): Put "/api/v1/repositories/{repository}" => 200 Json conditional { path: ByRepository, body: RepositoryChange, response: Repository }
    /// Forgets a repository that no host uses; its data stays where it is.
    Delete("repositories.delete"): Delete "/api/v1/repositories/{repository}" => 204 Empty { path: ByRepository, response: Nothing }
    /// Sets the password that encrypts the repository.
    SetPassword("repositories.set-password"): Put "/api/v1/repositories/{repository}/password" => 204 Empty { path: ByRepository, body: NewPassword, response: Nothing }
    /// Sets one of the transport credentials.
    SetCredential("repositories.set-credential"): Put "/api/v1/repositories/{repository}/credentials/{slot}" => 204 Empty { path: BySlot, body: NewCredential, response: Nothing }
    /// Shows what a repository held, day by day. It is measured by jobs, never by asking.
    Statistics("repositories.statistics"): Get "/api/v1/repositories/{repository}/statistics" => 200 Json { path: ByRepository, query: StatisticsQuery, response: RepositoryStatistics }
    /// Asks for a job that sees whether location, password and credential open a repository, before anything is kept.
    Test("repositories.test"): Post "/api/v1/connection-tests" => 202 Json { body: ConnectionTest, response: Job }
    /// Makes a user for a rest-server: a password and the line for its htpasswd file. Nothing is kept of it.
    MakeLogin("repositories.make-login"): Post "/api/v1/rest-server-logins" => 200 Json { body: NewRestLogin, response: RestLogin }
    /// Lists the hosts that use a repository.
    Attachments("repositories.attachments"): Get "/api/v1/repositories/{repository}/hosts" => 200 Json { path: ByRepository, query: Filter, response: Page<Attachment> }
}

/// One repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByRepository {
    /// The repository's id.
    pub repository: RepositoryId,
}

/// One credential of one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySlot {
    /// The repository's id.
    pub repository: RepositoryId,
    /// Which credential.
    pub slot: CredentialSlot,
}

/// Which part of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// A restic repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// Its name, unique among repositories.
    pub name: String,
    /// Where restic finds it, without credentials, such as `rest:https://backup.example.com/web/`.
    pub location: String,
    /// The storage it speaks to: `local`, `rest`, `s3`, `sftp`, `b2`, `azure`, `gs`, `rclone`.
    pub backend: String,
    /// The password that encrypts it.
    pub password: SecretStatus,
    /// The credential that may only add.
    pub everyday: SecretStatus,
    /// The credential that may delete.
    pub maintenance: SecretStatus,
    /// Hosts that use it.
    pub hosts: u64,
    /// Snapshots seen in it.
    pub snapshots: u64,
    /// Time of the newest snapshot seen in it.
    #[serde(default)]
    pub last_snapshot_at: Option<Timestamp>,
    /// What it held when it was last measured.
    #[serde(default)]
    pub measured: Option<DayMeasured>,
    /// Bytes that it stored, on each of the last 30 days on which it was measured, oldest first.
    #[serde(default)]
    pub trend: Vec<DaySize>,
    /// Its upkeep and its health.
    pub upkeep: Upkeep,
    /// When it was set up here.
    pub created_at: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// Whether a secret is set; its value is never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct SecretStatus {
    /// When it was set; absent when it is not.
    #[serde(default)]
    pub set_at: Option<Timestamp>,
    /// Who set it.
    #[serde(default)]
    pub set_by: Option<String>,
}

/// A repository to set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewRepository {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// Where restic finds it; a location with credentials in it is refused.
    pub location: String,
    /// The password that encrypts it; one is made when absent.
    #[serde(default)]
    pub password: Option<SecretText>,
    /// What the storage asks for, for the slot that may only add.
    #[serde(default)]
    pub everyday: Option<TransportCredential>,
}

/// A repository that was set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct CreatedRepository {
    /// The repository.
    pub repository: Repository,
    /// The password that was made for it, shown once: keep it where this server's loss cannot take it.
    #[serde(default)]
    pub generated_password: Option<SecretText>,
}

/// What of a repository can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct RepositoryChange {
    /// Its name.
    pub name: String,
    /// Where restic finds it.
    pub location: String,
}

/// The password that encrypts a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewPassword {
    /// The password, as restic takes it.
    pub password: SecretText,
}

/// A transport credential to set, or to clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewCredential {
    /// What the storage asks for; null clears the slot.
    pub credential: Option<TransportCredential>,
}

/// How much history is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct StatisticsQuery {
    /// So many days on which it was measured, 1 to 400; 90 when absent.
    pub days: Option<u32>,
}

/// What a repository held, day by day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct RepositoryStatistics {
    /// Each day's newest figures, oldest day first.
    pub days: Vec<DayMeasured>,
    /// How many times smaller the data is than what restoring every snapshot would write; absent until it was measured.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// When data that no snapshot needs was last removed.
    #[serde(default)]
    pub last_prune_at: Option<Timestamp>,
    /// When the repository was last found free of damage.
    #[serde(default)]
    pub last_check_at: Option<Timestamp>,
}

/// What a repository held on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct DayMeasured {
    /// When it was measured.
    pub at: Timestamp,
    /// What it held.
    pub measured: Measured,
}

/// How much a repository stored on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct DaySize {
    /// When it was measured.
    pub at: Timestamp,
    /// Bytes that it stored.
    pub raw_bytes: u64,
}

/// What is to be tried from a host, before it is kept or instead of what is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct ConnectionTest {
    /// The host to try from.
    pub host: HostId,
    /// A repository whose location, password and everyday credential are taken for what is absent here.
    #[serde(default)]
    pub repository: Option<RepositoryId>,
    /// Where restic is to look; needed without a repository.
    #[serde(default)]
    pub location: Option<String>,
    /// The password; without one the test can only tell whether there is a repository.
    #[serde(default)]
    pub password: Option<SecretText>,
    /// What the storage asks for.
    #[serde(default)]
    pub credential: Option<TransportCredential>,
}

/// A user for a rest-server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewRestLogin {
    /// 1 to 64 letters, digits, `.`, `-`, `_`.
    pub username: String,
    /// 1 to 71 bytes; a strong one is made when absent.
    #[serde(default)]
    pub password: Option<SecretText>,
}

/// A user for a rest-server, ready to be written down there and here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct RestLogin {
    /// The name.
    pub username: String,
    /// The password, shown once.
    pub password: SecretText,
    /// The line for the server's htpasswd file, with the password hashed by bcrypt.
    pub htpasswd: String,
}
