//! Type checks for the other platforms that we build for.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::shell;
use crate::workspace::cargo;

struct Platform {
    target: &'static str,
    /// What compiles the C in ring and SQLite.
    compiler: &'static str,
    packages: &'static [&'static str],
}

const PLATFORMS: &[Platform] = &[
    Platform {
        target: "aarch64-unknown-linux-gnu",
        compiler: "aarch64-linux-gnu-gcc",
        packages: &["restic-manager-server-bin", "restic-manager-agent-bin", "restic-manager-web-bin"],
    },
    // What an agent for Windows will be made of; the agent itself is not there yet.
    Platform {
        target: "x86_64-pc-windows-gnu",
        compiler: "x86_64-w64-mingw32-gcc",
        packages: &["restic-manager-proto", "restic-manager-restic", "restic-manager-crypto"],
    },
];

/// Checks each platform whose compiler and standard library are here; of another it says why not.
pub(super) fn check() -> Outcome {
    for platform in PLATFORMS {
        match platform.lacking()? {
            Some(lacking) => println!("{}: not checked, {lacking}", platform.target),
            None => platform.check()?,
        }
    }
    Ok(())
}

impl Platform {
    fn lacking(&self) -> Outcome<Option<String>> {
        if shell::find_program(self.compiler).is_none() {
            return Ok(Some(format!("no {} here", self.compiler)));
        }
        let mut rustc = Command::new("rustc");
        let library = shell::output(rustc.args(["--print", "target-libdir", "--target", self.target]))?;
        let has_library = std::fs::read_dir(library.trim()).is_ok_and(|mut files| files.next().is_some());
        Ok((!has_library).then(|| format!("no standard library for it: `rustup target add {}`", self.target)))
    }

    fn check(&self) -> Outcome {
        let mut command = cargo(&["check", "--quiet", "--all-features", "--target", self.target]);
        for package in self.packages {
            command.args(["-p", package]);
        }
        let told = |failure: Failure| Failure::new(format!("{}: {failure}", self.target));
        shell::run(&mut command).map_err(told)
    }
}
