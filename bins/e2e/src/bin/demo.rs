//! Runs the demo; `cargo xtask demo` prepares it and starts it.
#![expect(clippy::print_stderr, reason = "a command-line program talks to its terminal")]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let once = std::env::args().any(|argument| argument == "--once");
    match restic_manager_e2e::demo(once).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("the demo failed: {failure}");
            ExitCode::FAILURE
        }
    }
}
