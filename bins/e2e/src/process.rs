//! A child process with everything it said.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::failure::{Failure, Outcome};

/// What can be sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// Please end.
    Terminate,
    /// End now, without a chance to tidy up.
    Kill,
    /// Stand still.
    Stop,
    /// Go on.
    Continue,
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    said: Arc<Said>,
}

#[derive(Debug)]
struct Said {
    lines: Mutex<Vec<String>>,
    /// How many of its outputs are still open; changes with each line, too.
    open: watch::Sender<usize>,
}

impl Running {
    /// Starts a program without input; both outputs are kept line by line.
    pub fn start(name: &str, mut command: Command) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| Failure::new(format!("could not start {name}: {error}")))?;
        let said = Arc::new(Said { lines: Mutex::default(), open: watch::Sender::new(2) });
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(listen(stdout, Arc::clone(&said)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(listen(stderr, Arc::clone(&said)));
        }
        Ok(Self { name: name.to_owned(), child, said })
    }

    /// The process id; 0 once it was waited for.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Everything it said so far.
    pub fn text(&self) -> String {
        self.said.lines().join("\n")
    }

    /// Everything it said, once both its outputs are closed.
    pub async fn everything(&self) -> String {
        let mut open = self.said.open.subscribe();
        // The sender lives in `said`.
        let _ = open.wait_for(|open| *open == 0).await;
        self.text()
    }

    /// The first line that holds a text, as soon as there is one; an error at once when no further line can come.
    pub async fn line_with(&self, text: &str, within: Duration) -> Outcome<String> {
        let mut open = self.said.open.subscribe();
        let seeking = async {
            loop {
                let is_over = *open.borrow_and_update() == 0;
                if let Some(line) = self.said.lines().iter().find(|line| line.contains(text)) {
                    return Some(line.clone());
                }
                if is_over || open.changed().await.is_err() {
                    return None;
                }
            }
        };
        let found = tokio::time::timeout(within, seeking).await.ok().flatten();
        found.ok_or_else(|| {
            Failure::new(format!(
                "{} did not say {text:?} within {} s; it said:\n{}",
                self.name,
                within.as_secs(),
                self.text()
            ))
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Outcome {
        use rustix::process::{Pid, Signal as Number, kill_process};
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Failure::new(format!("{} has ended already", self.name)))?;
        let number = match signal {
            Signal::Interrupt => Number::INT,
            Signal::Terminate => Number::TERM,
            Signal::Kill => Number::KILL,
            Signal::Stop => Number::STOP,
            Signal::Continue => Number::CONT,
        };
        Ok(kill_process(id, number)?)
    }

    /// Waits for its end.
    pub async fn ended(&mut self, within: Duration) -> Outcome<ExitStatus> {
        match tokio::time::timeout(within, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => Err(Failure::new(format!(
                "{} did not end within {} s; it said:\n{}",
                self.name,
                within.as_secs(),
                self.text()
            ))),
        }
    }

    /// Kills it and waits until it is gone.
    pub async fn kill(&mut self) -> Outcome {
        Ok(self.child.kill().await?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lines = self.said.lines();
            let skipped = lines.len().saturating_sub(60);
            eprintln!(
                "--- {} said ({skipped} earlier lines left out)\n{}",
                self.name,
                lines[skipped..].join("\n")
            );
        }
    }
}

impl Said {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(pipe: impl AsyncRead + Unpin, said: Arc<Said>) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        said.lines().push(String::from_utf8_lossy(&line).trim_end().to_owned());
        said.open.send_modify(|_| {});
        line.clear();
    }
    said.open.send_modify(|open| *open -= 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn lines_of_both_outputs_are_found_and_the_end_is_seen() {
        let mut running = Running::start("script", shell("echo one; echo two >&2; exit 4")).unwrap();
        assert_eq!(running.line_with("one", Duration::from_secs(10)).await.unwrap(), "one");
        assert_eq!(running.line_with("tw", Duration::from_secs(10)).await.unwrap(), "two");
        assert_eq!(running.ended(Duration::from_secs(10)).await.unwrap().code(), Some(4));
        let hopeless = running.line_with("three", Duration::from_secs(3600)).await.unwrap_err();
        assert!(hopeless.to_string().contains("three"));
    }

    #[tokio::test]
    async fn a_signal_arrives() {
        let mut running = Running::start(
            "script",
            shell("trap 'echo caught; exit 7' TERM; echo up; while :; do sleep 0.05; done"),
        )
        .unwrap();
        running.line_with("up", Duration::from_secs(10)).await.unwrap();
        running.signal(Signal::Terminate).unwrap();
        assert_eq!(running.ended(Duration::from_secs(10)).await.unwrap().code(), Some(7));
        running.line_with("caught", Duration::from_secs(10)).await.unwrap();
    }
}
