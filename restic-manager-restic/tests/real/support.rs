//! Finds the real programs and gives each test a folder of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use restic_manager_restic::Version;
use restic_manager_restic::command::{
    Command, Connection, Environment, Init, Local, Password, Repository, Secret,
};
use restic_manager_restic::process::{Captured, Finished, Input, Program, Runner, Running};
use tempfile::TempDir;

pub(super) const PASSWORD: &str = "open sesame 7b1f";
pub(super) const LIMIT_BYTES: usize = 16 << 20;

/// One real restic.
#[derive(Debug, Clone)]
pub(super) struct Restic {
    pub(super) version: Version,
    pub(super) runner: Runner,
}

impl Restic {
    /// All that are found, oldest first. A machine without any fails the test.
    pub(super) async fn all() -> Vec<Self> {
        let environment = Environment::from_lookup(|name| env::var_os(name));
        let mut found: Vec<Self> = Vec::new();
        for program in programs() {
            let runner = Runner::new(program);
            let version = runner.version(&environment).await.expect("a version");
            if !found.iter().any(|other| other.version == version) {
                found.push(Self { version, runner });
            }
        }
        assert!(!found.is_empty(), "no restic was found: run `cargo xtask install`, or install restic");
        found.sort_by(|left, right| left.version.cmp(&right.version));
        found
    }

    /// The help text of a command; empty if restic does not know it.
    pub(super) fn help(&self, verb: &str) -> String {
        let mut words = vec!["help"];
        words.extend(verb.split(' '));
        let output =
            std::process::Command::new(self.runner.program.path()).args(words).output().expect("a help text");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains(&format!("restic {verb} ")) { text } else { String::new() }
    }

    pub(super) async fn spawn(&self, command: &impl Command, connection: &Connection) -> Running {
        let invocation = command.prepare(connection, &self.version).expect("a command that fits");
        self.runner.spawn(&invocation, Input::Null).await.expect("a child")
    }

    pub(super) async fn run(&self, command: &impl Command, connection: &Connection) -> Finished {
        self.spawn(command, connection).await.wait().await
    }

    pub(super) async fn capture(&self, command: &impl Command, connection: &Connection) -> Captured {
        let invocation = command.prepare(connection, &self.version).expect("a command that fits");
        self.runner.capture(&invocation, LIMIT_BYTES).await.expect("a child")
    }
}

/// `restic-<version>` in the folder `RESTIC_MANAGER_RESTIC_DIR`, and `restic` on the search path.
fn programs() -> Vec<Program> {
    let mut programs = Vec::new();
    if let Some(folder) = env::var_os("RESTIC_MANAGER_RESTIC_DIR") {
        for entry in fs::read_dir(folder).expect("the folder RESTIC_MANAGER_RESTIC_DIR") {
            let path = entry.expect("an entry").path();
            let is_restic = path.file_name().is_some_and(|name| {
                name.to_string_lossy()
                    .strip_prefix("restic-")
                    .is_some_and(|rest| rest.starts_with(char::is_numeric))
            });
            if is_restic {
                programs.push(Program::at(path).expect("an executable file"));
            }
        }
    }
    programs.extend(Program::find("restic", &env::var_os("PATH").unwrap_or_default()));
    programs
}

/// A folder with room for sources, a repository, a cache and whatever else a test needs.
#[derive(Debug)]
pub(super) struct Place {
    folder: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["source", "cache", "tmp", "target"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub(super) fn environment(&self) -> Environment {
        Environment::from_lookup(|name| (name == "PATH").then(|| env::var_os(name)).flatten())
            .with_cache_directory(self.path("cache"))
            .with_temporary_directory(self.path("tmp"))
    }

    pub(super) fn repository(&self) -> Repository {
        repository_at(&self.path("repository"))
    }

    pub(super) fn connection(&self) -> Connection {
        Connection::new(self.repository(), self.environment())
    }

    /// A connection to a repository that was just made.
    pub(super) async fn initialized(&self, restic: &Restic) -> Connection {
        let connection = self.connection();
        let finished = restic.run(&Init::new(), &connection).await;
        assert!(finished.outcome.cause.is_success(), "{finished:?}");
        connection
    }
}

pub(super) fn repository_at(path: &Path) -> Repository {
    Repository::new(Local::new(path), Password::Text(Secret::new(PASSWORD)))
}

/// Numbers that look random and are the same in each run.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}
