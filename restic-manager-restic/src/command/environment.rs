//! The environment of a child, built from nothing.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

use super::error::CommandError;

/// The variables a restic process gets besides the repository and its credentials.
///
/// Nothing is inherited by itself: a stray `RESTIC_REPOSITORY_FILE` or `AWS_PROFILE` of the caller would change what a
/// command does. [`Environment::from_lookup`] takes over the harmless basics, everything else is named one by one.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

/// What a process needs to find programs, its home and a place for temporary files.
#[cfg(not(windows))]
const BASICS: &[&str] = &["HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME"];
/// Windows programs fail in odd ways without the system folders; the rest is as on Unix.
#[cfg(windows)]
const BASICS: &[&str] = &[
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROGRAMDATA",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "WINDIR",
];

/// Read by Go's HTTP client.
const PROXY: &[&str] = &["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"];

/// Prefixes and names that this crate sets itself, from typed values.
const RESERVED: &[&str] =
    &["RESTIC_", "AWS_", "AZURE_", "B2_", "GOOGLE_", "LD_", "DYLD_", "DEBUG_LOG", "LANG", "LC_ALL"];

impl Environment {
    /// Only `LANG=C`, so that messages of the system arrive in one language.
    pub fn empty() -> Self {
        let mut variables = BTreeMap::new();
        variables.insert("LANG".into(), "C".into());
        variables.insert("LC_ALL".into(), "C".into());
        Self { variables }
    }

    /// The basics (search path, home, folder for temporary files) as `lookup` knows them, usually
    /// [`std::env::var_os`].
    ///
    /// # Examples
    ///
    /// ```
    /// use restic_manager_restic::command::Environment;
    ///
    /// let environment = Environment::from_lookup(|name| std::env::var_os(name));
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut environment = Self::empty();
        environment.take(BASICS, lookup);
        environment
    }

    /// Takes over the proxy variables that HTTP backends honour.
    #[must_use]
    pub fn with_proxy(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        self.take(PROXY, lookup);
        self
    }

    /// Where restic keeps its local cache. It must be writable: restic 0.19 fails otherwise.
    #[must_use]
    pub fn with_cache_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.variables.insert("RESTIC_CACHE_DIR".into(), directory.as_ref().into());
        self
    }

    /// Where pack files are assembled: up to about two pack sizes for each connection.
    #[must_use]
    pub fn with_temporary_directory(mut self, directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref();
        for name in if cfg!(windows) { &["TMP", "TEMP"][..] } else { &["TMPDIR"][..] } {
            self.variables.insert(name.into(), directory.into());
        }
        self
    }

    /// The time zone of printed times and of the calendar `forget` counts days and weeks in. Without it the machine's.
    #[must_use]
    pub fn with_time_zone(mut self, zone: impl Into<OsString>) -> Self {
        self.variables.insert("TZ".into(), zone.into());
        self
    }

    /// Adds one more variable, for a child of restic such as `rclone` or `ssh` (`SSH_AUTH_SOCK`, `RCLONE_CONFIG`).
    ///
    /// # Errors
    ///
    /// Names that this crate sets from typed values (`RESTIC_…`, `AWS_…` and so on) and names that no environment can
    /// carry are refused. Variables of a backend belong to [`Custom`](super::Custom).
    pub fn with_variable(
        mut self,
        name: impl Into<OsString>,
        value: impl Into<OsString>,
    ) -> Result<Self, CommandError> {
        let (name, value) = (name.into(), value.into());
        check_name(&name)?;
        let text = name.to_string_lossy().to_ascii_uppercase();
        if RESERVED.iter().any(|reserved| text.starts_with(reserved)) {
            return Err(CommandError::Invalid {
                what: "an environment variable",
                reason: "this name is set from typed options only",
            });
        }
        self.variables.insert(name, value);
        Ok(self)
    }

    /// Whether a cache folder can be found: either set here or below a known home.
    pub(crate) fn has_cache_directory(&self) -> bool {
        ["RESTIC_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"]
            .iter()
            .any(|name| self.variables.contains_key(OsStr::new(name)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }

    fn take(&mut self, names: &[&str], lookup: impl Fn(&str) -> Option<OsString>) {
        for name in names {
            if let Some(value) = lookup(name) {
                self.variables.insert(name.into(), value);
            }
        }
    }
}

/// Shows names only: the value of a proxy variable may hold a password.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")?;
        f.debug_list().entries(self.variables.keys()).finish()
    }
}

/// A name that an environment can carry.
pub(crate) fn check_name(name: &OsStr) -> Result<(), CommandError> {
    let bytes = name.as_encoded_bytes();
    if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
        return Err(CommandError::Invalid {
            what: "an environment variable",
            reason: "a name must not be empty nor hold '=' or NUL",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_inherited_but_the_basics() {
        let environment = Environment::from_lookup(|name| Some(format!("value of {name}").into()));
        let names: Vec<_> = environment.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
        assert!(names.contains(&"PATH".to_owned()));
        assert!(
            names.iter().all(|name| !name.starts_with("RESTIC") && !name.to_lowercase().contains("proxy")),
            "{names:?}"
        );
    }

    #[test]
    fn reserved_and_impossible_names_are_refused() {
        for name in ["RESTIC_PASSWORD", "restic_repository", "AWS_PROFILE", "LD_PRELOAD", "", "A=B", "A\0"] {
            assert!(Environment::empty().with_variable(name, "x").is_err(), "{name:?}");
        }
        assert!(Environment::empty().with_variable("SSH_AUTH_SOCK", "/run/agent").is_ok());
    }

    #[test]
    fn debug_shows_names_only() {
        let environment = Environment::empty().with_proxy(|_| Some("http://me:hunter2@proxy".into()));
        let shown = format!("{environment:?}");
        assert!(shown.contains("HTTPS_PROXY") && !shown.contains("hunter2"), "{shown}");
    }
}
