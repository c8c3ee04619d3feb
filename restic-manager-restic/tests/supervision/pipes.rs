//! Output: all of it, in order, within limits.

use std::time::Duration;

use restic_manager_restic::Event;
use restic_manager_restic::process::{Input, Stop};

use super::support::{Script, backup, document};

#[tokio::test]
async fn nothing_is_lost_however_slow_the_caller_is() {
    let mut script =
        Script::new("i=0; while [ $i -lt 5000 ]; do echo line-$i; echo err-$i >&2; i=$((i+1)); done");
    script.runner.options.queue = 1;
    script.runner.options.stderr_bytes = 100;
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    let (mut lines, mut errors) = (0, 0);
    while let Some(event) = running.next_event().await {
        let Event::Text { text, .. } = event else { unreachable!("{event:?}") };
        if text == format!("line-{lines}") {
            lines += 1;
        } else {
            assert_eq!(text, format!("err-{errors}"));
            errors += 1;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!((lines, errors), (5000, 5000));
    let finished = running.wait().await;
    assert_eq!(finished.dropped_events, 0);
    assert!(finished.stderr.len() <= 100 && finished.stderr.ends_with("err-4999\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_caller_that_takes_nothing_holds_up_no_cancel() {
    let mut script =
        Script::new("trap 'exit 130' INT; while :; do echo a line that fills the pipe quite quickly; done");
    script.runner.options.queue = 1;
    script.runner.options.grace = Duration::from_secs(60);
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    assert!(running.next_event().await.is_some());
    running.cancel();
    let finished = running.wait().await;
    assert!(!finished.was_killed, "{finished:?}");
    assert_eq!(finished.stop, Some(Stop::Cancelled));
}

#[tokio::test]
async fn status_comes_as_often_as_asked_and_everything_else_at_once() {
    let status = r#"{"message_type":"status","percent_done":0.5}"#;
    let mut script = Script::new(&format!(
        "i=0; while [ $i -lt 500 ]; do echo '{status}'; i=$((i+1)); done; echo word; echo '{{\"message_type\":\"summary\"}}'"
    ));
    script.runner.options.progress_interval = Duration::from_secs(3600);
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    let mut kinds = Vec::new();
    while let Some(event) = running.next_event().await {
        kinds.push(match event {
            Event::Status(_) => "status",
            Event::Text { .. } => "word",
            _ => "summary",
        });
    }
    assert_eq!(kinds, ["status", "word", "summary"]);
}

#[tokio::test]
async fn whoever_keeps_the_pipes_open_is_ended_and_told_of() {
    let script = Script::new("sleep 1000 & echo $! > $FOLDER/child; echo done; exit 0");
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert!(finished.left_pipes_open && finished.outcome.cause.is_success(), "{finished:?}");
    let path = format!("/proc/{}/status", script.read("child").trim());
    while std::fs::read_to_string(&path).is_ok_and(|status| !status.contains("State:\tZ")) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn output_beyond_the_limit_stops_the_run() {
    let script = Script::new("trap 'exit 130' INT; while :; do echo 0123456789; done");
    let captured = script.runner.capture(&document(), 100_000).await.expect("a child");
    assert_eq!(captured.finished.stop, Some(Stop::OutputTooLong));
    assert!(captured.stdout.len() <= 100_000);
}

#[tokio::test]
async fn bytes_are_handed_on_as_they_are() {
    let script = Script::new(r"printf 'a\0b\377\n{\n'; echo 'Fatal: no' >&2; exit 1");
    let mut streaming = script.runner.stream(&document()).await.expect("a child");
    let mut bytes = Vec::new();
    while let Some(chunk) = streaming.next_chunk().await {
        bytes.extend(chunk);
    }
    assert_eq!(bytes, b"a\0b\xff\n{\n");
    let finished = streaming.wait().await;
    assert_eq!(finished.outcome.message.as_deref(), Some("no"));
}

/// A caller that stopped a run and reads late finds a beginning without holes, of bounded size.
#[tokio::test]
async fn a_stopped_stream_that_nobody_reads_is_cut_once() {
    let mut script = Script::new(
        "trap 'seq 1000000 2500000; touch $FOLDER/printed; exit 130' INT; echo ready; while :; do sleep 0.02; done",
    );
    script.runner.options.queue = 1;
    script.runner.options.grace = Duration::from_secs(60);
    let mut streaming = script.runner.stream(&document()).await.expect("a child");
    assert_eq!(streaming.next_chunk().await.as_deref(), Some(&b"ready\n"[..]));
    streaming.cancel();
    while !script.path("printed").exists() {
        tokio::task::yield_now().await;
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = streaming.next_chunk().await {
        bytes.extend(chunk);
    }
    assert!((1 << 20..6 << 20).contains(&bytes.len()), "{}", bytes.len());
    let text = String::from_utf8(bytes).expect("digits");
    let whole = text.lines().count() - 1;
    assert!(text.lines().take(whole).zip(1_000_000..).all(|(line, number)| line == number.to_string()));
    assert!(streaming.wait().await.dropped_events > 0);
}

#[tokio::test]
async fn a_caller_slower_than_the_drain_loses_nothing() {
    let mut script = Script::new("head -c 60000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo pid $$");
    script.runner.options.queue = 1;
    script.runner.options.drain = Duration::from_millis(1);
    let mut running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    let mut last = String::new();
    let mut bytes = 0;
    while let Some(event) = running.next_event().await {
        let Event::Text { text, .. } = event else { unreachable!("{event:?}") };
        bytes += text.matches('x').count();
        last = text;
        // Slower than the drain, by the clock of the runtime that both share.
        tokio::time::timeout(Duration::from_millis(2), std::future::pending::<()>())
            .await
            .expect_err("never");
    }
    assert!(last.starts_with("pid "), "{last}");
    assert_eq!(bytes, 60_000);
    let finished = running.wait().await;
    assert!(!finished.left_pipes_open, "{finished:?}");
}

#[tokio::test]
async fn who_left_the_group_is_let_go() {
    let mut script = Script::new(
        "setsid sh -c 'echo $$ > $0/child; sleep 1000' $FOLDER & while [ ! -s $FOLDER/child ]; do sleep 0.01; done; echo done",
    );
    script.runner.options.drain = Duration::from_millis(20);
    let finished = script.runner.spawn(&backup(), Input::Null).await.expect("a child").wait().await;
    assert!(finished.left_pipes_open && finished.outcome.cause.is_success(), "{finished:?}");
    let pid =
        script.read("child").trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a number");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
}
