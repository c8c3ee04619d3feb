use crate::frame;

/// Where a sealed blob belongs: table, row and field. It is bound into the seal; a blob copied to another
/// row or column does not open there.
///
/// A row is named by the 16 bytes of its id, always in that form: the text of the same id is another row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context(Vec<u8>);

impl Context {
    /// A place without a constructor of its own.
    #[must_use]
    pub fn new(table: &'static str, row: impl AsRef<[u8]>, field: &'static str) -> Self {
        Self(frame::join(&[table.as_bytes(), row.as_ref(), field.as_bytes()]))
    }

    /// The restic password of a repository.
    #[must_use]
    pub fn repository_password(repository: &[u8; 16]) -> Self {
        Self::new("repository", repository, "password")
    }

    /// The everyday transport credential of a repository.
    #[must_use]
    pub fn everyday_credential(repository: &[u8; 16]) -> Self {
        Self::new("repository", repository, "everyday credential")
    }

    /// The maintenance transport credential of a repository.
    #[must_use]
    pub fn maintenance_credential(repository: &[u8; 16]) -> Self {
        Self::new("repository", repository, "maintenance credential")
    }

    /// The secret that a person shares with an authenticator app.
    #[must_use]
    pub fn totp_secret(user: &[u8; 16]) -> Self {
        Self::new("user", user, "totp secret")
    }

    /// What a job tries before anybody keeps it.
    #[must_use]
    pub fn draft(job: &[u8; 16]) -> Self {
        Self::new("job", job, "draft")
    }

    /// The hooks of a host.
    #[must_use]
    pub fn host_hooks(host: &[u8; 16]) -> Self {
        Self::new("host", host, "hooks")
    }

    /// The hooks of a source group.
    #[must_use]
    pub fn source_group_hooks(group: &[u8; 16]) -> Self {
        Self::new("source group", group, "hooks")
    }

    /// The secrets of a notification channel.
    #[must_use]
    pub fn channel_secrets(channel: &[u8; 16]) -> Self {
        Self::new("notification channel", channel, "secrets")
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
