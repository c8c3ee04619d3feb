//! Runs a backup, shows its progress, and stops it on Ctrl-C so that no lock stays behind.
//!
//! ```text
//! cargo run --features process --example backup_with_cancel -- /srv/repository /etc /home
//! ```
//!
//! The repository is a folder; its password is read from the file that `RESTIC_PASSWORD_FILE` names.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use restic_manager_restic::Event;
use restic_manager_restic::command::{
    Backup, Command as _, Connection, Environment, Local, Password, Repository,
};
use restic_manager_restic::process::{Finished, Input, Program, Runner};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let (Some(repository), sources @ [_, ..]) = (words.next(), &words.collect::<Vec<OsString>>()[..]) else {
        eprintln!("usage: backup_with_cancel REPOSITORY SOURCE...");
        return Ok(ExitCode::FAILURE);
    };
    let password = env::var_os("RESTIC_PASSWORD_FILE").ok_or("set RESTIC_PASSWORD_FILE")?;

    let runner = Runner::new(Program::find("restic", &env::var_os("PATH").unwrap_or_default())?);
    let environment = Environment::from_lookup(|name| env::var_os(name));
    let version = runner.version(&environment).await?;

    let repository = Repository::new(Local::new(repository), Password::File(password.into()));
    let connection = Connection::new(repository, environment);
    let invocation = Backup::paths(sources).prepare(&connection, &version)?;
    println!("{}", invocation.command_line());

    let finished = run(&runner, &invocation).await?;
    println!("{}. {}", finished.outcome, finished.outcome.advice());
    if finished.lock_may_remain {
        println!("A lock may have stayed behind: look at `restic list locks`.");
    }
    Ok(if finished.outcome.cause.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(
    runner: &Runner,
    invocation: &restic_manager_restic::command::Invocation,
) -> Result<Finished, Box<dyn Error>> {
    let mut running = runner.spawn(invocation, Input::Null).await?;
    loop {
        tokio::select! {
            event = running.next_event() => match event {
                Some(Event::Status(status)) => println!("{:3.0} %", status.fraction() * 100.0),
                Some(Event::BackupSummary(summary)) => println!("snapshot {:?}", summary.snapshot_id),
                Some(Event::Failure(failure)) => eprintln!("{}", failure.text()),
                Some(_) => {}
                None => break,
            },
            _ = tokio::signal::ctrl_c() => running.cancel(),
        }
    }
    Ok(running.wait().await)
}
