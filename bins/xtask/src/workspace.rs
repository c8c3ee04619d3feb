//! The workspace as Cargo describes it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::shell;

/// The crates that strangers depend on, in the order in which they are published.
pub(crate) const PUBLISHED: &[&str] =
    &["restic-manager-proto", "restic-manager-restic", "restic-manager-crypto", "restic-manager-store"];

/// The folder of the root manifest.
///
/// Asked for at run time where Cargo says it: a build folder that two clones share may hold the program of the other.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_path_buf()
}

/// What `cargo metadata` says about the workspace.
pub(crate) struct Metadata(Value);

impl Metadata {
    /// Members only, without resolving their dependencies.
    pub(crate) fn load() -> Outcome<Self> {
        let mut command = shell::cargo();
        command.current_dir(root()).args(["metadata", "--format-version=1", "--no-deps"]);
        Ok(Self(serde_json::from_str(&shell::output(&mut command)?)?))
    }

    pub(crate) fn target_directory(&self) -> Outcome<PathBuf> {
        let path = self.0["target_directory"].as_str();
        path.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata names no target folder"))
    }

    /// The members.
    pub(crate) fn packages(&self) -> Vec<Package<'_>> {
        elements(&self.0["packages"]).map(Package).collect()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Package<'a>(&'a Value);

impl<'a> Package<'a> {
    pub(crate) fn name(self) -> &'a str {
        text(&self.0["name"])
    }

    /// The root files of its libraries and programs, without those of tests and measurements.
    pub(crate) fn roots(self) -> impl Iterator<Item = PathBuf> {
        let is_kept = |target: &&Value| {
            elements(&target["kind"]).any(|kind| ["lib", "bin", "example"].iter().any(|kept| kind == kept))
        };
        elements(&self.0["targets"]).filter(is_kept).map(|target| PathBuf::from(text(&target["src_path"])))
    }

    /// What it depends on inside the workspace, as (name, is it for tests only).
    pub(crate) fn arrows(self) -> impl Iterator<Item = (&'a str, bool)> {
        elements(&self.0["dependencies"])
            .filter(|dependency| dependency["path"].is_string())
            .map(|dependency| (text(&dependency["name"]), dependency["kind"] == "dev"))
    }
}

/// Builds the three binaries as they are shipped, and returns the folder they are in.
pub(crate) fn build_binaries(profile: Profile) -> Outcome<PathBuf> {
    let mut command = cargo(&["build", "--bins"]);
    for package in ["restic-manager-server-bin", "restic-manager-agent-bin", "restic-manager-web-bin"] {
        command.args(["-p", package]);
    }
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    shell::run(&mut command)?;
    Ok(Metadata::load()?.target_directory()?.join(folder))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Cargo, to be run at the root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.current_dir(root()).args(arguments);
    command
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
