//! `cargo xtask record`: the restic crate's corpus, from each restic version that is there.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::install::{self, Tool};
use crate::{shell, workspace};

const SCRIPT: &str = "restic-manager-restic/tests/record.sh";
const NEEDS: &[Tool] = &[Tool::Restic, Tool::RestServer];

pub(crate) fn run(_: &[String]) -> Outcome {
    let installed = install::ensure(NEEDS)?;
    if let Some(reason) = installed.lacking(NEEDS) {
        return Err(reason.clone());
    }
    let script = workspace::root().join(SCRIPT);
    if !script.exists() {
        return Err(Failure::new(format!("{SCRIPT} is not there")));
    }
    let mut command = Command::new("bash");
    installed.export(&mut command);
    shell::run(command.arg(script).current_dir(workspace::root()))
}
