use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use restic_manager_restic::Version;
use restic_manager_restic::command::{
    Backup, Cat, Command, Connection, Environment, Invocation, Local, Password, Repository, Secret,
};
use restic_manager_restic::process::{Program, Runner};
use tempfile::TempDir;

pub(super) const PASSWORD: &str = "never-show-this-7c1e";

/// A program of our own in the place of restic.
#[derive(Debug)]
pub(super) struct Script {
    folder: TempDir,
    pub(super) runner: Runner,
}

impl Script {
    /// A shell script; `$FOLDER` is a folder of its own.
    pub(super) fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("script");
        let text = format!("#!/bin/sh\nFOLDER='{}'\n{body}\n", folder.path().display());
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
        let mut runner = Runner::new(Program::at(&path).expect("an executable script"));
        runner.options.grace = Duration::from_millis(300);
        runner.options.drain = Duration::from_millis(300);
        Self { folder, runner }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file that the script wrote")
    }
}

pub(super) fn connection() -> Connection {
    let repository = Repository::new(Local::new("/nowhere"), Password::Text(Secret::new(PASSWORD)));
    Connection::new(repository, Environment::from_lookup(|name| std::env::var_os(name)))
}

pub(super) fn prepare(command: &impl Command) -> Invocation {
    command.prepare(&connection(), &Version::new(0, 19, 1)).expect("a command that fits")
}

pub(super) fn backup() -> Invocation {
    prepare(&Backup::paths(["/etc"]))
}

pub(super) fn backup_of_stdin() -> Invocation {
    prepare(&Backup::stdin("data"))
}

pub(super) fn document() -> Invocation {
    prepare(&Cat::Config)
}
