//! Running other programs: shown, without input, and with an honest answer.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::failure::{Failure, Outcome};

/// Cargo as it would be typed: without the variables that `cargo run` sets for this program. Build scripts that watch
/// them would otherwise run again each time.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_package) {
            command.env_remove(name);
        }
    }
    if is_ci() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Whether this runs unattended; what an attended run may skip with a notice is an error then.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Runs a command with the terminal as its output.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status =
        announce(command).stdin(Stdio::null()).status().map_err(|error| could_not_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} ended with {status}", line_of(command))))
    }
}

/// Runs a command quietly and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| could_not_start(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{} ended with {}\n{}", line_of(command), output.status, stderr.trim())))
}

/// Whether a command runs and succeeds; its output is of no interest.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command with the terminal as its output and also returns what it said on both streams.
pub(crate) fn tee(command: &mut Command) -> Outcome<(bool, String)> {
    announce(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| could_not_start(command, &error))?;
    let said = Arc::new(Mutex::new(String::new()));
    let readers = [
        child.stdout.take().map(|pipe| follow(pipe, std::io::stdout(), Arc::clone(&said))),
        child.stderr.take().map(|pipe| follow(pipe, std::io::stderr(), Arc::clone(&said))),
    ];
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    let status = child.wait()?;
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    Ok((status.success(), said))
}

/// Puts the folder of a program first on the search path of a command.
pub(crate) fn put_on_path(command: &mut Command, program: &Path) -> Outcome {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = program.parent().map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).map_err(|error| Failure::new(error.to_string()))?);
    Ok(())
}

/// Where a program of this name is on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

pub(crate) fn is_executable(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn is_of_this_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn announce(command: &mut Command) -> &mut Command {
    println!("$ {}", line_of(command));
    command
}

/// Arguments only: the environment may carry secrets.
fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn could_not_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("could not start {}: {error}", command.get_program().to_string_lossy()))
}

fn follow(
    pipe: impl Read + Send + 'static,
    mut terminal: impl Write + Send + 'static,
    said: Arc<Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let _ = terminal.write_all(&line);
            if let Ok(mut said) = said.lock() {
                said.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tee_keeps_both_streams_and_the_status() {
        let (success, said) = tee(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert!(!success);
        assert!(said.contains("out\n") && said.contains("err\n"), "{said}");
    }

    #[test]
    fn a_failed_command_is_named_with_what_it_said() {
        let failure =
            output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(failure.contains("why") && failure.contains("sh -c"), "{failure}");
    }
}
