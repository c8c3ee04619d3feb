//! Settings of a program from flags, environment and file, by one table.
//!
//! The table makes the parser, `--help` and the reference page. A flag wins over the environment, that over the file, that over the
//! default. A name that is not in the table is refused wherever it stands. Secrets have no flag, because arguments can be read by
//! others; each can also come from a file of its own: `RM_X_FILE` in the environment, `x_file` in the file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Arg, ArgMatches};

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The key in the file; with dashes for underscores, the flag.
    pub(crate) key: &'static str,
    /// The name in the environment.
    pub(crate) variable: &'static str,
    /// Empty when there is none.
    pub(crate) default: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Secret,
}

/// What was set, with where it was set, so that an error can name the place.
#[derive(Debug)]
pub(crate) struct Settings {
    table: &'static [Setting],
    values: BTreeMap<&'static str, Value>,
}

struct Value {
    text: String,
    origin: String,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.origin)
    }
}

/// A text for the operator: what is wrong, where, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl Setting {
    fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    fn file_variable(&self) -> String {
        format!("{}_FILE", self.variable)
    }

    fn file_key(&self) -> String {
        format!("{}_file", self.key)
    }
}

/// The flags of a table, for a parser.
pub(crate) fn arguments(table: &'static [Setting]) -> impl Iterator<Item = Arg> {
    table.iter().map(|setting| {
        let mut help = format!("{} [{}]", setting.help, setting.variable);
        if !setting.default.is_empty() {
            help.push_str(&format!(" [default: {}]", setting.default));
        }
        let argument = Arg::new(setting.key).long(setting.flag()).value_name("VALUE").global(true).help(help);
        argument.hide(setting.kind == Kind::Secret)
    })
}

/// The reference page of a table, as Markdown.
pub(crate) fn reference(program: &str, table: &[Setting]) -> String {
    let mut page = format!(
        "# Settings of {program}\n\nGenerated from the table in the code. A flag wins over the environment, that over the file, that over the \
         default.\nSecrets have no flag; `{{variable}}_FILE` and the key `{{key}}_file` name a file that holds them.\n\n\
         | Flag | Environment | Key in the file | Default | Meaning |\n|---|---|---|---|---|\n"
    );
    for setting in table {
        let flag =
            if setting.kind == Kind::Secret { "none".to_owned() } else { format!("`--{}`", setting.flag()) };
        let default =
            if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        page.push_str(&format!(
            "| {flag} | `{}` | `{}` | {default} | {} |\n",
            setting.variable, setting.key, setting.help
        ));
    }
    page
}

impl Settings {
    /// Joins what the places say. `foreign` are variables with our prefix that belong to other programs.
    pub(crate) fn read(
        table: &'static [Setting],
        foreign: &[&str],
        flags: &ArgMatches,
        environment: impl Iterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, Refusal> {
        let mut settings = Self { table, values: BTreeMap::new() };
        for setting in table.iter().filter(|setting| !setting.default.is_empty()) {
            settings.set(setting, setting.default.to_owned(), "the default".to_owned());
        }
        if let Some(path) = file {
            settings.read_file(path)?;
        }
        settings.read_environment(foreign, environment)?;
        for setting in table {
            if let Some(text) = flags.get_one::<String>(setting.key) {
                if setting.kind == Kind::Secret {
                    let (flag, variable) = (setting.flag(), setting.file_variable());
                    return Err(Refusal(format!("--{flag} would show a secret to others: use {variable}")));
                }
                settings.set(setting, text.clone(), format!("--{}", setting.flag()));
            }
        }
        Ok(settings)
    }

    /// The text of a setting, when it is set.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.as_str())
    }

