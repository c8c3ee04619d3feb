//! `cargo xtask demo`: builds the binaries, finds the tools and hands over to the demo program of the e2e package.

use crate::failure::{Failure, Outcome};
use crate::install::{self, Tool};
use crate::shell;
use crate::workspace::{Profile, build_binaries, cargo};

const NEEDS: &[Tool] = &[Tool::Restic, Tool::RestServer];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--once") {
        return Err(Failure::new(format!("demo knows --once, not {unknown}")));
    }
    let installed = install::ensure(NEEDS)?;
    if let Some(reason) = installed.lacking(NEEDS) {
        return Err(reason.clone());
    }
    let binaries = build_binaries(Profile::Debug)?;
    let mut command =
        cargo(&["run", "--quiet", "-p", "restic-manager-e2e", "--bin", "restic-manager-demo", "--"]);
    installed.export(&mut command);
    shell::run(command.args(arguments).env("RESTIC_MANAGER_BIN_DIR", binaries))
}
