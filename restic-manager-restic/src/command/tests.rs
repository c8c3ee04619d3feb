//! Laws that hold for whatever values are given.

use std::ffi::OsStr;

use proptest::prelude::*;

use super::invocation::{Argument, Variable};
use super::{
    Backup, Command, Connection, Environment, Exclude, Find, Invocation, Local, Login, Parent, Password,
    Repository, Rest, Search, Secret, SnapshotName, Source,
};
use crate::Version;

const VERSIONS: [Version; 3] = [Version::new(0, 14, 0), Version::new(0, 17, 3), Version::new(0, 19, 1)];

/// Words that look like what could do harm, among any others.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "-{1,2}[a-z=-]{0,12}",
        "[a-z,/ =*\"']{0,12}",
        Just("--password-command=evil".to_owned()),
        Just("--".to_owned()),
    ]
}

fn connection(login: Option<Login>) -> Connection {
    let password = Password::Text(Secret::new("the repository's"));
    let repository = match login {
        Some(login) => Repository::new(Rest::new("https://host/").with_login(login), password),
        None => Repository::new(Local::new("/repo"), password),
    };
    Connection::new(repository, Environment::empty())
}

/// The words of argv as they are, with their split at `--`.
fn split(invocation: &Invocation) -> (Vec<&OsStr>, Vec<&OsStr>) {
    let words = invocation.arguments.iter().map(|argument| match argument {
        Argument::Plain(word) => word.as_os_str(),
        Argument::SecretFile { option, .. } => OsStr::new(*option),
    });
    let words: Vec<_> = words.collect();
    match words.iter().position(|word| *word == "--") {
        Some(at) => (words[..at].to_vec(), words[at + 1..].to_vec()),
        None => (words, Vec::new()),
    }
}

proptest! {
    /// What stands before `--` is written by this crate: only behind a `=` can there be a value, so whatever is given
    /// there are as many options as were asked for.
    #[test]
    fn no_value_becomes_an_option(
        paths in prop::collection::vec(word(), 1..4),
        tags in prop::collection::vec(word(), 0..3),
        excludes in prop::collection::vec(word(), 0..3),
        host in prop::option::of(word()),
        version in prop::sample::select(VERSIONS.to_vec()),
    ) {
        let mut backup = Backup::paths(&paths);
        backup.tags.clone_from(&tags);
        backup.exclude = Exclude::patterns(&excludes);
        backup.host.clone_from(&host);
        if let Ok(invocation) = backup.prepare(&connection(None), &version) {
            let (options, operands) = split(&invocation);
            prop_assert_eq!(operands, paths.iter().map(OsStr::new).collect::<Vec<_>>());
            let known = ["--tag=", "--exclude=", "--host="];
            let given = options.iter().filter(|word| {
                known.iter().any(|known| word.as_encoded_bytes().starts_with(known.as_bytes()))
            });
            prop_assert_eq!(given.count(), tags.len() + excludes.len() + usize::from(host.is_some()));
            let own = ["backup", "--no-cache", "--json"];
            prop_assert_eq!(options.iter().filter(|word| own.iter().any(|own| *own == **word)).count(), own.len());
            prop_assert_eq!(options.len(), own.len() + tags.len() + excludes.len() + usize::from(host.is_some()));
            prop_assert!(operands_are_plain(&paths));
        }
    }

    /// No secret is in argv, in a plain variable, or in anything that is shown.
    #[test]
    fn no_secret_is_shown(
        password in "[!-~]{12,40}",
        version in prop::sample::select(VERSIONS.to_vec()),
    ) {
        let login = Login::new("me", password.as_str());
        let mut connection = connection(Some(login));
        connection.repository.password = Password::Text(Secret::new(password.as_str()));
        let invocation = Backup::paths(["/etc"]).prepare(&connection, &version).expect("a command");
        let (options, operands) = split(&invocation);
        let in_argv = options.iter().chain(&operands).any(|word| word.to_string_lossy().contains(&password));
        let in_plain = invocation.variables.values().any(|value| match value {
            Variable::Plain(value) => value.to_string_lossy().contains(&password),
            _ => false,
        });
        let shown = format!("{invocation:?} {connection:?} {}", invocation.command_line());
        prop_assert!(!in_argv && !in_plain && !shown.contains(&password));
        prop_assert!(
            cfg!(windows) || invocation.secret_files.iter().any(|secret| secret.expose() == password),
            "the repository's password has to reach restic"
        );
    }

    /// Whatever is given, the answer is a command or a refusal.
    #[test]
    fn nothing_panics(
        words in prop::collection::vec(word(), 0..4),
        time in word(),
        id in word(),
        version in prop::sample::select(VERSIONS.to_vec()),
    ) {
        let mut backup = Backup::new(Source::Program {
            command: words.iter().map(Into::into).collect(),
            filename: id.clone(),
        });
        backup.parent = Parent::Id(id.clone());
        backup.time = Some(time);
        let _ = backup.prepare(&connection(None), &version);
        let mut find = Find::new(Search::Names(words));
        find.snapshots = vec![SnapshotName::id(id.clone()).subfolder(id)];
        let _ = find.prepare(&connection(None), &version);
    }
}

fn operands_are_plain(paths: &[String]) -> bool {
    paths.iter().all(|path| !path.starts_with('-') && !path.contains('\0') && !path.is_empty())
}
