//! Scripts beside restic.

use std::future::{pending, ready};
use std::time::Duration;

use restic_manager_restic::command::Environment;
use restic_manager_restic::exit::Termination;
use restic_manager_restic::process::{Program, Script, ScriptEnd, Stream};

fn script(text: &str) -> Script {
    let environment = Environment::from_lookup(|name| std::env::var_os(name));
    let shell = Program::at("/bin/sh").expect("a shell");
    let mut script = Script::new(shell, environment, Duration::from_secs(60));
    script.arguments.push("-s".into());
    script.input = text.as_bytes().to_vec();
    script.drain = Duration::from_millis(300);
    script
}

async fn run(script: Script) -> (ScriptEnd, Vec<(Stream, String)>) {
    let mut lines = Vec::new();
    let see = |stream, line: &str| lines.push((stream, line.to_owned()));
    let end = script.run(pending(), see).await.expect("a script that starts");
    (end, lines)
}

#[tokio::test]
async fn its_lines_are_shown_and_its_code_is_told() {
    let (end, lines) = run(script("echo one; echo two >&2; printf three; exit 7")).await;
    assert_eq!(end, ScriptEnd::Exited(Termination::Code(7)));
    let of =
        |wanted| lines.iter().filter(move |(stream, _)| *stream == wanted).map(|(_, line)| line.as_str());
    assert!(of(Stream::Stdout).eq(["one", "three"]), "{lines:?}");
    assert!(of(Stream::Stderr).eq(["two"]), "{lines:?}");
}

#[tokio::test]
async fn a_text_longer_than_a_pipe_and_a_line_without_an_end_pass() {
    let text = format!("{}\nhead -c 100000 /dev/zero | tr '\\0' x", "# comment\n".repeat(20_000));
    let (end, lines) = run(script(&text)).await;
    assert!(end.is_success(), "{end:?}");
    let whole: String = lines.into_iter().map(|(_, line)| line).collect();
    assert_eq!(whole, "x".repeat(100_000));
}

#[tokio::test]
async fn it_has_the_variables_that_it_is_given_and_no_others() {
    let mut one = script("env");
    one.environment = Environment::empty().with_variable("RM_JOB_STATUS", "failed").expect("a name");
    let (_, lines) = run(one).await;
    let mut lines: Vec<_> = lines.iter().map(|(_, line)| line.as_str()).collect();
    lines.retain(|line| !line.starts_with("PWD=") && !line.starts_with("_="));
    lines.sort_unstable();
    assert_eq!(lines, ["LANG=C", "LC_ALL=C", "RM_JOB_STATUS=failed"]);
}

#[tokio::test]
async fn it_is_killed_with_its_children_when_its_time_is_up() {
    let mut slow = script("sleep 1000 & echo $!; wait");
    slow.timeout = Duration::from_millis(300);
    let (end, lines) = run(slow).await;
    assert_eq!(end, ScriptEnd::TimedOut);
    assert!(is_gone(&lines[0].1), "{lines:?}");
}

#[tokio::test]
async fn it_is_killed_when_it_is_asked_to_stop() {
    let end = script("sleep 1000").run(ready(()), |_, _| {}).await;
    assert_eq!(end, Ok(ScriptEnd::Stopped));
}

#[tokio::test]
async fn what_it_leaves_behind_lives_on_and_holds_nobody_up() {
    let (end, lines) = run(script("sleep 1000 & echo $!")).await;
    assert!(end.is_success(), "{end:?}");
    assert!(!is_gone(&lines[0].1), "a service that it started is not its to take away");
    let killed = std::process::Command::new("kill").arg(&lines[0].1).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

/// Whether a process has ended; what nobody has reaped yet has ended too.
fn is_gone(process: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_none_or(|rest| rest.trim().is_empty() || rest.trim().starts_with('Z'))
}
