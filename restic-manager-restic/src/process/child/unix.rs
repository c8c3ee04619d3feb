use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use super::{
    common::{Reaped, plain_command},
    raw,
};
use crate::{
    command::{Invocation, Part, Secret},
    process::{error::SpawnError, options::Options, program::Program},
};

/// A command with everything its child inherits.
pub(super) struct Prepared {
    command: Command,
}

impl Prepared {
    pub(super) fn command(&mut self) -> &mut Command {
        &mut self.command
    }
}

/// How to reach a child that has not been reaped.
#[derive(Debug)]
pub(super) struct Handle {
    pid: Pid,
}

impl Handle {
    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn interrupt(&self) {
        // Fails only for a child that has ended, and then there is nothing to stop.
        let _ = kill_process(self.pid, Signal::INT);
    }

    pub(super) fn terminate(&self) {
        let _ = kill_process_group(self.pid, Signal::TERM);
    }

    pub(super) fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

/// The child as its thread holds it.
pub(super) struct Owned {
    child: std::process::Child,
    pid: Pid,
}

pub(super) fn prepare(
    program: &Program,
    invocation: &Invocation,
    options: &Options,
) -> Result<Prepared, SpawnError> {
    let mut command = plain_command(program, options);
    let pipes = invocation.secret_files().iter().map(pipe_with).collect::<Result<Vec<_>, _>>()?;
    let path = |index: usize| format!("/dev/fd/{}", pipes[index].as_raw_fd());
    for argument in invocation.arguments() {
        command.arg(written(argument, path));
    }
    for (name, value) in invocation.variables() {
        command.env(name, written(value, path));
    }
    // A group of its own: a Ctrl-C at the terminal is for us, and restic is stopped the way we choose.
    command.process_group(0);
    raw::set_up_child(&mut command, raw::ChildSetup::new(pipes, options.priority));
    Ok(Prepared { command })
}

fn written(part: Part<'_>, path: impl Fn(usize) -> String) -> OsString {
    match part {
        Part::Plain(word) => word.to_owned(),
        Part::Secret(secret) => OsString::from(secret.expose()),
        Part::SecretFile { option: Some(option), index } => format!("{option}={}", path(index)).into(),
        Part::SecretFile { option: None, index } => path(index).into(),
    }
}

pub(super) fn start(prepared: &mut Prepared) -> io::Result<(Owned, Handle)> {
    let child = prepared.command.spawn()?;
    let pid = Pid::from_child(&child);
    Ok((Owned { child, pid }, Handle { pid }))
}

impl Owned {
    pub(super) fn take_pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for the end and leaves the child unreaped.
    pub(super) fn wait(&self) {
        while let Err(rustix::io::Errno::INTR) =
            waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
    }

    pub(super) fn reap(self) -> io::Result<Reaped> {
        raw::wait4(self.pid)
    }
}

/// A pipe that holds a secret and has no writer any more: its reader finds the secret and the end.
fn pipe_with(secret: &Secret) -> Result<OwnedFd, SpawnError> {
    // What fits the smallest pipe cannot block.
    const SMALLEST_PIPE_BYTES: usize = 4096;
    if secret.expose().len() > SMALLEST_PIPE_BYTES {
        return Err(SpawnError::SecretTooLong);
    }
    let (reader, writer) = io::pipe()?;
    let mut writer = File::from(OwnedFd::from(writer));
    writer.write_all(secret.expose().as_bytes())?;
    Ok(reader.into())
}
