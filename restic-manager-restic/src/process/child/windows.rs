use std::{
    ffi::OsStr,
    io,
    os::windows::process::CommandExt as _,
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    sync::Arc,
};

use super::{
    common::{Reaped, plain_command},
    raw::{self, Console, Job},
};
use crate::{
    command::{Invocation, Part},
    exit::Termination,
    process::{error::SpawnError, options::Options, program::Program},
};

/// A command and the console its child will have.
pub(super) struct Prepared {
    command: Command,
    console: Console,
}

impl Prepared {
    pub(super) fn command(&mut self) -> &mut Command {
        &mut self.command
    }
}

/// How to reach a child that has not been reaped.
#[derive(Debug)]
pub(super) struct Handle {
    process_id: u32,
    console: Console,
    job: Arc<Job>,
}

impl Handle {
    pub(super) fn id(&self) -> u32 {
        self.process_id
    }

    pub(super) fn interrupt(&self) {
        // A child that cannot be asked is killed when its time is up.
        let _ = raw::send_break(self.process_id, self.console);
    }

    /// A break reaches the whole group.
    pub(super) fn terminate(&self) {
        self.interrupt();
    }

    pub(super) fn kill(&self) {
        let _ = self.job.terminate(KILLED);
    }
}

/// The child as its thread holds it. While it is held its process id is not given to another.
pub(super) struct Owned {
    child: std::process::Child,
    job: Arc<Job>,
}

/// The exit code that [`Handle::kill`] leaves, to be told from restic's own.
const KILLED: u32 = 0x4B49_4C4C;

pub(super) fn prepare(
    program: &Program,
    invocation: &Invocation,
    options: &Options,
) -> Result<Prepared, SpawnError> {
    let mut command = plain_command(program, options);
    for argument in invocation.arguments() {
        command.arg(written(argument)?);
    }
    for (name, value) in invocation.variables() {
        command.env(name, written(value)?);
    }
    let console = Console::for_children();
    command.creation_flags(raw::creation_flags(console, options.priority));
    Ok(Prepared { command, console })
}

fn written(part: Part<'_>) -> Result<&OsStr, SpawnError> {
    match part {
        Part::Plain(word) => Ok(word),
        Part::Secret(secret) => Ok(OsStr::new(secret.expose())),
        Part::SecretFile { .. } => Err(SpawnError::System(io::ErrorKind::Unsupported)),
    }
}

pub(super) fn start(prepared: &mut Prepared) -> io::Result<(Owned, Handle)> {
    let job = Arc::new(Job::new()?);
    let mut child = prepared.command.spawn()?;
    if let Err(error) = job.assign(&child) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    let handle = Handle { process_id: child.id(), console: prepared.console, job: Arc::clone(&job) };
    Ok((Owned { child, job }, handle))
}

impl Owned {
    pub(super) fn take_pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    pub(super) fn wait(&mut self) {
        let _ = self.child.wait();
    }

    pub(super) fn reap(mut self) -> io::Result<Reaped> {
        let code = self.child.wait()?.code().unwrap_or_default();
        let termination = match code {
            code if code.cast_unsigned() == KILLED => Termination::Signal(9),
            code => Termination::Code(code),
        };
        let usage = self.job.usage().ok();
        Ok(Reaped {
            termination,
            user_time: usage.as_ref().map(|usage| usage.user_time),
            system_time: usage.as_ref().map(|usage| usage.system_time),
            // No process runs in no memory: zero means that the system did not count.
            peak_memory_bytes: usage.map(|usage| usage.peak_memory_bytes).filter(|bytes| *bytes > 0),
        })
    }
}
