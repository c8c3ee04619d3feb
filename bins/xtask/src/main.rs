//! The project's own commands, run as `cargo xtask <command>`.
//!
//! Owns everything around the build: installing what tests need, running them, the checks of CI. It never links
//! the crates it checks, so that it builds first and alone.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to its terminal"
)]

mod arrows;
mod bench;
mod ci;
mod demo;
mod facts;
mod failure;
mod generated;
mod install;
mod lines;
mod record;
mod shell;
mod test;
mod workspace;

use std::process::ExitCode;

use failure::{Failure, Outcome};

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    operands: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        operands: "[--once]",
        about: "start server, agent and a repository, back up real files, print URL and login",
        run: demo::run,
    },
    Command {
        name: "test",
        operands: "[suite…] [-- name…]",
        about: "install what is missing and run all suites, or those named, or tests with such names",
        run: test::run,
    },
    Command {
        name: "ci", operands: "[step…]", about: "run what CI runs, or the steps named", run: ci::run
    },
    Command {
        name: "arrows",
        operands: "",
        about: "check which crates, modules and files of ours depend on which, and print the map",
        run: arrows::run,
    },
    Command {
        name: "api",
        operands: "",
        about: "list the public API of the published crates anew",
        run: ci::api::run,
    },
    Command {
        name: "bench", operands: "[name…]", about: "measure, and print the figures", run: bench::run
    },
    Command {
        name: "facts",
        operands: "",
        about: "print dependencies, build time and documentation coverage of the restic crate",
        run: facts::run,
    },
    Command {
        name: "lines",
        operands: "",
        about: "print how large the files and functions of each crate are, without tests",
        run: lines::run,
    },
    Command {
        name: "docs",
        operands: "[page…]",
        about: "write the pages that are generated from tables in the code, or those with such names",
        run: generated::run,
    },
    Command {
        name: "install",
        operands: "[tool…]",
        about: "fetch the programs that tests and demo use into the cache folder",
        run: install::run,
    },
    Command {
        name: "record",
        operands: "[version…]",
        about: "record the restic crate's corpus anew from real restic",
        run: record::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first() else {
        print_usage();
        return Ok(());
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_usage();
        return Ok(());
    }
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| Failure::new(format!("no command {name:?}; `cargo xtask help` lists them")))?;
    (command.run)(rest)
}

fn print_usage() {
    println!("cargo xtask <command>\n");
    for command in COMMANDS {
        println!("  {:<18} {}", format!("{} {}", command.name, command.operands), command.about);
    }
    println!("\nSuites of `test`:");
    for suite in test::SUITES {
        println!("  {:<18} {}", suite.name, suite.about);
    }
    println!("\nSteps of `ci`:");
    for step in ci::STEPS {
        println!("  {:<18} {}", step.name, step.about);
    }
}
