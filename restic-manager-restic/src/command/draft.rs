//! A command while it is written: collects arguments and variables, checks each, and keeps the first problem.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use super::{
    error::CommandError,
    feature,
    invocation::{Argument, Invocation, Locking, Stdin, Stdout},
    secret::Secret,
};
use crate::Version;

pub(super) use super::invocation::Variable;

/// Which of the two repositories of `copy` is meant; everything else has only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Main,
    From,
}

impl Side {
    /// The variable of this side, `RESTIC_…` or `RESTIC_FROM_…`.
    pub(super) const fn name(self, what: &'static str) -> &'static str {
        match (self, what.as_bytes()) {
            (Self::Main, b"REPOSITORY") => "RESTIC_REPOSITORY",
            (Self::Main, b"REPOSITORY_FILE") => "RESTIC_REPOSITORY_FILE",
            (Self::Main, b"PASSWORD_FILE") => "RESTIC_PASSWORD_FILE",
            (Self::Main, b"PASSWORD") => "RESTIC_PASSWORD",
            (Self::Main, _) => "RESTIC_KEY_HINT",
            (Self::From, b"REPOSITORY") => "RESTIC_FROM_REPOSITORY",
            (Self::From, b"REPOSITORY_FILE") => "RESTIC_FROM_REPOSITORY_FILE",
            (Self::From, b"PASSWORD_FILE") => "RESTIC_FROM_PASSWORD_FILE",
            (Self::From, b"PASSWORD") => "RESTIC_FROM_PASSWORD",
            (Self::From, _) => "RESTIC_FROM_KEY_HINT",
        }
    }

    pub(super) const fn insecure_flag(self) -> &'static str {
        match self {
            Self::Main => "--insecure-no-password",
            Self::From => "--from-insecure-no-password",
        }
    }
}

/// Options whose value restic splits at commas. All others take it as it is.
const LISTS: [&str; 2] = ["-o", "--cacert"];
/// Commands that never lock. `list locks` is one more.
const LOCKLESS: [&str; 3] = ["init", "unlock", "version"];
/// Commands that may do without a lock, since they change nothing.
const READERS: [&str; 11] =
    ["cat", "check", "diff", "dump", "find", "key list", "list", "ls", "restore", "snapshots", "stats"];
/// Commands that may do without a lock while they change nothing.
const TRIALS: [&str; 3] = ["backup", "forget", "prune"];
/// Whether a child can be given a pipe that it reads as a file.
const HAS_PIPES: bool = !cfg!(windows);

fn no_pipe(what: &'static str) -> CommandError {
    CommandError::Invalid {
        what,
        reason: "Windows hands over no pipe that restic reads as a file: give a file",
    }
}

#[derive(Debug)]
pub struct Draft {
    verb: &'static str,
    version: Version,
    arguments: Vec<Argument>,
    operands: Vec<OsString>,
    variables: BTreeMap<OsString, Variable>,
    secret_files: Vec<Secret>,
    two_sided: bool,
    locking: Locking,
    stdout: Stdout,
    stdin: Stdin,
    problem: Option<CommandError>,
}

impl Draft {
    /// Starts with the command's name; its words become the first arguments.
    pub(super) fn new(verb: &'static str, version: &Version) -> Self {
        let mut draft = Self {
            verb,
            version: version.clone(),
            arguments: verb.split(' ').map(|word| Argument::Plain(word.into())).collect(),
            operands: Vec::new(),
            variables: BTreeMap::new(),
            secret_files: Vec::new(),
            two_sided: false,
            locking: if LOCKLESS.contains(&verb) { Locking::None } else { Locking::Clean },
            stdout: Stdout::Lines,
            stdin: Stdin::Null,
            problem: None,
        };
        draft.needs("");
        draft
    }

    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// Says that a second repository takes part, so that nothing may be set that would serve both.
    pub(super) fn two_sided(&mut self) {
        self.two_sided = true;
    }

    /// Says how this command locks the repository, where it is not as usual.
    pub(super) fn locking(&mut self, locking: Locking) {
        self.locking = locking;
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.holds("--verbose=2")
    }

