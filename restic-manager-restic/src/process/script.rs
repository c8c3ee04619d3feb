//! A script that runs beside restic: before a backup, or after it.

use std::{ffi::OsString, io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStderr, ChildStdin, ChildStdout},
    time::{Instant, sleep_until},
};

use super::{
    child::Child,
    error::SpawnError,
    finished::Stream,
    ladder::{Ladder, Rung},
    options::Options,
    program::Program,
};
use crate::{
    command::{Environment, Invocation},
    exit::Termination,
};

/// A script under the rules that hold for restic: a process group of its own, a clean environment, both outputs read to
/// their end, and a time after which it is asked to end (`SIGTERM`) with everything it started, and killed if it does not.
///
/// Its text reaches the program by standard input, so that no list of processes shows it.
///
/// # Examples
///
/// ```
/// use restic_manager_restic::{command::Environment, exit::Termination, process::{Program, Script, ScriptEnd}};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mut script = Script::new(Program::at("/bin/sh")?, Environment::empty(), Duration::from_secs(60));
/// script.arguments.push("-s".into());
/// script.input = b"echo stopped; exit 3".to_vec();
/// let mut lines = Vec::new();
/// let end = script.run(std::future::pending(), |_, line| lines.push(line.to_owned())).await?;
/// assert_eq!((end, lines), (ScriptEnd::Exited(Termination::Code(3)), vec!["stopped".to_owned()]));
/// # Ok::<(), restic_manager_restic::process::SpawnError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// What reads the script.
    pub program: Program,
    /// Its arguments, which everybody may see.
    pub arguments: Vec<OsString>,
    /// What it finds on its standard input.
    pub input: Vec<u8>,
    /// Its variables.
    pub environment: Environment,
    /// After this time it is asked to end.
    pub timeout: Duration,
    /// How long it may take to end after it was asked to; then it is killed.
    pub grace: Duration,
    /// How long its output is read after its end, when something that it started holds on to it.
    pub drain: Duration,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptEnd {
    /// By itself, or by a signal that nobody here sent.
    Exited(Termination),
    /// It took too long, and was asked to end or killed.
    TimedOut,
    /// It was asked to stop, and ended or was killed.
    Stopped,
}

impl ScriptEnd {
    /// Whether it did what it was for.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Exited(Termination::Code(0)))
    }
}

/// Without the input, which may hold secrets.
impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { program, arguments, timeout, .. } = self;
        f.debug_struct("Script")
            .field("program", program)
            .field("arguments", arguments)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// A script without arguments and input.
    pub fn new(program: Program, environment: Environment, timeout: Duration) -> Self {
        let (arguments, input) = (Vec::new(), Vec::new());
        let (grace, drain) = (Duration::from_secs(10), Duration::from_secs(5));
        Self { program, arguments, input, environment, timeout, grace, drain }
    }

    /// Runs the script and shows each line of its output to `see`, long ones in pieces. When `stop` is ready the script
    /// and everything it started are asked to end, and killed when they do not. What does not even die of that is left
    /// behind, see [`Finished::was_given_up`](super::Finished::was_given_up).
    ///
    /// Dropping the future kills it.
    ///
    /// # Errors
    ///
    /// The program was not started.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        mut see: impl FnMut(Stream, &str),
    ) -> Result<ScriptEnd, SpawnError> {
        let Self { program, arguments, input, environment, timeout, grace, drain } = self;
        let options = Options::default();
        let invocation = Invocation::of_program(arguments, &environment);
        let mut child = Child::spawn(&program, &invocation, &options, Stdio::piped()).await?;
        child.kill_when_dropped(true);
        let stdin = child.stdin.take().map(ChildStdin::from_std).transpose()?;
        let mut stdout = Lines::new(child.stdout.take().map(ChildStdout::from_std).transpose()?);
        let mut stderr = Lines::new(child.stderr.take().map(ChildStderr::from_std).transpose()?);
        let (feed, deadline) = (feed(stdin, input), Instant::now() + timeout);
        tokio::pin!(stop, feed);
        let (mut is_fed, mut asked, mut drained_at) = (false, None, None);
        let mut ladder = Ladder::new(grace, options.reap);
        while !ladder.has_given_up() && (!child.has_exited() || stdout.is_open() || stderr.is_open()) {
            let (runs, rung) = (!child.has_exited(), ladder.due());
            tokio::select! {
                biased;
                () = &mut stop, if runs && asked.is_none() => {
                    asked = Some(ScriptEnd::Stopped);
                    child.terminate();
                    ladder.begin(Instant::now());
                }
                () = sleep_until(deadline), if runs && asked.is_none() => {
                    asked = Some(ScriptEnd::TimedOut);
                    child.terminate();
                    ladder.begin(Instant::now());
                }
                () = sleep_until(rung.unwrap_or(deadline)), if runs && rung.is_some() => {
                    if ladder.climb(Instant::now()) == Some(Rung::Kill) {
                        child.kill();
                    }
                }
                () = child.exited(), if runs => {
                    drained_at = Some(Instant::now() + drain);
                    if asked.is_some() {
                        // What it started and left behind goes with it.
                        child.kill();
                    }
                }
                () = sleep_until(drained_at.unwrap_or(deadline)), if drained_at.is_some() => {
                    (stdout.source, stderr.source) = (None, None);
                }
                () = &mut feed, if !is_fed => is_fed = true,
                () = stdout.read(), if stdout.is_open() => {}
                () = stderr.read(), if stderr.is_open() => {}
            }
            stdout.show(|line| see(Stream::Stdout, line));
            stderr.show(|line| see(Stream::Stderr, line));
        }
        if ladder.has_given_up() {
            child.reap_in_the_end();
            return Ok(asked.unwrap_or(ScriptEnd::Stopped));
        }
        let reaped = child.reap().await?;
        Ok(asked.unwrap_or(ScriptEnd::Exited(reaped.termination)))
    }
}

/// A script that reads no more than it needs is its own affair.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _: io::Result<()> = stdin.write_all(&input).await;
    }
}

/// Longest piece of a line.
const LINE_BYTES: usize = 16 * 1024;

/// The lines of one output.
struct Lines<S> {
    source: Option<S>,
    kept: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Lines<S> {
    fn new(source: Option<S>) -> Self {
        Self { source, kept: Vec::new() }
    }

    fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Reads some more. Cancel safe.
    async fn read(&mut self) {
        let Some(source) = &mut self.source else { return };
        let mut chunk = [0; 4096];
        match source.read(&mut chunk).await {
            Ok(length) if length > 0 => self.kept.extend_from_slice(&chunk[..length]),
            _ => self.source = None,
        }
    }

    /// Shows the lines that are whole, and what is left when nothing follows.
    fn show(&mut self, mut see: impl FnMut(&str)) {
        while let Some(end) = memchr::memchr(b'\n', &self.kept) {
            let line: Vec<u8> = self.kept.drain(..=end).collect();
            see(String::from_utf8_lossy(&line).trim_end());
        }
        let is_end = self.source.is_none() && !self.kept.is_empty();
        if is_end || self.kept.len() >= LINE_BYTES {
            see(String::from_utf8_lossy(&self.kept).trim_end());
            self.kept.clear();
        }
    }
}
