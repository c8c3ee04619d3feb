use core::time::Duration;
use proptest::{prelude::*, sample::select};
use restic_manager_proto::{
    Timestamp,
    agent::ErrorCode,
    vocabulary::{
        Cause, JobKind,
        JobState::{self, Cancelled, Dispatched, Failed, Incomplete, Queued, Running, Skipped, Succeeded},
    },
};

use super::{
    By, Decision, JobFacts, Received, advice, cancel, deadlines, is_end_for, may, overdue, receive,
    reconcile, refused,
};

const ALL_BY: [By; 3] = [By::Server, By::Agent, By::Person];
const CANCEL: Decision = Decision::End { state: Cancelled, cause: Cause::Cancelled };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

fn facts(state: JobState) -> JobFacts {
    JobFacts { state, dispatch_by: Some(at(100)), end_by: Some(at(1000)), cancel_requested: None }
}

fn asked_to_cancel(state: JobState) -> JobFacts {
    JobFacts { cancel_requested: Some(at(10)), ..facts(state) }
}

fn any_state() -> impl Strategy<Value = JobState> {
    select(JobState::ALL)
}

fn any_facts() -> impl Strategy<Value = JobFacts> {
    let moment = || prop::option::of((0..2000i64).prop_map(at));
    (any_state(), moment(), moment(), moment()).prop_map(|(state, dispatch_by, end_by, cancel_requested)| {
        JobFacts { state, dispatch_by, end_by, cancel_requested }
    })
}

/// Where a decision of the server leads, having checked that the table allows it.
fn apply(by: By, from: JobState, decision: Decision) -> JobState {
    let to = match decision {
        Decision::Keep | Decision::AskToCancel => return from,
        Decision::Requeue => Queued,
        Decision::End { state, cause } => {
            assert!(is_end_for(state, cause), "{state} for {cause}");
            state
        }
    };
    assert!(may(by, from, to), "{by:?} moves {from} to {to}");
    to
}

#[test]
fn no_step_leaves_an_end() {
    for from in JobState::ALL.iter().filter(|state| state.is_end()) {
        for to in JobState::ALL {
            assert!(!ALL_BY.iter().any(|by| may(*by, *from, *to)), "{from} to {to}");
        }
    }
}

#[test]
fn a_failing_script_after_a_whole_backup_leaves_it_incomplete() {
    assert!(is_end_for(Incomplete, Cause::HookFailed) && is_end_for(Failed, Cause::HookFailed));
    assert!(!is_end_for(Succeeded, Cause::HookFailed) && !is_end_for(Incomplete, Cause::CommandFailed));
}

#[test]
fn every_state_reaches_every_end_that_makes_sense() {
    let reachable = |from: JobState| {
        let mut seen = vec![from];
        let mut next = 0;
        while let Some(state) = seen.get(next).copied() {
            next += 1;
            for to in JobState::ALL {
                if ALL_BY.iter().any(|by| may(*by, state, *to)) && !seen.contains(to) {
                    seen.push(*to);
                }
            }
        }
        seen
    };
    let ends = [Succeeded, Incomplete, Failed, Cancelled];
    for from in [Queued, Dispatched, Running] {
        assert!(ends.iter().all(|end| reachable(from).contains(end)), "{from}");
    }
    assert!(reachable(Queued).contains(&Skipped));
    assert!(!reachable(Running).contains(&Skipped), "what ran was not skipped");
}

#[test]
fn only_an_agent_says_that_something_ran() {
    for by in [By::Server, By::Person] {
        for from in JobState::ALL {
            for to in [Running, Succeeded, Incomplete] {
                assert!(!may(by, *from, to), "{by:?} moves {from} to {to}");
            }
        }
    }
}

#[test]
fn an_agent_cannot_order_or_unorder() {
    for from in JobState::ALL {
        assert!(!may(By::Agent, *from, Queued) && !may(By::Agent, *from, Dispatched));
    }
}

