//! Whether what a server does by itself is done: by when its rounds come and how they end.

use core::time::Duration;

/// So many rounds in a row that fail are no bad luck.
const FAILURES: u32 = 3;
/// What a machine under load may be late.
const GRACE: Duration = Duration::from_secs(30);

/// How a task is expected to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From the end of one round to the start of the next.
    pub every: Duration,
    /// The longest that a round may take; it is given up then.
    pub longest: Duration,
}

/// What is known of a task at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFacts {
    /// How long the round that goes on has taken, if one does.
    pub running: Option<Duration>,
    /// How long ago the last round ended, however it ended; before the first, how long ago the task was started.
    pub idle: Duration,
    /// How many rounds in a row have failed until now.
    pub failures: u32,
}

/// How a task is; the worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "who judges a task has an answer to each")]
pub enum TaskState {
    /// Its rounds come, and do what they are for.
    Well,
    /// Its last rounds failed: it goes on trying.
    Failing,
    /// A round goes on that should have been given up, or none has come for too long: only a restart of the process helps.
    Stuck,
}

impl TaskState {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Failing => "failing",
            Self::Stuck => "stuck",
        }
    }
}

/// How a task of this rhythm is.
#[must_use]
pub fn judge(facts: &TaskFacts, rhythm: Rhythm) -> TaskState {
    let limit = match facts.running {
        Some(_) => rhythm.longest.saturating_add(GRACE),
        None => rhythm.every.saturating_mul(2).saturating_add(GRACE),
    };
    if facts.running.unwrap_or(facts.idle) > limit {
        TaskState::Stuck
    } else if facts.failures >= FAILURES {
        TaskState::Failing
    } else {
        TaskState::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RHYTHM: Rhythm = Rhythm { every: Duration::from_secs(60), longest: Duration::from_secs(300) };

    fn after(seconds: u64, running: bool) -> TaskFacts {
        let length = Duration::from_secs(seconds);
        TaskFacts { idle: length, running: running.then_some(length), ..TaskFacts::default() }
    }

    #[test]
    fn a_round_that_does_not_end_and_one_that_does_not_come_are_noticed() {
        for (seconds, running, state) in [
            (150, false, TaskState::Well),
            (151, false, TaskState::Stuck),
            (330, true, TaskState::Well),
            (331, true, TaskState::Stuck),
        ] {
            assert_eq!(judge(&after(seconds, running), RHYTHM), state, "{seconds} {running}");
        }
    }

    #[test]
    fn failing_is_more_than_once_or_twice() {
        let failed = |failures| judge(&TaskFacts { failures, ..TaskFacts::default() }, RHYTHM);
        assert_eq!(
            [0, 2, 3, u32::MAX].map(failed),
            [TaskState::Well, TaskState::Well, TaskState::Failing, TaskState::Failing]
        );
    }

    proptest! {
        #[test]
        fn time_alone_never_makes_a_task_better(
            running: bool, failures in 0..5_u32, seconds in 0..100_000_u64, more in 0..100_000_u64,
        ) {
            let at = |seconds| TaskFacts { failures, ..after(seconds, running) };
            if judge(&at(seconds), RHYTHM) != TaskState::Well {
                prop_assert_ne!(judge(&at(seconds + more), RHYTHM), TaskState::Well);
            }
        }
    }
}
