//! Every way a run can end.

use std::time::Duration;

use restic_manager_restic::exit::Termination;
use restic_manager_restic::process::{
    Input, IoPriority, Program, Runner, SpawnError, Stop, Stream, VersionError,
};
use restic_manager_restic::{Cause, Event};

use super::support::{Script, backup, document};

#[tokio::test]
async fn an_exit_code_is_judged_with_what_was_printed() {
    let script = Script::new("echo 'Fatal: wrong password or no key found' >&2; exit 12");
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert_eq!(finished.outcome.cause, Cause::WrongPassword);
    assert_eq!(finished.outcome.termination, Termination::Code(12));
    assert_eq!(finished.stderr, "Fatal: wrong password or no key found\n");
    assert_eq!(finished.verb, "backup");
    assert!(!finished.lock_may_remain && finished.stop.is_none() && !finished.was_killed);
}

#[tokio::test]
async fn each_event_says_which_stream_it_came_from() {
    let script = Script::new("echo out; sleep 0.1; echo err >&2; sleep 0.1; echo out");
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    let mut seen = Vec::new();
    while let Some(Event::Text { text, .. }) = running.next_event().await {
        seen.push((text, running.last_stream()));
    }
    assert!(seen.len() == 3, "{seen:?}");
    for (text, stream) in seen {
        assert_eq!(text == "err", stream == Stream::Stderr);
    }
}

#[tokio::test]
async fn a_missing_folder_is_not_taken_for_a_missing_restic() {
    let mut script = Script::new("exit 0");
    script.runner.options.working_directory = Some(script.path("nowhere"));
    assert_eq!(script.runner.spawn(&backup(), Input::Null).await.err(), Some(SpawnError::WorkingDirectory));
}

/// A program file that is open for writing cannot be executed.
#[tokio::test]
async fn a_restic_that_is_being_replaced_is_not_taken_for_a_missing_one() {
    let script = Script::new("exit 0");
    let copy = script.path("copy");
    std::fs::copy("/bin/true", &copy).expect("a program");
    let runner = Runner::new(Program::at(&copy).expect("a program"));
    let writer = std::fs::OpenOptions::new().append(true).open(&copy).expect("a writer");
    assert_eq!(runner.spawn(&backup(), Input::Null).await.err(), Some(SpawnError::Busy));
    drop(writer);
}

#[tokio::test]
async fn a_run_is_a_result() {
    let good =
        Script::new("exit 0").runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert!(good.into_result().is_ok());
    let bad =
        Script::new("exit 12").runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    let error: Box<dyn std::error::Error> = bad.into_result().expect_err("a failed run");
    assert_eq!(error.to_string(), "the password opens no key of the repository");
}

#[tokio::test]
async fn a_signal_from_elsewhere_is_told_and_may_leave_a_lock() {
    let script = Script::new("kill -9 $$");
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert_eq!(finished.outcome.termination, Termination::Signal(9));
    assert_eq!(finished.outcome.cause, Cause::Killed);
    assert!(finished.lock_may_remain && !finished.was_killed && finished.stop.is_none());
}

#[tokio::test]
async fn a_cancel_is_an_interrupt_first_and_what_is_said_after_it_is_heard() {
    let script = Script::new("trap 'echo cleaned; exit 130' INT; echo ready; while :; do sleep 0.02; done");
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    assert!(matches!(running.next_event().await, Some(Event::Text { text, .. }) if text == "ready"));
    running.cancel();
    assert!(matches!(running.next_event().await, Some(Event::Text { text, .. }) if text == "cleaned"));
    let finished = running.wait().await;
    assert_eq!(finished.stop, Some(Stop::Cancelled));
    assert_eq!(finished.outcome.cause, Cause::Interrupted);
    assert!(!finished.was_killed && !finished.lock_may_remain);
}

#[tokio::test]
async fn who_does_not_listen_is_killed_with_all_its_children() {
    let script = Script::new(
        "trap '' INT TERM; sleep 1000 & echo $! > $FOLDER/child; echo ready; while :; do sleep 0.02; done",
    );
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    assert!(running.next_event().await.is_some());
    let canceller = running.canceller();
    canceller.cancel();
    let finished = running.wait().await;
    assert!(finished.was_killed && finished.lock_may_remain);
    assert_eq!(finished.outcome.termination, Termination::Signal(9));
    gone(script.read("child").trim()).await;
    canceller.cancel();
}

#[tokio::test]
async fn a_deadline_climbs_the_same_ladder() {
    let mut script = Script::new("while :; do sleep 0.02; done");
    script.runner.options.deadline = Some(Duration::from_millis(50));
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert_eq!(finished.stop, Some(Stop::DeadlinePassed));
    assert!(matches!(finished.outcome.termination, Termination::Signal(_)));
}

