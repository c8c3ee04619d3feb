//! The stock restic-manager server: reads configuration, builds the parts, installs signal handlers, runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to who starts it")]

mod accept;
mod admin;
mod alerts;
mod config;
#[cfg(unix)]
#[path = "../../common/dumps.rs"]
mod dumps;
mod keys;
#[path = "../../common/logging.rs"]
mod logging;
mod proof;
mod reference;
mod run;
#[path = "../../common/settings.rs"]
mod settings;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use config::{Config, FOREIGN, TABLE};
use settings::{Refusal, Settings};

const NAME: &str = "restic-manager-server";

fn main() -> ExitCode {
    let matches = command().get_matches();
    match act(&matches) {
        Ok(code) => code,
        Err(refusal) => {
            eprintln!("{NAME}: {refusal}");
            // For `audit`, 1 would say that the log is broken.
            if matches.subcommand_name() == Some("audit") { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn command() -> Command {
    let file = Arg::new("config").long("config").value_name("FILE").global(true);
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about("The control plane for restic on a fleet of hosts")
        .arg(file.help("TOML file with settings [RM_CONFIG]"))
        .args(settings::arguments(TABLE))
        .subcommand(Command::new("run").about("Serve until asked to stop (the default)"))
        .subcommand(
            Command::new("check-config").about("Say whether the configuration is good, and change nothing"),
        )
        .subcommand(proof::command())
        .subcommand(keys::command())
        .subcommand(admin::command())
        .subcommand(accept::command())
        .subcommand(
            Command::new("reference")
                .about("Print the page about all settings, limits or metrics, as Markdown")
                .arg(
                    Arg::new("page")
                        .value_parser(["settings", "limits", "metrics"])
                        .default_value("settings"),
                )
                .hide(true),
        )
        .subcommand(
            Command::new("alerts-reference").about("Print the page about all alerts, as Markdown").hide(true),
        )
}

fn act(matches: &ArgMatches) -> Result<ExitCode, Refusal> {
    #[cfg(unix)]
    dumps::forbid().map_err(|error| Refusal(format!("could not forbid core dumps: {error}")))?;
    let (verb, flags) = matches.subcommand().unwrap_or(("run", matches));
    if verb == "reference" {
        match flags.get_one::<String>("page").map(String::as_str) {
            Some("limits") => print!("{}", reference::limits()),
            Some("metrics") => print!("{}", reference::metrics()),
            _ => print!("{}{}", settings::reference(NAME, TABLE), reference::of(&command())),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if verb == "alerts-reference" {
        print!("{}", alerts::page());
        return Ok(ExitCode::SUCCESS);
    }
    let task = flags.subcommand();
    if let ("audit", Some(("verify", matches))) = (verb, task)
        && let Some(code) = proof::offline(matches)
    {
        return Ok(code);
    }
    let file = flags.get_one::<String>("config").cloned().or_else(|| std::env::var("RM_CONFIG").ok());
    let environment = std::env::vars().filter(|(name, _)| name != "RM_CONFIG");
    let settings = Settings::read(TABLE, FOREIGN, flags, environment, file.map(PathBuf::from).as_deref())?;
    let config = Config::read(&settings)?;
    if verb == "check-config" {
        println!("the configuration is good");
        return Ok(ExitCode::SUCCESS);
    }
    match (verb, task) {
        ("audit", Some((task, matches))) => run::block_on(proof::online(task, matches, &config)),
        ("accept-database", _) => run::block_on(accept::run(&config))?.map(|()| ExitCode::SUCCESS),
        ("admin", _) => admin::run(&config, flags).map(|()| ExitCode::SUCCESS),
        ("keys", Some((task, _))) => run::block_on(keys::act(task, &config))?,
        _ => run::run(config).map(|()| ExitCode::SUCCESS),
    }
}
