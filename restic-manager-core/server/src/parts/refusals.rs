//! How many refusals the audit log records. The rest are only logged: who is refused again and again must not bury what
//! else happened.

use core::time::Duration;
use restic_manager_proto::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::limits::REFUSALS_RECORDED;

const WINDOW: Duration = Duration::from_secs(60);

/// Whose refusals share a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refused {
    /// Those of agents, and of whoever would like to be one.
    ByAgents,
    /// Those of one person or program.
    Caller(String),
}

/// Refusals that were recorded lately.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<Refused, (Timestamp, usize)>>);

impl Refusals {
    /// Whether one more may be recorded; counts it.
    pub(crate) fn may_record(&self, of: Refused, now: Timestamp) -> bool {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.retain(|_, (start, _)| *start <= now && now.since(*start) < WINDOW);
        let (_, count) = recorded.entry(of).or_insert((now, 0));
        *count = count.saturating_add(1);
        *count <= REFUSALS_RECORDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    #[test]
    fn refusals_are_recorded_within_a_budget_of_each_caller() {
        let refusals = Refusals::default();
        let may = |moment| refusals.may_record(Refused::ByAgents, at(moment));
        assert_eq!((0..100).filter(|_| may(1)).count(), REFUSALS_RECORDED);
        assert!(!may(60));
        assert!(refusals.may_record(Refused::Caller("alice".to_owned()), at(60)), "each has their own");
        assert!(may(61));
        assert!(may(0), "a clock that was put back starts anew");
    }
}
