use std::ffi::{OsStr, OsString};

use super::{draft::Draft, error::CommandError, invocation::Stdout, verb::Write};
use crate::redact;

/// The escape hatch: a command as it is written, for verbs and flags that this crate does not know, such as `cache`,
/// `recover` or `mount`.
///
/// Repository, password and `--json` are added as to any command. No version is checked and no meaning: an argument that
/// holds a secret or takes over what a [`Connection`](super::Connection) says is refused, and that is all.
///
/// ```
/// use restic_manager_restic::command::{
///     Command, Connection, Environment, Local, Password, Repository, Secret, Verbatim,
/// };
/// use restic_manager_restic::Version;
///
/// let repository = Repository::new(Local::new("/srv/repo"), Password::Text(Secret::new("correct horse")));
/// let connection = Connection::new(repository, Environment::empty());
/// let recover = Verbatim::new("recover", ["--verbose=2"]);
/// let line = recover.prepare(&connection, &Version::new(0, 18, 0))?.command_line();
/// assert!(line.contains("restic recover --verbose=2"), "{line}");
/// # Ok::<(), restic_manager_restic::command::CommandError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verbatim {
    /// The command's name, its words separated by blanks.
    pub verb: &'static str,
    /// Its options, each one word: `--name` or `--name=value`.
    pub options: Vec<OsString>,
    /// What stands behind `--`.
    pub operands: Vec<OsString>,
    /// What it prints.
    pub stdout: Stdout,
}

impl Verbatim {
    /// A command that prints text.
    pub fn new<T: Into<OsString>>(verb: &'static str, options: impl IntoIterator<Item = T>) -> Self {
        let options = options.into_iter().map(Into::into).collect();
        Self { verb, options, operands: Vec::new(), stdout: Stdout::Text }
    }
}

impl Write for Verbatim {
    fn verb(&self) -> &'static str {
        self.verb
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(self.stdout);
        let is_word = |word: &str| {
            word.starts_with(|char: char| char.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        if !self.verb.split(' ').all(is_word) {
            draft.refuse(CommandError::Invalid {
                what: "a command's name",
                reason: "give its words, in lower case",
            });
        }
        for option in &self.options {
            match problem_of(option) {
                Some(reason) => draft.refuse(CommandError::Invalid { what: "an option", reason }),
                None => draft.literal_option(option.clone()),
            }
        }
        for operand in &self.operands {
            draft.literal_operand("an operand", operand.clone());
        }
    }
}

/// What the connection says, and where secrets are: these options are not taken from elsewhere.
const OF_CONNECTION: [&str; 8] = [
    "--repo",
    "--repository-file",
    "--password",
    "--key-hint",
    "--from-",
    "--insecure-",
    "--json",
    "--no-lock",
];

fn problem_of(option: &OsStr) -> Option<&'static str> {
    let text = option.to_string_lossy();
    let is_option =
        text.strip_prefix("--").is_some_and(|name| name.starts_with(|char: char| char.is_ascii_lowercase()));
    if !is_option {
        Some("write it in one word, --name or --name=value")
    } else if OF_CONNECTION.iter().any(|taken| text.starts_with(taken)) {
        Some("the connection says that")
    } else if redact::text(&text) != text {
        Some("it holds a secret, which everybody could see: give it by the connection")
    } else {
        None
    }
}
