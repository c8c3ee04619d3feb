//! Why and when a job is to stop.

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Why a job is to stop before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopReason {
    /// Somebody cancelled it.
    Cancelled,
    /// The agent stops.
    AgentStops,
    /// Its deadline has come.
    Deadline,
}

/// Asks one job to stop. The first reason stands.
#[derive(Debug)]
pub(super) struct Stopper(watch::Sender<Option<StopReason>>);

/// The job's end of it.
#[derive(Debug)]
pub(super) struct StopSignal {
    asked: watch::Receiver<Option<StopReason>>,
    deadline: Instant,
}

impl Stopper {
    pub(super) fn new(deadline: Instant) -> (Self, StopSignal) {
        let (stopper, asked) = watch::channel(None);
        (Self(stopper), StopSignal { asked, deadline })
    }

    pub(super) fn stop(&self, reason: StopReason) {
        self.0.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert(reason);
            is_first
        });
    }
}

impl StopSignal {
    /// Waits until the job is to stop. Cancel-safe; answers the same again afterwards.
    pub(super) async fn stopped(&mut self) -> StopReason {
        let asked = async {
            match self.asked.wait_for(Option::is_some).await {
                Ok(reason) => reason.unwrap_or(StopReason::AgentStops),
                // Whoever could ask is gone.
                Err(_) => StopReason::AgentStops,
            }
        };
        tokio::select! {
            biased;
            reason = asked => reason,
            () = sleep_until(self.deadline) => StopReason::Deadline,
        }
    }
}