#[test]
fn reports_apply_once() {
    assert_eq!(receive(Dispatched, Running), Received::Applies);
    assert_eq!(receive(Queued, Running), Received::Applies);
    assert_eq!(receive(Running, Running), Received::Stale);
    assert_eq!(receive(Running, Succeeded), Received::Applies);
    assert_eq!(receive(Dispatched, Failed), Received::Applies);
    assert_eq!(receive(Succeeded, Succeeded), Received::Stale);
    assert_eq!(receive(Cancelled, Succeeded), Received::Stale);
    assert_eq!(receive(Failed, Running), Received::Stale);
    assert_eq!(receive(Dispatched, Succeeded), Received::Contradicts);
    assert_eq!(receive(Running, Skipped), Received::Contradicts);
    assert_eq!(receive(Running, Dispatched), Received::Contradicts);
}

#[test]
fn cancelling_works_in_every_state() {
    for (state, connected, expected) in [
        (Queued, true, CANCEL),
        (Queued, false, CANCEL),
        (Dispatched, true, Decision::AskToCancel),
        (Dispatched, false, CANCEL),
        (Running, true, Decision::AskToCancel),
        (Running, false, CANCEL),
        (Succeeded, true, Decision::Keep),
        (Failed, false, Decision::Keep),
    ] {
        assert_eq!(cancel(state, connected), expected, "{state}, connected: {connected}");
    }
}

#[test]
fn time_alone_decides_late_jobs() {
    let end = |state, cause| Decision::End { state, cause };
    for (state, now, connected, expected) in [
        (Queued, 99, false, Decision::Keep),
        (Queued, 100, false, end(Skipped, Cause::HostOffline)),
        (Queued, 100, true, end(Skipped, Cause::DeadlineExceeded)),
        (Dispatched, 999, false, Decision::Keep),
        (Dispatched, 1000, true, Decision::AskToCancel),
        (Dispatched, 1000, false, Decision::Keep),
        (Running, 999, true, Decision::Keep),
        (Running, 1000, true, Decision::AskToCancel),
        (Running, 1599, false, Decision::Keep),
        (Running, 1600, true, end(Failed, Cause::DeadlineExceeded)),
        (Running, 1600, false, end(Failed, Cause::HostOffline)),
        (Succeeded, 9999, true, Decision::Keep),
    ] {
        assert_eq!(
            overdue(&facts(state), connected, at(now)),
            expected,
            "{state} at {now}, connected: {connected}"
        );
    }
}

#[test]
fn a_cancel_that_nobody_obeys_ends_the_job() {
    for (state, now, connected, expected) in [
        (Queued, 11, true, CANCEL),
        (Dispatched, 11, true, Decision::AskToCancel),
        (Running, 609, true, Decision::AskToCancel),
        (Running, 610, true, CANCEL),
        (Running, 11, false, CANCEL),
    ] {
        let job = asked_to_cancel(state);
        assert_eq!(overdue(&job, connected, at(now)), expected, "{state} at {now}, connected: {connected}");
    }
}

#[test]
fn both_ends_agree_after_a_break() {
    let lost = Decision::End { state: Failed, cause: Cause::AgentLost };
    for (server, agent, expected) in [
        (Some(Queued), None, Decision::Keep),
        (Some(Queued), Some(Running), Decision::Keep),
        (Some(Dispatched), None, Decision::Requeue),
        (Some(Dispatched), Some(Dispatched), Decision::Keep),
        (Some(Dispatched), Some(Running), Decision::Keep),
        (Some(Dispatched), Some(Queued), Decision::Requeue),
        (Some(Queued), Some(Queued), Decision::Keep),
        (Some(Cancelled), Some(Queued), Decision::AskToCancel),
        (Some(Dispatched), Some(Succeeded), Decision::Keep),
        (Some(Running), None, lost),
        (Some(Running), Some(Running), Decision::Keep),
        (Some(Running), Some(Failed), Decision::Keep),
        (Some(Failed), Some(Running), Decision::AskToCancel),
        (Some(Cancelled), Some(Dispatched), Decision::AskToCancel),
        (Some(Succeeded), None, Decision::Keep),
        (Some(Succeeded), Some(Succeeded), Decision::Keep),
        (None, Some(Running), Decision::AskToCancel),
        (None, Some(Succeeded), Decision::Keep),
        (None, None, Decision::Keep),
    ] {
        assert_eq!(reconcile(server.map(facts).as_ref(), agent), expected, "{server:?} and {agent:?}");
    }
    for (server, agent, expected) in [
        (Queued, None, CANCEL),
        (Queued, Some(Running), Decision::AskToCancel),
        (Dispatched, None, CANCEL),
        (Dispatched, Some(Dispatched), Decision::AskToCancel),
        (Running, None, CANCEL),
        (Running, Some(Running), Decision::AskToCancel),
        (Running, Some(Cancelled), Decision::Keep),
    ] {
        let server = asked_to_cancel(server);
        assert_eq!(reconcile(Some(&server), agent), expected, "{server:?} and {agent:?}");
    }
}

