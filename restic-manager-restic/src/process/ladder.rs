//! The way from asking a child to end, over killing it, to giving it up.

use std::time::Duration;

use tokio::time::Instant;

/// How far the way has been climbed, by the time at which each rung is due.
#[derive(Debug)]
pub(super) struct Ladder {
    grace: Duration,
    reap: Duration,
    due: Option<(Instant, Rung)>,
    reached: Option<Rung>,
}

/// What follows when the child has not ended in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    Kill,
    /// It cannot even be killed: it waits in the system for a disk or a mount that does not answer.
    GiveUp,
}

impl Ladder {
    pub(super) fn new(grace: Duration, reap: Duration) -> Self {
        Self { grace, reap, due: None, reached: None }
    }

    /// The child was asked to end.
    pub(super) fn begin(&mut self, now: Instant) {
        self.due = Some((now + self.grace, Rung::Kill));
    }

    /// When the next rung is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.map(|(at, _)| at)
    }

    /// The rung that is due by now. Each comes once.
    pub(super) fn climb(&mut self, now: Instant) -> Option<Rung> {
        let (_, rung) = self.due.filter(|(at, _)| *at <= now)?;
        self.reached = Some(rung);
        self.due = (rung == Rung::Kill).then_some((now + self.reap, Rung::GiveUp));
        Some(rung)
    }

    pub(super) fn has_killed(&self) -> bool {
        self.reached.is_some()
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.reached == Some(Rung::GiveUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_rung_comes_once_and_in_its_time() {
        let (grace, reap, now) = (Duration::from_secs(60), Duration::from_secs(10), Instant::now());
        let mut ladder = Ladder::new(grace, reap);
        assert_eq!((ladder.due(), ladder.climb(now + grace)), (None, None), "nobody has asked");
        ladder.begin(now);
        assert_eq!(ladder.climb(now + grace - Duration::from_millis(1)), None);
        assert!(!ladder.has_killed());
        assert_eq!(ladder.climb(now + grace), Some(Rung::Kill));
        assert_eq!(ladder.climb(now + grace), None);
        assert!(ladder.has_killed() && !ladder.has_given_up());
        assert_eq!(ladder.due(), Some(now + grace + reap));
        assert_eq!(ladder.climb(now + grace + reap), Some(Rung::GiveUp));
        assert_eq!((ladder.due(), ladder.has_given_up()), (None, true));
    }
}
