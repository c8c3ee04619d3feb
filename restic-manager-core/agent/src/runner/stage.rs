//! One run of restic within a job.

use restic_manager_restic::{
    Event,
    command::Invocation,
    process::{Finished, Input, Runner, SpawnError},
};

use super::{
    log::JobLog,
    stop::{StopReason, StopSignal},
};

/// A run that is over.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) finished: Finished,
    /// Why this agent asked it to stop, if it did.
    pub(super) stopped: Option<StopReason>,
    /// Its process.
    pub(super) process: u32,
}

impl Ran {
    /// Whether restic did all that it was asked.
    pub(super) const fn succeeded(&self) -> bool {
        self.finished.outcome.cause.is_success()
    }
}

/// Where restic runs: with which options, until when, and who writes down how it was stopped.
pub(super) struct Stage<'a> {
    pub(super) runner: &'a Runner,
    pub(super) stop: &'a mut StopSignal,
    pub(super) log: &'a JobLog,
}

impl Stage<'_> {
    /// Runs a command with something on its standard input, and shows each event to `see`.
    pub(super) async fn watch(
        self,
        invocation: &Invocation,
        input: Input,
        mut see: impl FnMut(Event),
    ) -> Result<Ran, SpawnError> {
        let mut running = self.runner.spawn(invocation, input).await?;
        let (process, mut stopped) = (running.process_id(), None);
        loop {
            tokio::select! {
                biased;
                reason = self.stop.stopped(), if stopped.is_none() => {
                    running.cancel();
                    stopped = Some(self.note_stop(reason));
                }
                event = running.next_event() => match event {
                    Some(event) => see(event),
                    None => break,
                },
            }
        }
        Ok(self.ran(running.wait().await, stopped, process))
    }

    /// Runs a command and keeps what it prints on standard output; beyond `limit_bytes` it is stopped, and `None` comes
    /// back in place of the output.
    pub(super) async fn capture(
        self,
        invocation: &Invocation,
        limit_bytes: usize,
    ) -> Result<(Option<Vec<u8>>, Ran), SpawnError> {
        let mut streaming = self.runner.stream(invocation).await?;
        let (process, mut stopped, mut output) = (streaming.process_id(), None, Some(Vec::new()));
        loop {
            tokio::select! {
                biased;
                reason = self.stop.stopped(), if stopped.is_none() => {
                    streaming.cancel();
                    stopped = Some(self.note_stop(reason));
                }
                chunk = streaming.next_chunk() => match chunk {
                    Some(chunk) => {
                        output = output.filter(|output| output.len() + chunk.len() <= limit_bytes);
                        match &mut output {
                            Some(output) => output.extend_from_slice(&chunk),
                            None => streaming.cancel(),
                        }
                    }
                    None => break,
                },
            }
        }
        Ok((output, self.ran(streaming.wait().await, stopped, process)))
    }

    fn note_stop(&self, reason: StopReason) -> StopReason {
        let seconds = self.runner.options.grace.as_secs();
        let why = reason.words();
        self.log.remark(&format!("restic is asked to end, because {why}; in {seconds} seconds it is killed"));
        reason
    }

    fn ran(&self, finished: Finished, stopped: Option<StopReason>, process: u32) -> Ran {
        if finished.was_given_up {
            self.log.remark(GIVEN_UP);
        } else if finished.was_killed {
            self.log.remark("restic did not end in time and was killed");
        }
        Ran { finished, stopped, process }
    }
}

/// What is said of a restic that cannot be killed.
pub(super) const GIVEN_UP: &str = "restic did not end although it was killed: it waits in the system for a disk or a mount that does not \
     answer, and is left behind";
