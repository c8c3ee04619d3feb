use super::{connection::Connection, draft::Draft, error::CommandError, invocation::Invocation};
use crate::Version;

/// A restic command.
///
/// # Examples
///
/// ```
/// use restic_manager_restic::{
///     command::{Backup, Command, Connection, Environment, Login, Password, Repository, Rest, Secret},
///     Version,
/// };
///
/// let storage = Rest::new("https://backup.example:8000/web/").with_login(Login::new("web", "s3cret"));
/// let repository = Repository::new(storage, Password::Text(Secret::new("correct horse")));
/// let environment = Environment::from_lookup(|name| std::env::var_os(name));
///
/// let mut backup = Backup::paths(["/etc", "/srv/www"]);
/// backup.tags.push("daily".to_owned());
/// let invocation = backup.prepare(&Connection::new(repository, environment), &Version::new(0, 18, 0))?;
///
/// let line = invocation.command_line();
/// assert!(line.ends_with("restic backup --tag=daily --json -- /etc /srv/www"), "{line}");
/// assert!(!line.contains("s3cret") && !line.contains("correct horse"));
/// # Ok::<(), restic_manager_restic::command::CommandError>(())
/// ```
pub trait Command: Write {
    /// Checks the command against restic `version` and writes it down.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, see [`CommandError`]. Nothing was started.
    fn prepare(&self, connection: &Connection, version: &Version) -> Result<Invocation, CommandError> {
        let mut draft = Draft::new(self.verb(), version);
        self.write(&mut draft);
        connection.write(&mut draft);
        draft.finish()
    }
}

impl<T: Write> Command for T {}

/// What a verb is made of. It cannot be named outside this crate, which seals [`Command`]: options are checked against
/// a table per verb.
pub trait Write: std::fmt::Debug {
    /// The command's name, its words separated by blanks.
    fn verb(&self) -> &'static str;

    /// Puts options and operands into a draft.
    fn write(&self, draft: &mut Draft);
}
