use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt::{self, Write as _},
};

#[cfg(feature = "process")]
use super::environment::Environment;
use super::secret::Secret;
use crate::{Version, redact};

/// A command that passed every check: what to start, with which arguments, variables and secrets.
///
/// It can be shown to anybody. `Debug` and [`Invocation::command_line`] leave out every secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    pub(super) verb: &'static str,
    pub(super) version: Version,
    pub(super) arguments: Vec<Argument>,
    pub(super) variables: BTreeMap<OsString, Variable>,
    pub(super) secret_files: Vec<Secret>,
    pub(super) locking: Locking,
    pub(super) stdout: Stdout,
    pub(super) stdin: Stdin,
}

/// What a command prints on its standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stdout {
    /// Lines, one event each; feed them to a [`Decoder`](crate::event::Decoder).
    Lines,
    /// One JSON value, often on one very long line; read it as a whole or with a streaming reader.
    Document,
    /// Plain text.
    Text,
    /// The content of files.
    Bytes,
}

/// What a command reads from its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stdin {
    /// Nothing; it is the null device.
    Null,
    /// The data of a `backup --stdin`.
    Data,
}

/// An argument or the value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// As it is.
    Plain(&'a OsStr),
    /// As it is, and to be seen by nobody.
    Secret(&'a Secret),
    /// The path of a file that holds the secret with this index in [`Invocation::secret_files`]; as an argument it
    /// stands behind `option=`.
    SecretFile {
        /// The option, in an argument.
        option: Option<&'static str>,
        /// Which secret.
        index: usize,
    },
}

/// How a command locks the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locking {
    /// Not at all.
    None,
    /// The lock is gone after a good end.
    Clean,
    /// The lock may stay although all went well.
    Leaky,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Plain(OsString),
    /// `option=<path of a secret's pipe>`.
    SecretFile {
        option: &'static str,
        index: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Variable {
    Plain(OsString),
    Secret(Secret),
    /// The path of a secret's pipe.
    SecretFile {
        index: usize,
    },
}

impl Variable {
    pub(super) fn plain(value: impl AsRef<OsStr>) -> Self {
        Self::Plain(value.as_ref().into())
    }

    pub(super) fn holds_nul(&self) -> bool {
        match self {
            Self::Plain(value) => value.as_encoded_bytes().contains(&0),
            Self::Secret(value) => value.expose().contains('\0'),
            Self::SecretFile { .. } => false,
        }
    }
}

impl Invocation {
    /// Another program than restic, which reads from its standard input.
    #[cfg(feature = "process")]
    pub(crate) fn of_program(arguments: Vec<OsString>, environment: &Environment) -> Self {
        let variables = environment.iter().map(|(name, value)| (name.clone(), Variable::plain(value)));
        Self {
            verb: "",
            version: Version::OLDEST,
            arguments: arguments.into_iter().map(Argument::Plain).collect(),
            variables: variables.collect(),
            secret_files: Vec::new(),
            locking: Locking::None,
            stdout: Stdout::Text,
            stdin: Stdin::Data,
        }
    }

    /// The command's name, such as `backup` or `key add`.
    pub fn verb(&self) -> &'static str {
        self.verb
    }

    /// The restic version it was written for.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What it prints on standard output.
    pub fn stdout(&self) -> Stdout {
        self.stdout
    }

    /// What it reads from standard input.
    pub fn stdin(&self) -> Stdin {
        self.stdin
    }

    #[cfg(feature = "process")]
    pub(crate) fn locking(&self) -> Locking {
        self.locking
    }

    /// The words behind the program's name, for who starts restic by other means than this crate's runner.
    pub fn arguments(&self) -> impl Iterator<Item = Part<'_>> {
        self.arguments.iter().map(|argument| match argument {
            Argument::Plain(word) => Part::Plain(word),
            Argument::SecretFile { option, index } => {
                Part::SecretFile { option: Some(option), index: *index }
            }
        })
    }

    /// All variables of the process; it must inherit no others.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, Part<'_>)> {
        self.variables.iter().map(|(name, value)| {
            let part = match value {
                Variable::Plain(value) => Part::Plain(value),
                Variable::Secret(secret) => Part::Secret(secret),
                Variable::SecretFile { index } => Part::SecretFile { option: None, index: *index },
            };
            (name.as_os_str(), part)
        })
    }

    /// What restic has to read from files that nobody else can read, such as inherited pipes; see
    /// [`Part::SecretFile`]. [`Secret::expose`] is the way to their texts.
    pub fn secret_files(&self) -> &[Secret] {
        &self.secret_files
    }

    /// The equivalent command line for a person, quoted for a shell, every secret as `***`.
    ///
    /// Search path, home and language are left out: they change nothing about what restic does.
    pub fn command_line(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.variables {
            let name = name.to_string_lossy();
            if UNINTERESTING.contains(&name.as_ref()) {
                continue;
            }
            let value = match value {
                Variable::Plain(value) => quote(&redact::text(&value.to_string_lossy())),
                Variable::Secret(_) | Variable::SecretFile { .. } => "***".to_owned(),
            };
            let _ = write!(line, "{name}={value} ");
        }
        line.push_str("restic");
        for argument in &self.arguments {
            line.push(' ');
            match argument {
                Argument::Plain(word) => line.push_str(&quote(&redact::text(&word.to_string_lossy()))),
                Argument::SecretFile { option, .. } => {
                    let _ = write!(line, "{option}=***");
                }
            }
        }
        line
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invocation").field(&self.command_line()).finish()
    }
}

/// Variables that say nothing about the command.
const UNINTERESTING: &[&str] = &["HOME", "LANG", "LC_ALL", "PATH", "XDG_CACHE_HOME"];

/// Quotes a word for a POSIX shell where it needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:@,%*".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.contains('*') || word == "***" {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
