//! Where log lines go: standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging with a filter such as `info,restic_manager_server=debug`.
pub(crate) fn start(filter: &str, format: &str) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| format!("log: {error}; an example: info,hyper=warn"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        "text" => log.with_ansi(std::io::stderr().is_terminal()).init(),
        "json" => log.json().init(),
        other => return Err(format!("log_format: {other:?} is neither text nor json")),
    }
    Ok(())
}