#[tokio::test]
async fn an_abandoned_run_is_asked_to_stop_and_ends() {
    let script = Script::new(
        "trap 'echo heard > $FOLDER/heard; exit 130' INT; echo pid $$; while :; do sleep 0.02; done",
    );
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    let pid = pid(running.next_event().await);
    drop(running);
    gone(&pid).await;
    assert_eq!(script.read("heard"), "heard\n");
}

#[test]
fn a_runtime_that_ends_asks_its_children_to_stop() {
    let script = Script::new(
        "trap 'echo heard > $FOLDER/heard; exit 130' INT; echo pid $$; while :; do sleep 0.02; done",
    );
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let first = runtime();
    let (pid, running) = first.block_on(async {
        let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
        let pid = pid(running.next_event().await);
        (pid, running)
    });
    drop(first);
    runtime().block_on(async {
        let finished = running.wait().await;
        assert_eq!(finished.stop, Some(Stop::Abandoned));
        assert!(finished.lock_may_remain && !finished.outcome.cause.is_success());
        gone(&pid).await;
    });
    assert_eq!(script.read("heard"), "heard\n");
}

#[tokio::test]
async fn what_a_child_used_is_measured() {
    let script = Script::new("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done");
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    let used = finished.resources;
    assert!(used.user_time.is_some_and(|time| time > Duration::ZERO), "{used:?}");
    assert!(used.peak_memory_bytes.is_some_and(|bytes| bytes > 100_000), "{used:?}");
    assert!(used.elapsed > Duration::ZERO && used.system_time.is_some());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_is_as_nice_as_asked() {
    let mut script = Script::new("cut -d' ' -f19 /proc/self/stat; ionice; ps -o pgid= -p $$; echo $$");
    script.runner.options.priority.niceness = 7;
    script.runner.options.priority.io = IoPriority::Idle;
    let captured = script.runner.capture(&document(), 1000).await.expect("a child");
    let output = String::from_utf8(captured.stdout).expect("text");
    let words: Vec<_> = output.split_whitespace().collect();
    let own = rustix::process::getpriority_process(None).expect("our own");
    assert_eq!(words[..2], [(own + 7).min(19).to_string().as_str(), "idle"], "{output}");
    assert_eq!(words[2], words[3], "a group of its own: {output}");
}

#[tokio::test]
async fn a_program_that_is_no_restic_has_no_version() {
    let environment = super::support::connection().environment;
    let script = Script::new("echo rclone v1.66.0");
    assert!(matches!(script.runner.version(&environment).await, Err(VersionError::Parse(_))));
    let script = Script::new("echo restic 0.17.3 compiled with go1.22 on linux/amd64");
    assert_eq!(script.runner.version(&environment).await.expect("a version").to_string(), "0.17.3");
}

#[tokio::test]
async fn what_cannot_be_executed_is_not_started() {
    let script = Script::new("exit 0");
    std::fs::write(script.path("text"), "no program").expect("a file");
    assert_eq!(Program::at(script.path("text")), Err(SpawnError::NotExecutable));
    let runner = Runner::new(script.runner.program.clone());
    std::fs::remove_file(script.runner.program.path()).expect("removed");
    assert_eq!(runner.spawn(&backup(), Input::Null).await.err(), Some(SpawnError::NotFound));
}

/// What `echo pid $$` said.
fn pid(event: Option<Event>) -> String {
    match event {
        Some(Event::Text { text, .. }) => text.trim_start_matches("pid ").to_owned(),
        other => unreachable!("{other:?}"),
    }
}

/// Waits until there is no such process.
async fn gone(pid: &str) {
    let path = format!("/proc/{pid}/status");
    while std::fs::read_to_string(&path).is_ok_and(|status| !status.contains("State:\tZ")) {
        tokio::task::yield_now().await;
    }
}

/// The test starts itself as the caller that dies.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn when_the_caller_is_killed_the_child_is_interrupted() {
    const ROLE: &str = "RESTIC_MANAGER_TEST_CALLER";
    if let Some(program) = std::env::var_os(ROLE) {
        let runner = Runner::new(Program::at(program).expect("the script"));
        let running = runner.spawn(&backup(), Input::Null).await.expect("a child");
        running.wait().await;
        return;
    }
    let script = Script::new(
        "trap 'echo > $FOLDER/heard; exit 130' INT; echo > $FOLDER/ready; while :; do sleep 0.02; done",
    );
    let mut caller = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["supervision::ends::when_the_caller_is_killed_the_child_is_interrupted", "--exact"])
        .env(ROLE, script.runner.program.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a caller");
    appears(&script, "ready").await;
    caller.kill().expect("killed");
    caller.wait().expect("reaped");
    appears(&script, "heard").await;
}

#[cfg(target_os = "linux")]
async fn appears(script: &Script, name: &str) {
    while !script.path(name).exists() {
        tokio::task::yield_now().await;
    }
}
