//! `admin`: what may be done without being signed in, by whoever may read the server's files.

use std::io::{BufRead as _, IsTerminal as _, stderr, stdin};
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};
use restic_manager_server::recovery::{NewPassword, Recovered, Reset, recover};
use restic_manager_server::{SecretString, SystemClock, SystemRandom};
use restic_manager_store::{PageRequest, Store, users::User};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::config::Config;
use crate::logging;
use crate::run::{could_not, look_at_store, open_store};
use crate::settings::Refusal;

pub(crate) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("admin")
        .about("Restore access from the server's machine; works while the server runs, too")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("List who has an account: role, second factor, whether sign-in works"))
        .subcommand(
            Command::new("reset")
                .about("Let somebody in again: print a setup link that works once and for an hour")
                .after_help(
                    "Every session of the user ends, every second factor is removed, every API token is revoked: whoever took the \
                     account over keeps nothing. What was done is in the audit log and in the log as a warning.\n\n\
                     Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n\n\
                     Examples:\n  restic-manager-server admin reset alice\n  \
                     restic-manager-server admin reset alice --password < new-password\n  \
                     restic-manager-server admin reset alice --enable\n  \
                     restic-manager-server admin reset root --make-admin",
                )
                .arg(Arg::new("name").value_name("NAME").required(true).help("The name to sign in with"))
                .arg(flag("password", "Ask for the new password, or read it from a pipe, instead of making a link"))
                .arg(flag("enable", "Allow sign-in again, if it is refused"))
                .arg(flag("make-admin", "Make the user an admin, or add one; only while no admin can sign in")),
        )
}

pub(crate) fn run(config: &Config, matches: &ArgMatches) -> Result<(), Refusal> {
    logging::start(&config.log, &config.log_format).map_err(Refusal)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| could_not("start", &error))?;
    runtime.block_on(async {
        // Neither brings the schema up to date: that is for the server alone, and an older one may be running.
        let look = look_at_store(config).await?;
        let Some(("reset", matches)) = matches.subcommand() else { return list(&*look).await };
        drop(look);
        let store = open_store(config).await?;
        let done = reset(config, &*store, matches).await;
        store.close().await.map_err(|error| could_not("close the database", &error))?;
        done
    })
}

async fn list(store: &dyn Store) -> Result<(), Refusal> {
    let failed = |error| could_not("read the database", &error);
    let mut read = store.read().await.map_err(failed)?;
    let mut part = PageRequest::first(PageRequest::<()>::LIMIT);
    loop {
        let page = read.users().page(part).await.map_err(failed)?;
        for user in &page.items {
            let factor = match read.factors().has_second(user.id).await.map_err(failed)? {
                true => "second factor",
                false => "password alone",
            };
            println!("{:<24} {:<9} {factor:<15} {}", user.name, user.role, standing(user));
        }
        match page.next {
            Some(next) => part = PageRequest::after(next, PageRequest::<()>::LIMIT),
            None => return Ok(()),
        }
    }
}

fn standing(user: &User) -> &'static str {
    match (user.disabled, user.password_set) {
        (true, _) => "sign-in refused",
        (false, Some(_)) => "active",
        (false, None) => "invited, no password yet",
    }
}

async fn reset(config: &Config, store: &dyn Store, matches: &ArgMatches) -> Result<(), Refusal> {
    let name = matches.get_one::<String>("name").cloned().unwrap_or_default();
    let password = if matches.get_flag("password") {
        NewPassword::Given(SecretString::new(read_password(&name)?))
    } else {
        NewPassword::Link
    };
    let reset = Reset {
        name,
        password,
        enable: matches.get_flag("enable"),
        make_admin: matches.get_flag("make-admin"),
        operator: operator(),
    };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom::new()));
    let recovered = recover(store, &config.engine, clock, random, &reset).await;
    tell(&recovered.map_err(|error| could_not("restore access", &error))?);
    Ok(())
}

fn tell(recovered: &Recovered) {
    let Recovered { name, role, added, link, sessions_ended, tokens_revoked, factors_removed } = recovered;
    let did = if *added { "was added" } else { "can get in again" };
    println!("{name} ({role}) {did}; sessions ended: {sessions_ended}, API tokens revoked: {tokens_revoked}");
    if *factors_removed {
        println!("The second factor was removed: set one up again after signing in.");
    }
    if let Some((link, expires)) = link {
        println!("\nOpen this link, which works once and until {expires}:\n\n    {}", link.expose());
    }
}

/// Who runs the command, for the audit log. `sudo` keeps who it was before.
pub(crate) fn operator() -> String {
    let known = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name: String = known.unwrap_or_else(|| "unknown".to_owned()).chars().take(64).collect();
    format!("{name} on the server's machine")
}

/// From a pipe the first line; from a terminal without showing it, twice.
fn read_password(name: &str) -> Result<String, Refusal> {
    if !stdin().is_terminal() {
        return line();
    }
    let password = ask(&format!("New password of {name}: "))?;
    if ask("The same again: ")? != password {
        return Err(Refusal("the two differ; nothing was changed".to_owned()));
    }
    Ok(password)
}

fn ask(question: &str) -> Result<String, Refusal> {
    use std::io::Write as _;
    let failed = |error: std::io::Error| could_not("use the terminal", &error);
    write!(stderr(), "{question}").map_err(failed)?;
    let before = tcgetattr(stdin()).map_err(|error| failed(error.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Flush, &silent).map_err(|error| failed(error.into()))?;
    let answer = line();
    tcsetattr(stdin(), OptionalActions::Now, &before).map_err(|error| failed(error.into()))?;
    writeln!(stderr()).map_err(failed)?;
    answer
}

fn line() -> Result<String, Refusal> {
    let mut line = String::new();
    let read = stdin().lock().read_line(&mut line);
    read.map_err(|error| could_not("read the password", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
