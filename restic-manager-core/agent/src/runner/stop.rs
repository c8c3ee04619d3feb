//! Why and when a job is to stop, and how long that may take.

use core::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The longest that each step may take when the agent stops, one after the other. All together they fit into
/// `TimeoutStopSec` of the unit that the server's installation script writes; a test compares them.
pub(crate) mod budget {
    use core::time::Duration;

    /// restic ends its uploads and removes its lock.
    pub(crate) const RESTIC: Duration = Duration::from_secs(60);
    /// The system ends what was killed.
    pub(crate) const KILLED: Duration = Duration::from_secs(10);
    /// The locks are looked through, should restic have left one: the looking, and the end of its last command.
    pub(crate) const LOCKS: Duration = Duration::from_secs(20);
    pub(crate) const LAST_LOOK: Duration = Duration::from_secs(5);
    /// The script after the backup runs on, and then ends.
    pub(crate) const HOOK: Duration = Duration::from_secs(20);
    pub(crate) const HOOK_END: Duration = Duration::from_secs(10);
    /// The server confirms the last reports.
    pub(crate) const REPORTS: Duration = Duration::from_secs(5);

    #[cfg(test)]
    pub(crate) const ALL: [Duration; 9] =
        [RESTIC, KILLED, LOCKS, LAST_LOOK, LAST_LOOK, HOOK, HOOK_END, KILLED, REPORTS];
}

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
#[derive(Clone, Debug)]
pub(super) struct StopSignal {
    /// Nobody asks where there is none.
    asked: Option<watch::Receiver<Option<StopReason>>>,
    deadline: Instant,
}

impl StopReason {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Cancelled => "somebody cancelled the job",
            Self::AgentStops => "the agent stops",
            Self::Deadline => "the time of the job is up",
        }
    }
}

impl Stopper {
    pub(super) fn new(deadline: Instant) -> (Self, StopSignal) {
        let (stopper, asked) = watch::channel(None);
        (Self(stopper), StopSignal { asked: Some(asked), deadline })
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
    /// For what a stop itself ends with: only time ends it.
    pub(super) fn after(limit: Duration) -> Self {
        Self { asked: None, deadline: Instant::now() + limit }
    }

    /// The same signal, or after so long at most.
    pub(super) fn within(&self, limit: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + limit), ..self.clone() }
    }

    /// Why the job is to stop, if it is by now.
    pub(super) fn asked(&self) -> Option<StopReason> {
        let asked = self.asked.as_ref().and_then(|asked| *asked.borrow());
        asked.or_else(|| (self.deadline <= Instant::now()).then_some(StopReason::Deadline))
    }

    /// Waits until the job is to stop. Cancel-safe; answers the same again afterwards.
    pub(super) async fn stopped(&mut self) -> StopReason {
        let asked = async {
            let Some(asked) = &mut self.asked else { return core::future::pending().await };
            match asked.wait_for(Option::is_some).await {
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

    /// Does something unless the job is to stop first.
    pub(super) async fn or<T>(&mut self, act: impl Future<Output = T>) -> Result<T, StopReason> {
        tokio::select! {
            biased;
            reason = self.stopped() => Err(reason),
            done = act => Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_stops_within_the_time_that_its_unit_gives_it() {
        let script = include_str!("../../../server/src/app/install/agent.sh");
        let given = script.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
        let given: u64 = given.expect("the unit says how long").parse().expect("seconds");
        let needed: Duration = budget::ALL.into_iter().sum();
        // The disk takes its time too.
        assert!(needed + Duration::from_secs(15) <= Duration::from_secs(given), "{needed:?} of {given} s");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_reason_stands_and_a_shorter_time_ends_nothing_else() {
        let (stopper, mut stop) = Stopper::new(Instant::now() + Duration::from_secs(60));
        let mut short = stop.within(Duration::from_secs(5));
        assert_eq!((short.stopped().await, stop.asked()), (StopReason::Deadline, None));
        assert_eq!(stop.or(async { 7 }).await, Ok(7));
        stopper.stop(StopReason::Cancelled);
        stopper.stop(StopReason::AgentStops);
        assert_eq!(stop.or(core::future::pending::<()>()).await, Err(StopReason::Cancelled));
        assert_eq!(stop.asked(), Some(StopReason::Cancelled));
        let mut last = StopSignal::after(Duration::from_secs(5));
        assert_eq!((last.asked(), last.stopped().await), (None, StopReason::Deadline));
    }
}
