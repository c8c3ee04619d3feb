//! Becoming a host.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use restic_manager_agent::config::{Config, ConfigError, ServerUrl};
use restic_manager_agent::link::{
    EnrolError, EnrolRequest, Enrolled, IfEnrolled, LinkError, TcpDialer, enrol as spend,
};
use restic_manager_agent::{Fingerprint, SecretString, SystemClock, SystemRandom, collect_facts};

use crate::failure::{Failure, could_not};
use crate::run::{credentials_folder, runtime};

/// A token is at most this long; more is something else.
const TOKEN_BYTES: u64 = 4096;
const TOKEN_VARIABLE: &str = "RM_ENROL_TOKEN";

/// The token has no flag: it comes by RM_ENROL_TOKEN, by a file, or on standard input, and is seen by nobody else.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The server, such as `https://backup.example.com`
    #[arg(long, value_name = "URL", env = "RM_SERVER")]
    server: ServerUrl,
    /// A file with the one-time token, or - for standard input; RM_ENROL_TOKEN when not given
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    host: HostArguments,
}

/// Spends the token and returns what to tell the operator.
pub(crate) fn enrol(arguments: &Arguments, config_path: &Path) -> Result<String, Failure> {
    let token = read_token(arguments.token_file.as_deref())?;
    let request = arguments.host.request(arguments.server.clone(), config_path)?;
    let dialer = TcpDialer::new(&request.config);
    let (clock, random) = (Arc::new(SystemClock) as _, Arc::new(SystemRandom::new()) as _);
    let enrolled = runtime()?.block_on(spend(request, token, &dialer, &clock, &random)).map_err(sort)?;
    Ok(welcome(&enrolled))
}

/// What both ways of becoming a host are told.
#[derive(Args)]
pub(crate) struct HostArguments {
    /// The server's fingerprint, as its pages show it
    #[arg(long, value_name = "FINGERPRINT", env = "RM_SERVER_FINGERPRINT")]
    fingerprint: Fingerprint,
    /// Where the agent keeps its key, its outbox and what it knows
    #[arg(long, value_name = "FOLDER")]
    state_folder: Option<PathBuf>,
    /// The restic to run, an absolute path; looked for along the search path when not given
    #[arg(long, value_name = "FILE")]
    restic: Option<PathBuf>,
    /// Enrol again when this host is enrolled already, and forget the old enrolment
    #[arg(long)]
    replace: bool,
}

impl HostArguments {
    /// What is in the configuration already stays, but for the server and what is given here.
    pub(crate) fn request(&self, server: ServerUrl, config_path: &Path) -> Result<EnrolRequest, Failure> {
        let mut config = match Config::read(config_path) {
            Ok(config) => Config { server, server_fingerprint: self.fingerprint, ..config },
            Err(ConfigError::Missing { .. }) => Config::new(server, self.fingerprint),
            Err(error) => return Err(Failure::Person(could_not(&error))),
        };
        if let Some(folder) = &self.state_folder {
            config.state_folder.clone_from(folder);
        }
        if self.restic.is_some() {
            config.restic.clone_from(&self.restic);
        }
        Ok(EnrolRequest {
            config,
            config_path: config_path.to_path_buf(),
            facts: collect_facts(None),
            if_enrolled: if self.replace { IfEnrolled::Replace } else { IfEnrolled::Refuse },
            credentials: credentials_folder(),
        })
    }
}

pub(crate) fn welcome(enrolled: &Enrolled) -> String {
    format!(
        "This host is {} now. Start the agent: systemctl enable --now restic-manager-agent, or restic-manager-agent run.",
        enrolled.host_name.escape_debug()
    )
}

fn read_token(file: Option<&Path>) -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = match file {
        None => return from_environment(),
        Some(path) if path == Path::new("-") => std::io::stdin().take(TOKEN_BYTES).read_to_string(&mut text),
        Some(path) => {
            std::fs::File::open(path).and_then(|file| file.take(TOKEN_BYTES).read_to_string(&mut text))
        }
    };
    read.map_err(|error| Failure::Person(format!("could not read the token: {error}")))?;
    Ok(SecretString::new(text))
}

fn from_environment() -> Result<SecretString, Failure> {
    let missing = || Failure::Person(format!("there is no token: set {TOKEN_VARIABLE} or give --token-file"));
    std::env::var(TOKEN_VARIABLE).map(SecretString::new).map_err(|_| missing())
}

pub(crate) fn sort(error: EnrolError) -> Failure {
    let text = could_not(&error);
    match error {
        EnrolError::Link(LinkError::Connect(_)) | EnrolError::Expired | EnrolError::Stopped => {
            Failure::Again(text)
        }
        EnrolError::Rejected => Failure::Rejected(text),
        EnrolError::Link(_) | EnrolError::Token(_) | EnrolError::NoToken => Failure::Refused(text),
        _ => Failure::Person(text),
    }
}
