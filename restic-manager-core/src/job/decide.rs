use core::time::Duration;
use restic_manager_proto::{
    Timestamp,
    agent::ErrorCode,
    vocabulary::{Cause, JobState},
};

/// An agent ends a late job by itself and reports it; the server steps in when nothing comes for so long.
const REPORT_GRACE: Duration = Duration::from_secs(10 * 60);

/// What the server knows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobFacts {
    /// Where it stands.
    pub state: JobState,
    /// Until when it must have reached its host.
    pub dispatch_by: Option<Timestamp>,
    /// Until when it must have ended.
    pub end_by: Option<Timestamp>,
    /// When somebody asked that it stop.
    pub cancel_requested: Option<Timestamp>,
}

/// What the server does about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Nothing: it is as it should be, or a report is on its way.
    Keep,
    /// Put it back into the queue: its order did not arrive.
    Requeue,
    /// Send the agent a cancel for it. Sending it twice does no harm.
    AskToCancel,
    /// End it.
    End {
        /// One of the end states.
        state: JobState,
        /// Why.
        cause: Cause,
    },
}

impl Decision {
    const fn end(state: JobState, cause: Cause) -> Self {
        Self::End { state, cause }
    }

    const CANCELLED: Self = Self::end(JobState::Cancelled, Cause::Cancelled);
}

/// Somebody asks that a job stop. Works in every state: what has not been sent, or is on a host that cannot be
/// asked, ends in place; that host is told when it comes back.
pub const fn cancel(state: JobState, connected: bool) -> Decision {
    match state {
        JobState::Queued => Decision::CANCELLED,
        JobState::Dispatched | JobState::Running if connected => Decision::AskToCancel,
        JobState::Dispatched | JobState::Running => Decision::CANCELLED,
        _ => Decision::Keep,
    }
}

/// What has become of a job with time alone.
pub fn overdue(job: &JobFacts, connected: bool, now: Timestamp) -> Decision {
    let passed = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
    let long_passed = |moment: Option<Timestamp>| passed(moment.map(|moment| moment.after(REPORT_GRACE)));
    // A host that cannot be asked is the reason; one that can has had its time.
    let cause = if connected { Cause::DeadlineExceeded } else { Cause::HostOffline };
    match job.state {
        JobState::Queued if job.cancel_requested.is_some() => Decision::CANCELLED,
        JobState::Queued if passed(job.dispatch_by) || passed(job.end_by) => {
            Decision::end(JobState::Skipped, cause)
        }
        JobState::Dispatched | JobState::Running => match job.cancel_requested {
            Some(asked) if long_passed(Some(asked)) || long_passed(job.end_by) => Decision::CANCELLED,
            Some(_) => cancel(job.state, connected),
            None if long_passed(job.end_by) => Decision::end(JobState::Failed, cause),
            None if passed(job.end_by) && connected => Decision::AskToCancel,
            None => Decision::Keep,
        },
        _ => Decision::Keep,
    }
}

/// Compares what both ends know of a job after a break: `server` is `None` for a job that the server does not
/// know as this host's, `agent` is the state in the agent's inventory, or `None` when it is not there.
///
/// An agent's inventory comes before the reports in its outbox, so an end that is listed there is still to be
/// reported, and is no news yet. A job that it fired by a schedule is listed once the server has the slot, as queued
/// for as long as the agent waits for the order.
pub fn reconcile(server: Option<&JobFacts>, agent: Option<JobState>) -> Decision {
    let at_agent = agent.is_some_and(|state| !state.is_end());
    let Some(server) = server.filter(|server| !server.state.is_end()) else {
        // Ended here in the meantime, or never ours.
        return if at_agent { Decision::AskToCancel } else { Decision::Keep };
    };
    match (server.state, agent) {
        _ if at_agent && server.cancel_requested.is_some() => Decision::AskToCancel,
        // The order for a slot was lost with the connection.
        (JobState::Dispatched, Some(JobState::Queued)) => Decision::Requeue,
        (_, Some(_)) => Decision::Keep,
        (_, None) if server.cancel_requested.is_some() => Decision::CANCELLED,
        (JobState::Dispatched, None) => Decision::Requeue,
        (JobState::Running, None) => Decision::end(JobState::Failed, Cause::AgentLost),
        (_, None) => Decision::Keep,
    }
}

/// An agent answers an order with an error.
pub const fn refused(code: ErrorCode) -> Decision {
    match code {
        // It comes back and is asked again.
        ErrorCode::Stopping => Decision::Requeue,
        ErrorCode::Expired => Decision::end(JobState::Skipped, Cause::DeadlineExceeded),
        ErrorCode::SecretUnreadable => Decision::end(JobState::Failed, Cause::SecretUnreadable),
        ErrorCode::Forbidden | ErrorCode::Invalid | ErrorCode::Unsupported => {
            Decision::end(JobState::Failed, Cause::AgentRefused)
        }
        _ => Decision::end(JobState::Failed, Cause::Other),
    }
}
