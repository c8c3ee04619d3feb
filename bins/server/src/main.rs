//! The stock restic-manager server: reads configuration, builds the parts, installs signal handlers, runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to who starts it")]

mod admin;
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
        .subcommand(admin::command())
        .subcommand(
            Command::new("reference").about("Print the page about all settings, as Markdown").hide(true),
        )
}

/// The commands, as a section of the reference page.
fn command_reference() -> String {
    let mut section = String::from("\n## Commands\n\n| Command | Flag | Meaning |\n|---|---|---|\n");
    for command in command().get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(command, "", &mut section);
    }
    section
}

fn describe(command: &Command, path: &str, section: &mut String) {
    let operands =
        command.get_positionals().map(|operand| format!(" {}", operand.get_id().as_str().to_uppercase()));
    let name = format!("{path}{}{}", command.get_name(), operands.collect::<String>());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    section.push_str(&format!("| `{name}` |  | {about} |\n"));
    let own = command.get_opts().filter(|flag| !flag.is_global_set());
    for flag in own {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        section.push_str(&format!("| `{name}` | `--{}` | {help} |\n", flag.get_long().unwrap_or_default()));
    }
    for inner in command.get_subcommands() {
        describe(inner, &format!("{} ", command.get_name()), section);
    }
}

fn act(matches: &ArgMatches) -> Result<(), Refusal> {
    let (verb, flags) = matches.subcommand().unwrap_or(("run", matches));
    if verb == "reference" {
        print!("{}{}", settings::reference(NAME, TABLE), command_reference());
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
    match (verb, flags) {
        ("admin", matches) => admin::run(&config, matches),
        _ => run::run(config),
    }
}
