//! Data for standard input.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use restic_manager_restic::process::{Input, SpawnError, Stop};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::support::{Script, backup, backup_of_stdin};

#[tokio::test]
async fn data_arrives_whole() {
    let script = Script::new("cat > $FOLDER/data");
    let data: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let running = script.runner.spawn(&backup_of_stdin(), Input::Bytes(data.clone())).await.expect("a child");
    assert!(running.wait().await.outcome.cause.is_success());
    assert!(std::fs::read(script.path("data")).expect("the data") == data);

    let reader = Input::reader(std::io::Cursor::new(data.clone()).take(70_000));
    let running = script.runner.spawn(&backup_of_stdin(), reader).await.expect("a child");
    assert!(running.wait().await.outcome.cause.is_success());
    assert!(std::fs::read(script.path("data")).expect("the data") == data[..70_000]);
}

#[tokio::test]
async fn without_data_the_null_device_is_read() {
    let script = Script::new("cat; echo end");
    let running = script.runner.spawn(&backup(), Input::Null).await.expect("a child");
    assert!(running.wait().await.outcome.cause.is_success());
}

#[tokio::test]
async fn half_of_the_data_is_never_taken_for_the_whole() {
    let mut script = Script::new(
        "trap 'exit 130' INT; exec 3<&0; (cat <&3 > /dev/null; echo whole > $FOLDER/whole) & wait",
    );
    script.runner.options.grace = Duration::from_secs(60);
    script.runner.options.drain = Duration::from_millis(100);
    let input = Input::reader(Failing { left: 100_000 });
    let finished = script.runner.spawn(&backup_of_stdin(), input).await.expect("a child").wait().await;
    assert_eq!(finished.stop, Some(Stop::InputFailed));
    assert!(!finished.outcome.cause.is_success() && !finished.was_killed, "{finished:?}");
    assert!(!script.path("whole").exists());
}

#[test]
fn a_runtime_that_ends_cuts_no_input_short() {
    let script = Script::new(
        "echo $$ > $FOLDER/pid; exec 3<&0; (cat <&3 > /dev/null; echo whole > $FOLDER/whole) & wait",
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _running = runtime.block_on(async {
        let input = Input::reader(Endless);
        let running = script.runner.spawn(&backup_of_stdin(), input).await.expect("a child");
        while !script.path("pid").exists() {
            tokio::task::yield_now().await;
        }
        running
    });
    drop(runtime);
    let status = format!("/proc/{}/status", script.read("pid").trim());
    while std::fs::read_to_string(&status).is_ok_and(|status| !status.contains("State:\tZ")) {
        std::thread::yield_now();
    }
    assert!(!script.path("whole").exists());
}

#[tokio::test]
async fn a_program_that_reads_no_more_is_judged_by_its_own_words() {
    let script = Script::new("head -c 10 > /dev/null; exec <&-; exit 0");
    let input = Input::Bytes(vec![0; 10 << 20]);
    let finished = script.runner.spawn(&backup_of_stdin(), input).await.expect("a child").wait().await;
    assert!(finished.outcome.cause.is_success() && finished.stop.is_none(), "{finished:?}");
}

#[tokio::test]
async fn data_is_given_exactly_where_it_is_read() {
    let script = Script::new("exit 0");
    let unwanted = script.runner.spawn(&backup(), Input::Bytes(Vec::new())).await;
    assert_eq!(unwanted.err(), Some(SpawnError::Input));
    let missing = script.runner.spawn(&backup_of_stdin(), Input::Null).await;
    assert_eq!(missing.err(), Some(SpawnError::Input));
}

/// Gives some zeros and then an error.
struct Failing {
    left: usize,
}

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let length = self.left.min(buffer.remaining());
        buffer.put_slice(&vec![0; length]);
        self.left -= length;
        Poll::Ready(Ok(()))
    }
}

/// Gives nothing and never ends.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}
