//! A command while it is written: collects arguments and variables, checks each, and keeps the first problem.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use super::{
    error::CommandError,
    feature,
    invocation::{Argument, Invocation, Stdin, Stdout},
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

#[derive(Debug)]
pub struct Draft {
    verb: &'static str,
    version: Version,
    arguments: Vec<Argument>,
    operands: Vec<OsString>,
    variables: BTreeMap<OsString, Variable>,
    secret_files: Vec<Secret>,
    two_sided: bool,
    may_leave_lock: bool,
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
            may_leave_lock: false,
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

    /// Says that restic may leave its lock behind although all went well.
    pub(super) fn may_leave_lock(&mut self) {
        self.may_leave_lock = true;
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.arguments
            .iter()
            .any(|argument| matches!(argument, Argument::Plain(word) if word == "--verbose=2"))
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

    /// An option whose value may be empty on purpose.
    pub(super) fn list_option(&mut self, name: &'static str, value: &str) {
        self.needs(name);
        self.arguments.push(Argument::Plain(format!("{name}={value}").into()));
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
        if cfg!(windows) {
            self.refuse(CommandError::Invalid {
                what: name,
                reason: "Windows hands over no pipe: give a file",
            });
        }
        let index = self.secret_files.len();
        self.secret_files.push(content);
        self.arguments.push(Argument::SecretFile { option: name, index });
    }

    /// A word after `--`.
    pub(super) fn operand(&mut self, what: &'static str, value: impl Into<OsString>) {
        let value = value.into();
        self.text(what, &value);
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
        self.text("the location of a repository", location);
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
        match fallback {
            Some(fallback) if cfg!(windows) => self.set(fallback, Variable::Secret(content)),
            None if cfg!(windows) => self.needs("a login by variables"),
            _ => {
                let index = self.secret_files.len();
                self.secret_files.push(content);
                self.set(name, Variable::SecretFile { index });
            }
        }
    }

    /// Whether user name and password of a rest-server may be given as variables: restic then uses them for every
    /// rest-server it meets, so not when there are two repositories.
    pub(super) fn can_share_rest_login(&self) -> bool {
        !self.two_sided && self.has("a login by variables")
    }

    /// Refuses what no option or operand can hold or what could be read as an option.
    pub(super) fn text(&mut self, what: &'static str, value: &OsStr) {
        let bytes = value.as_encoded_bytes();
        if bytes.is_empty() {
            self.refuse(CommandError::Empty { what });
        } else if bytes.contains(&0) {
            self.refuse(CommandError::Nul { what });
        } else if bytes.starts_with(b"-") {
            self.refuse(CommandError::LeadingDash { what });
        }
    }

    /// Refuses what cannot be part of a location: white space and control characters as well.
    pub(super) fn name(&mut self, what: &'static str, value: &str) {
        self.text(what, OsStr::new(value));
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

    /// Tags, joined as restic takes them: all of them must be there.
    pub(super) fn tags(&mut self, name: &'static str, tags: &[String]) {
        if tags.iter().any(|tag| tag.is_empty() || tag.contains(',')) {
            self.refuse(CommandError::Invalid {
                what: "a tag",
                reason: "it must not be empty nor hold a comma",
            });
        }
        self.option(name, tags.join(","));
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
            may_leave_lock: self.may_leave_lock,
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