    /// A setting as a value; an error names the place it came from.
    pub(crate) fn parse<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<Option<T>, Refusal> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        let refused = |error| Refusal(format!("{key} ({}): {error}", value.origin));
        value.text.trim().parse().map(Some).map_err(refused)
    }

    /// A setting that must be there.
    pub(crate) fn require<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<T, Refusal> {
        let variable =
            self.table.iter().find(|setting| setting.key == key).map_or(key, |setting| setting.variable);
        self.parse(key)?
            .ok_or_else(|| Refusal(format!("{key} is not set: give it by {variable} or in the file")))
    }

    fn set(&mut self, setting: &'static Setting, text: String, origin: String) {
        self.values.insert(setting.key, Value { text, origin });
    }

    fn read_environment(
        &mut self,
        foreign: &[&str],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<(), Refusal> {
        let ours: BTreeMap<String, String> =
            environment.filter(|(name, _)| name.starts_with("RM_")).collect();
        for (name, value) in &ours {
            if let Some(setting) = self.table.iter().find(|setting| setting.variable == name) {
                self.set(setting, value.clone(), name.clone());
            } else if let Some(setting) = self.secret_named(|setting| setting.file_variable() == *name) {
                if ours.contains_key(setting.variable) {
                    return Err(Refusal(format!("{name} and {} are both set: remove one", setting.variable)));
                }
                self.set(setting, read_secret(Path::new(value), name)?, name.clone());
            } else if !foreign.contains(&name.as_str()) {
                return Err(Refusal(format!("{name} is not a setting: `--help` lists them")));
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Refusal> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| Refusal(format!("{place}: {error}")))?;
        let table: toml::Table = text.parse().map_err(|error| Refusal(format!("{place}: {error}")))?;
        for (key, value) in &table {
            let text = plain_text(value).ok_or_else(|| {
                Refusal(format!("{place}: {key} must be a text, a number, true, false or a list of texts"))
            })?;
            let origin = format!("{key} in {place}");
            if let Some(setting) = self.table.iter().find(|setting| setting.key == key) {
                self.set(setting, text, origin);
            } else if let Some(setting) = self.secret_named(|setting| setting.file_key() == *key) {
                let secret = path.parent().map_or_else(|| PathBuf::from(&text), |folder| folder.join(&text));
                self.set(setting, read_secret(&secret, &origin)?, origin);
            } else {
                return Err(Refusal(format!("{place}: {key} is not a setting: `--help` lists them")));
            }
        }
        Ok(())
    }

    fn secret_named(&self, is_it: impl Fn(&Setting) -> bool) -> Option<&'static Setting> {
        self.table.iter().find(|setting| setting.kind == Kind::Secret && is_it(setting))
    }
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(parts) => {
            Some(parts.iter().map(|part| part.as_str()).collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => None,
    }
}

fn read_secret(path: &Path, origin: &str) -> Result<String, Refusal> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Refusal(format!("{origin}: {}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Setting] = &[
        Setting {
            key: "listen",
            variable: "RM_LISTEN",
            default: "127.0.0.1:8080",
            kind: Kind::Plain,
            help: "Where",
        },
        Setting {
            key: "trusted_proxy",
            variable: "RM_TRUSTED_PROXY",
            default: "",
            kind: Kind::Plain,
            help: "Who",
        },
        Setting {
            key: "database_url",
            variable: "RM_DATABASE_URL",
            default: "",
            kind: Kind::Secret,
            help: "Which",
        },
    ];

    fn read(flags: &[&str], environment: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Refusal> {
        let command = clap::Command::new("program").args(arguments(TABLE)).no_binary_name(true);
        let flags = command.try_get_matches_from(flags).map_err(|error| Refusal(error.to_string()))?;
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(folder.path().join("secret"), "from-file\n").unwrap();
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        Settings::read(TABLE, &["RM_SERVER"], &flags, environment, file.map(|_| path.as_path()))
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let listen = |settings: Settings| settings.text("listen").map(str::to_owned);
        let file = Some("listen = \"file:1\"");
        let environment = [("RM_LISTEN", "environment:1")];
        assert_eq!(listen(read(&[], &[], None).unwrap()).as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(listen(read(&[], &[], file).unwrap()).as_deref(), Some("file:1"));
        assert_eq!(listen(read(&[], &environment, file).unwrap()).as_deref(), Some("environment:1"));
        assert_eq!(
            listen(read(&["--listen", "flag:1"], &environment, file).unwrap()).as_deref(),
            Some("flag:1")
        );
    }

    #[test]
    fn unknown_names_are_refused_wherever_they_stand() {
        assert!(read(&["--listne", "x"], &[], None).is_err());
        assert!(read(&[], &[("RM_LISTNE", "x")], None).unwrap_err().0.contains("RM_LISTNE"));
        assert!(read(&[], &[], Some("listne = 1")).unwrap_err().0.contains("listne"));
        assert!(read(&[], &[], Some("[listen]\nx = 1")).is_err());
        assert!(read(&[], &[("RM_SERVER", "of another program"), ("HOME", "/")], None).is_ok());
    }

    #[test]
    fn secrets_come_by_environment_or_file_but_never_by_flag() {
        assert!(read(&["--database-url", "x"], &[], None).unwrap_err().0.contains("RM_DATABASE_URL_FILE"));
        let by_key = read(&[], &[], Some("database_url_file = \"secret\"")).unwrap();
        assert_eq!(by_key.text("database_url"), Some("from-file"));
        assert!(!format!("{by_key:?}").contains("from-file"));
        let twice = read(&[], &[("RM_DATABASE_URL", "x"), ("RM_DATABASE_URL_FILE", "/nowhere")], None);
        assert!(twice.unwrap_err().0.contains("both"));
        assert!(read(&[], &[("RM_DATABASE_URL_FILE", "/nowhere")], None).unwrap_err().0.contains("/nowhere"));
        assert!(read(&[], &[("RM_LISTEN_FILE", "/nowhere")], None).is_err(), "only secrets have files");
    }

    #[test]
    fn a_wrong_value_is_told_with_its_place() {
        let settings = read(&[], &[("RM_LISTEN", "nonsense")], None).unwrap();
        let refused = settings.parse::<std::net::SocketAddr>("listen").unwrap_err();
        assert!(refused.0.contains("RM_LISTEN"), "{refused}");
        assert!(settings.require::<String>("trusted_proxy").unwrap_err().0.contains("RM_TRUSTED_PROXY"));
        let settings = read(&[], &[], Some("trusted_proxy = [\"10.0.0.1\", \"10.0.0.2\"]")).unwrap();
        assert_eq!(settings.text("trusted_proxy"), Some("10.0.0.1,10.0.0.2"), "a list is joined by commas");
    }

    #[test]
    fn the_reference_page_has_a_row_for_each_setting() {
        let page = reference("program", TABLE);
        assert!(TABLE.iter().all(|setting| page.contains(setting.variable)));
        assert!(!page.contains("--database-url"));
    }
}
