//! One run of restic within a job.

use restic_manager_restic::{
    Event,
    command::Invocation,
    process::{Finished, Input, Runner, SpawnError},
};

use super::stop::{StopReason, StopSignal};

/// A run that is over.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) finished: Finished,
    /// Why this agent asked it to stop, if it did.
    pub(super) stopped: Option<StopReason>,
}

impl Ran {
    /// Whether restic did all that it was asked.
    pub(super) const fn succeeded(&self) -> bool {
        self.finished.outcome.cause.is_success()
    }
}

/// Runs a command with something on its standard input, and shows each event to `see`.
pub(super) async fn watch(
    runner: &Runner,
    invocation: &Invocation,
    input: Input,
    stop: &mut StopSignal,
    mut see: impl FnMut(Event),
) -> Result<Ran, SpawnError> {
    let mut running = runner.spawn(invocation, input).await?;
    let mut stopped = None;
    loop {
        tokio::select! {
            biased;
            reason = stop.stopped(), if stopped.is_none() => {
                running.cancel();
                stopped = Some(reason);
            }
            event = running.next_event() => match event {
                Some(event) => see(event),
                None => break,
            },
        }
    }
    Ok(Ran { finished: running.wait().await, stopped })
}

/// Runs a command and keeps what it prints on standard output; beyond `limit_bytes` it is stopped, and `None` comes
/// back in place of the output.
pub(super) async fn capture(
    runner: &Runner,
    invocation: &Invocation,
    stop: &mut StopSignal,
    limit_bytes: usize,
) -> Result<(Option<Vec<u8>>, Ran), SpawnError> {
    let mut streaming = runner.stream(invocation).await?;
    let mut output = Some(Vec::new());
    let mut stopped = None;
    loop {
        tokio::select! {
            biased;
            reason = stop.stopped(), if stopped.is_none() => {
                streaming.cancel();
                stopped = Some(reason);
            }
            chunk = streaming.next_chunk() => match chunk {
                Some(chunk) => {
                    let room = output.as_ref().is_some_and(|output| output.len() + chunk.len() <= limit_bytes);
                    if room {
                        output.iter_mut().for_each(|output| output.extend_from_slice(&chunk));
                    } else {
                        output = None;
                        streaming.cancel();
                    }
                }
                None => break,
            },
        }
    }
    Ok((output, Ran { finished: streaming.wait().await, stopped }))
}