#[test]
fn refused_orders_end_or_wait() {
    for code in [
        ErrorCode::Unsupported,
        ErrorCode::Expired,
        ErrorCode::Forbidden,
        ErrorCode::Invalid,
        ErrorCode::SecretUnreadable,
        ErrorCode::UnknownJob,
        ErrorCode::Stopping,
        ErrorCode::Failed,
    ] {
        let state = apply(By::Server, Dispatched, refused(code));
        assert_eq!(state.is_end(), code != ErrorCode::Stopping, "{code:?}");
    }
}

#[test]
fn every_kind_has_deadlines_in_order() {
    for kind in JobKind::ALL {
        let deadlines = deadlines(*kind, at(0));
        assert!(at(0) < deadlines.dispatch_by && deadlines.dispatch_by < deadlines.end_by, "{kind}");
    }
}

#[test]
fn every_cause_but_none_has_advice() {
    for cause in Cause::ALL {
        let advice = advice(*cause);
        assert_eq!(advice.is_empty(), *cause == Cause::None, "{cause}");
        assert!(advice != "Read the end of the log.", "{cause} has no advice of its own");
        assert!(advice.is_empty() || advice.ends_with('.'), "{advice}");
    }
}

#[test]
fn every_end_has_a_cause_and_every_cause_an_end() {
    for state in JobState::ALL {
        let possible = Cause::ALL.iter().any(|cause| is_end_for(*state, *cause));
        assert_eq!(possible, state.is_end(), "{state}");
    }
    for cause in Cause::ALL {
        assert!(JobState::ALL.iter().any(|state| is_end_for(*state, *cause)), "{cause}");
    }
}

proptest! {
    #[test]
    fn every_decision_is_a_step_of_the_table(job in any_facts(), agent in prop::option::of(any_state()), connected: bool, now in 0..4000i64) {
        apply(By::Person, job.state, cancel(job.state, connected));
        apply(By::Server, job.state, overdue(&job, connected, at(now)));
        apply(By::Server, job.state, reconcile(Some(&job), agent));
    }

    #[test]
    fn no_job_outlives_its_deadline(job in any_facts(), connected: bool) {
        let job = JobFacts { dispatch_by: Some(at(0)), end_by: job.end_by.or(Some(at(0))), ..job };
        let much_later = at(2000).after(Duration::from_secs(600));
        prop_assert!(apply(By::Server, job.state, overdue(&job, connected, much_later)).is_end());
    }

    #[test]
    fn reconciling_twice_is_reconciling_once(job in any_facts(), agent in prop::option::of(any_state())) {
        let once = apply(By::Server, job.state, reconcile(Some(&job), agent));
        let again = JobFacts { state: once, ..job };
        prop_assert_eq!(apply(By::Server, once, reconcile(Some(&again), agent)), once);
    }

    #[test]
    fn reports_in_any_order_leave_one_end(reports in prop::collection::vec(any_state(), 0..12)) {
        let mut state = Dispatched;
        for reported in reports {
            let ended = state.is_end().then_some(state);
            if receive(state, reported) == Received::Applies {
                prop_assert!(may(By::Agent, state, reported));
                state = reported;
            }
            prop_assert!(ended.is_none_or(|end| end == state));
        }
    }
}
