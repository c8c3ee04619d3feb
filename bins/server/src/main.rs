//! The stock restic-manager server: reads configuration, builds the parts, installs signal handlers, runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to who starts it")]

mod config;
#[path = "../../common/logging.rs"]
mod logging;
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
    match act(&command().get_matches()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("{NAME}: {refusal}");
            ExitCode::FAILURE
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
        .subcommand(
            Command::new("reference").about("Print the page about all settings, as Markdown").hide(true),
        )
}

fn act(matches: &ArgMatches) -> Result<(), Refusal> {
    let (verb, flags) = matches.subcommand().unwrap_or(("run", matches));
    if verb == "reference" {
        print!("{}", settings::reference(NAME, TABLE));
        return Ok(());
    }
    let file = flags.get_one::<String>("config").cloned().or_else(|| std::env::var("RM_CONFIG").ok());
    let environment = std::env::vars().filter(|(name, _)| name != "RM_CONFIG");
    let settings = Settings::read(TABLE, FOREIGN, flags, environment, file.map(PathBuf::from).as_deref())?;
    let config = Config::read(&settings)?;
    if verb == "check-config" {
        println!("the configuration is good");
        return Ok(());
    }
    run::run(config)
}
