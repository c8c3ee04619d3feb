//! The stock restic-manager agent: reads its command line, builds the engine, installs signal handlers, runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to who starts it")]

mod announce;
#[cfg(unix)]
#[path = "../../common/dumps.rs"]
mod dumps;
mod enrol;
mod failure;
#[path = "../../common/logging.rs"]
mod logging;
mod run;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use restic_manager_agent::config::Config;
use restic_manager_agent::policy::PolicySource;
use restic_manager_agent::status::Status;

use failure::{Failure, could_not};

#[cfg(not(windows))]
const DEFAULT_CONFIG: &str = "/etc/restic-manager/agent.toml";
#[cfg(windows)]
const DEFAULT_CONFIG: &str = r"C:\ProgramData\restic-manager\agent.toml";

/// Runs restic on this host for a restic-manager server.
///
/// Exit codes: 0 done, 1 failed and worth another try, 2 wrong usage, 3 a person must mend configuration or files,
/// 4 the server refused, 5 an admin rejected the announced host.
#[derive(Parser)]
#[command(name = "restic-manager-agent", version)]
struct Cli {
    /// The configuration file, which enrolment writes
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// The filter of the log, such as info,restic_manager_agent=debug
    #[arg(long, global = true, value_name = "FILTER", env = "RM_LOG", default_value = "info")]
    log: String,
    /// text or json
    #[arg(long, global = true, value_name = "FORMAT", env = "RM_LOG_FORMAT", default_value = "text")]
    log_format: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Work for the server until asked to stop
    Run,
    /// Spend a one-time token: become a host of the server, and write the configuration
    Enrol(enrol::Arguments),
    /// Announce this host without a token: print its fingerprint, wait until an admin accepts it, write the configuration
    Announce(announce::Arguments),
    /// Say how the agent is; exit code 1 when it is not connected
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say whether the configuration is good, and change nothing
    CheckConfig,
}

fn main() -> ExitCode {
    match act(&Cli::parse()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("restic-manager-agent: {failure}");
            failure.code()
        }
    }
}

fn act(cli: &Cli) -> Result<ExitCode, Failure> {
    #[cfg(unix)]
    dumps::forbid().map_err(|error| Failure::Again(format!("could not forbid core dumps: {error}")))?;
    match &cli.verb {
        Verb::Run => {
            logging::start(&cli.log, &cli.log_format).map_err(Failure::Person)?;
            run::run(read_config(cli)?)?;
        }
        Verb::Enrol(arguments) => {
            logging::start(&cli.log, &cli.log_format).map_err(Failure::Person)?;
            println!("{}", enrol::enrol(arguments, &cli.config)?);
        }
        Verb::Announce(arguments) => {
            logging::start(&cli.log, &cli.log_format).map_err(Failure::Person)?;
            println!("{}", announce::announce(arguments, &cli.config)?);
        }
        Verb::Status { json } => return status(&read_config(cli)?, *json),
        Verb::CheckConfig => {
            let config = read_config(cli)?;
            println!("the configuration is good; the server is {}", config.server);
            println!("{}", policy(&config)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_config(cli: &Cli) -> Result<Config, Failure> {
    Config::read(&cli.config).map_err(|error| Failure::Person(could_not(&error)))
}

/// What the host lets its server do, in words.
fn policy(config: &Config) -> Result<String, Failure> {
    let report = config.policy().read();
    match report.source {
        PolicySource::Unusable => {
            Err(Failure::Person(format!("could not use {}: {}", report.file, report.problem)))
        }
        PolicySource::Default => {
            Ok(format!("there is no policy file {}: all is allowed but hooks", report.file))
        }
        _ => Ok(format!("the policy in {} is good: {}", report.file, report.digest)),
    }
}

fn status(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let status = Status::read(config);
    if json {
        let text =
            serde_json::to_string_pretty(&status).map_err(|error| Failure::Again(could_not(&error)))?;
        println!("{text}");
    } else {
        print!("{status}");
    }
    Ok(if status.is_connected() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