    fn holds(&self, option: &str) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::Plain(word) if word == option))
    }

    /// Does without a lock. restic refuses or ignores that where something is changed, so it is refused before.
    pub(super) fn no_lock(&mut self) {
        let is_trial = self.holds("--dry-run") && TRIALS.contains(&self.verb);
        // The others do without one in every version.
        if is_trial && self.verb == "prune" {
            self.needs("a dry run without a lock");
        }
        if self.locking != Locking::None && !READERS.contains(&self.verb) && !is_trial {
            self.refuse(CommandError::Conflict {
                first: "a connection without a lock",
                second: "a command that changes the repository",
            });
        }
        self.locking = Locking::None;
        self.flag("--no-lock");
    }

    pub(super) fn stdout(&mut self, stdout: Stdout) {
        self.stdout = stdout;
    }

    pub(super) fn stdin(&mut self, stdin: Stdin) {
        self.stdin = stdin;
    }

    /// Replaces the verb's name in argv, where old versions spell it otherwise.
    pub(super) fn spell(&mut self, words: &[&str]) {
        self.arguments = words.iter().map(|word| Argument::Plain((*word).into())).collect();
    }

    /// Notes a problem; the first one wins.
    pub(super) fn refuse(&mut self, problem: CommandError) {
        self.problem.get_or_insert(problem);
    }

    /// Refuses the command when this restic lacks `what`, an option of the verb, a global one or the verb itself (`""`).
    pub(super) fn needs(&mut self, what: &'static str) {
        if let Err(problem) = feature::check(self.verb, what, &self.version) {
            self.refuse(problem);
        }
    }

    /// Whether this restic has `what`.
    pub(super) fn has(&self, what: &'static str) -> bool {
        feature::check(self.verb, what, &self.version).is_ok()
    }

    pub(super) fn flag(&mut self, name: &'static str) {
        self.needs(name);
        self.arguments.push(Argument::Plain(name.into()));
    }

    /// Adds a flag where a field asks for it.
    pub(super) fn flag_if(&mut self, wanted: bool, name: &'static str) {
        if wanted {
            self.flag(name);
        }
    }

    /// Adds `--name=value`, or `-o value`. The one-word form keeps any value from being read as an option.
    pub(super) fn option(&mut self, name: &'static str, value: impl AsRef<OsStr>) {
        let value = value.as_ref();
        self.needs(name);
        self.text(name, value);
        let value = &if LISTS.contains(&name) { self.as_one_item(name, value) } else { value.to_owned() };
        if name.starts_with("--") {
            let mut word = OsString::from(name);
            word.push("=");
            word.push(value);
            self.arguments.push(Argument::Plain(word));
        } else {
            self.arguments.push(Argument::Plain(name.into()));
            self.arguments.push(Argument::Plain(value.into()));
        }
    }

    /// restic splits the value of such an option at commas, as a line of CSV; quoted, it is one value.
    fn as_one_item(&mut self, name: &'static str, value: &OsStr) -> OsString {
        if value.as_encoded_bytes().iter().any(u8::is_ascii_control) {
            self.refuse(CommandError::Invalid { what: name, reason: "it must not hold control characters" });
        }
        let Some(text) = value.to_str() else { return self.as_unquoted_item(name, value) };
        if text.contains([',', '"']) {
            format!("\"{}\"", text.replace('"', "\"\"")).into()
        } else {
            value.to_owned()
        }
    }

    /// Of what is no text, nothing can be put between quotes.
    fn as_unquoted_item(&mut self, name: &'static str, value: &OsStr) -> OsString {
        if value.as_encoded_bytes().iter().any(|byte| matches!(byte, b',' | b'"')) {
            self.refuse(CommandError::Invalid { what: name, reason: "a comma needs a name that is UTF-8" });
        }
        value.to_owned()
    }

    /// An option whose value may be empty on purpose.
    pub(super) fn list_option(&mut self, name: &'static str, value: &str) {
        self.needs(name);
        if value.contains('\0') {
            self.refuse(CommandError::Nul { what: name });
        }
        self.arguments.push(Argument::Plain(format!("{name}={value}").into()));
    }

    /// An option that is written already.
    pub(super) fn literal_option(&mut self, option: OsString) {
        if option.as_encoded_bytes().contains(&0) {
            self.refuse(CommandError::Nul { what: "an option" });
        }
        self.arguments.push(Argument::Plain(option));
    }

    pub(super) fn options<T: AsRef<OsStr>>(&mut self, name: &'static str, values: &[T]) {
        for value in values {
            self.option(name, value);
        }
    }

    pub(super) fn option_if<T: AsRef<OsStr>>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.option(name, value);
        }
    }

    /// An extended option of a backend.
    pub(super) fn extended(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, OsStr::new(value));
            self.option("-o", format!("{key}={value}"));
        }
    }

    /// An option whose value is the path of a secret's pipe.
    pub(super) fn secret_option(&mut self, name: &'static str, content: Secret) {
        self.needs(name);
        if !HAS_PIPES {
            self.refuse(no_pipe(name));
        }
        let index = self.secret_files.len();
        self.secret_files.push(content);
        self.arguments.push(Argument::SecretFile { option: name, index });
    }

    /// A word after `--`.
    pub(super) fn operand(&mut self, what: &'static str, value: impl Into<OsString>) {
        let value = value.into();
        self.word(what, &value);
        self.operands.push(value);
    }

    /// A word after `--` of which nothing needs checking but that it can be carried.
    pub(super) fn literal_operand(&mut self, what: &'static str, value: impl Into<OsString>) {
        let value = value.into();
        if value.as_encoded_bytes().contains(&0) {
            self.refuse(CommandError::Nul { what });
        }
        self.operands.push(value);
    }

    /// Sets a variable. Two repositories that want different values for it cannot be used together.
    pub(super) fn set(&mut self, name: impl Into<OsString>, value: Variable) {
        if value.holds_nul() {
            self.refuse(CommandError::Nul { what: "an environment variable" });
        }
        let name = name.into();
        match self.variables.get(&name) {
            Some(old) if *old != value => self.refuse(CommandError::Conflict {
                first: "the credentials of one repository",
                second: "different ones of the other repository for the same kind of storage",
            }),
            _ => {
                self.variables.insert(name, value);
            }
        }
    }

    /// Sets where a repository lives. A password in it is refused: it would be seen in messages and listings.
    pub(super) fn location(&mut self, side: Side, location: &OsStr) {
        self.word("the location of a repository", location);
        if holds_password(&location.to_string_lossy()) {
            self.refuse(CommandError::Invalid {
                what: "the location of a repository",
                reason: "it must not hold a password: give the login by itself",
            });
        }
        self.set(side.name("REPOSITORY"), Variable::plain(location));
    }

    /// Sets where a repository lives by a pipe, because the location holds a password.
    pub(super) fn secret_location(&mut self, side: Side, location: Secret) {
        self.variables.remove(OsStr::new(side.name("REPOSITORY")));
        self.secret_file(side.name("REPOSITORY_FILE"), None, location);
    }

    /// Sets a variable to the path of a pipe that holds a secret. Where the platform knows no such path, `fallback`
    /// names the variable that takes the secret itself.
    pub(super) fn secret_file(
        &mut self,
        name: &'static str,
        fallback: Option<&'static str>,
        content: Secret,
    ) {
        match (HAS_PIPES, fallback) {
            (true, _) => {
                let index = self.secret_files.len();
                self.secret_files.push(content);
                self.set(name, Variable::SecretFile { index });
            }
            (false, Some(fallback)) => self.set(fallback, Variable::Secret(content)),
            (false, None) => self.refuse(no_pipe(name)),
        }
    }

    /// Whether user name and password of a rest-server may be given as variables: restic then uses them for every
    /// rest-server it meets, so not when there are two repositories.
    pub(super) fn can_share_rest_login(&self) -> bool {
        !self.two_sided && self.has("a login by variables")
    }

    /// Refuses what no option can hold.
    pub(super) fn text(&mut self, what: &'static str, value: &OsStr) {
        let bytes = value.as_encoded_bytes();
        if bytes.is_empty() {
            self.refuse(CommandError::Empty { what });
        } else if bytes.contains(&0) {
            self.refuse(CommandError::Nul { what });
        }
    }

    /// Refuses also what could be read as an option, by restic or by a program that restic starts with it.
    fn word(&mut self, what: &'static str, value: &OsStr) {
        self.text(what, value);
        if value.as_encoded_bytes().starts_with(b"-") {
            self.refuse(CommandError::LeadingDash { what });
        }
    }

    /// Refuses what cannot be part of a location: white space and control characters as well.
    pub(super) fn name(&mut self, what: &'static str, value: &str) {
        self.word(what, OsStr::new(value));
        if value.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@') {
            self.refuse(CommandError::Invalid {
                what,
                reason: "it must not hold white space, control characters or '@'",
            });
        }
    }

    /// Refuses what is not an id: hexadecimal digits, whole or a beginning.
    pub(super) fn hex(&mut self, what: &'static str, value: &str) {
        let digits = value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if value.is_empty() || value.len() > 64 || !digits {
            self.refuse(CommandError::Invalid {
                what,
                reason: "an id is 1 to 64 lower-case hexadecimal digits",
            });
        }
    }

    /// Tags, joined as restic takes them: all of them must be there. An empty list means snapshots without any tag.
    pub(super) fn tags(&mut self, name: &'static str, tags: &[String]) {
        if tags.iter().any(|tag| tag.is_empty() || tag.contains(',')) {
            self.refuse(CommandError::Invalid {
                what: "a tag",
                reason: "it must not be empty nor hold a comma",
            });
        }
        self.list_option(name, &tags.join(","));
    }

    /// Adds what is common to all commands and closes the draft.
    pub(super) fn finish(mut self) -> Result<Invocation, CommandError> {
        if self.stdout != Stdout::Bytes || self.verb == "dump" {
            self.arguments.push(Argument::Plain("--json".into()));
        }
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if !self.operands.is_empty() {
            self.arguments.push(Argument::Plain("--".into()));
            self.arguments.extend(self.operands.into_iter().map(Argument::Plain));
        }
        Ok(Invocation {
            verb: self.verb,
            version: self.version,
            arguments: self.arguments,
            variables: self.variables,
            secret_files: self.secret_files,
            locking: self.locking,
            stdout: self.stdout,
            stdin: self.stdin,
        })
    }
}

/// Whether the authority of an address has a password before the `@`.
fn holds_password(location: &str) -> bool {
    let Some((_, rest)) = location.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // The last '@' counts, and a password may hold a slash: then the '@' stands behind it.
    let user = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@')).map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_seen() {
        for bad in ["rest:https://me:pw@host/", "rest:http://me:p/w@host/x", "s3:https://a:b@c/d", "x://a:@h"]
        {
            assert!(holds_password(bad), "{bad}");
        }
        for good in [
            "rest:https://host:8000/",
            "sftp://me@host:22//srv",
            "s3:s3.amazonaws.com/b",
            "/srv/a:b@c",
            "b2:x:y",
        ] {
            assert!(!holds_password(good), "{good}");
        }
    }
}
