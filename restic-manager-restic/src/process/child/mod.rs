//! One child process, and the thread that waits for it.
//!
//! The thread starts the child, waits for its end without reaping it, and reaps it only when the [`Child`] says so. Until
//! then its process id and group stay its own, so a signal can never hit a stranger. And because the thread lives as
//! long as the child, Linux may tie the child's life to it.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;
#[cfg_attr(unix, path = "raw_unix.rs")]
#[cfg_attr(windows, path = "raw_windows.rs")]
mod raw;

mod common;

use std::{
    io,
    process::{ChildStderr, ChildStdin, ChildStdout, Stdio},
    thread,
};

use tokio::sync::oneshot;

use common::Reaped;

use super::{error::SpawnError, options::Options, program::Program};
use crate::command::Invocation;

/// A child that runs or has not been reaped yet. Dropping it asks the child to stop, or
/// kills it, and leaves the reaping to its thread.
#[derive(Debug)]
pub(super) struct Child {
    handle: platform::Handle,
    exited: oneshot::Receiver<()>,
    has_exited: bool,
    dies_when_dropped: bool,
    release: Option<oneshot::Sender<()>>,
    reaped: oneshot::Receiver<io::Result<Reaped>>,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Child {
    /// Starts a child. If the future is dropped meanwhile, the child is killed.
    pub(super) async fn spawn(
        program: &Program,
        invocation: &Invocation,
        options: &Options,
        stdin: Stdio,
    ) -> Result<Self, SpawnError> {
        // The system says "not found" of a program and of a folder alike.
        if options.working_directory.as_ref().is_some_and(|folder| !folder.is_dir()) {
            return Err(SpawnError::WorkingDirectory);
        }
        let mut prepared = platform::prepare(program, invocation, options)?;
        prepared.command().stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (started, start) = oneshot::channel();
        thread::Builder::new()
            .name("restic".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || look_after(prepared, started))
            .map_err(|error| SpawnError::System(error.kind()))?;
        start.await.unwrap_or(Err(SpawnError::System(io::ErrorKind::Other)))
    }

    /// Waits until the child has ended. Cancel safe; returns at once when called again.
    pub(super) async fn exited(&mut self) {
        if !self.has_exited {
            // The thread sends before it can end in any way.
            let _ = (&mut self.exited).await;
            self.has_exited = true;
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.handle.id()
    }

    pub(super) fn has_exited(&self) -> bool {
        self.has_exited
    }

    /// Chooses what dropping does: a child whose input would be cut off by it must not go on for another moment, or
    /// it takes half of the data for the whole.
    pub(super) fn kill_when_dropped(&mut self, dies: bool) {
        self.dies_when_dropped = dies;
    }

    /// Asks the child, and only it, to stop. Its own children are its affair: without them it could not clean up.
    pub(super) fn interrupt(&self) {
        if !self.has_exited {
            self.handle.interrupt();
        }
    }

    /// Asks the child and everything in its group to end.
    pub(super) fn terminate(&self) {
        if !self.has_exited {
            self.handle.terminate();
        }
    }

    /// Ends the child and everything in its group.
    pub(super) fn kill(&self) {
        self.handle.kill();
    }

    /// Reaps the child; call it when nobody needs to be killed any more.
    pub(super) async fn reap(mut self) -> io::Result<Reaped> {
        self.has_exited = true;
        self.release.take();
        match (&mut self.reaped).await {
            Ok(reaped) => reaped,
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Child {
    /// Leaves the reaping to a task: a child that does not die of being killed ends one day, or with the machine.
    pub(super) fn reap_in_the_end(mut self) {
        tokio::spawn(async move {
            self.exited().await;
            let _ = self.reap().await;
        });
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        match self.release {
            Some(_) if self.dies_when_dropped => self.kill(),
            Some(_) => self.interrupt(),
            None => {}
        }
    }
}

/// The thread makes a few system calls and no more.
const THREAD_STACK_BYTES: usize = 256 * 1024;

/// The life of the thread. Each message is sent before the next step; a receiver that is gone means that nobody waits.
fn look_after(mut prepared: platform::Prepared, started: oneshot::Sender<Result<Child, SpawnError>>) {
    let (exited_sender, exited) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let (reaped_sender, reaped) = oneshot::channel();
    let (mut owned, handle) = match platform::start(&mut prepared) {
        Ok(both) => both,
        Err(error) => {
            let _ = started.send(Err(error.into()));
            return;
        }
    };
    // Secrets and the ends of their pipes are not needed any more.
    drop(prepared);
    let (stdin, stdout, stderr) = owned.take_pipes();
    let child = Child {
        handle,
        exited,
        has_exited: false,
        dies_when_dropped: false,
        release: Some(release),
        reaped,
        stdin,
        stdout,
        stderr,
    };
    if let Err(Ok(child)) = started.send(Ok(child)) {
        child.kill();
    }
    owned.wait();
    let _ = exited_sender.send(());
    let _ = released.blocking_recv();
    let _ = reaped_sender.send(owned.reap());
}
