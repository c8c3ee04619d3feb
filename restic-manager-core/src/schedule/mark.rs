use core::time::Duration;
use restic_manager_proto::Timestamp;
use serde::{Deserialize, Serialize};

/// A clock that stands so far before the last decision was put back from a time that it never was.
pub const SET_BACK: Duration = Duration::from_secs(24 * 60 * 60);
/// Most spans that are kept; beyond, the two oldest become one.
const MOST_SPANS: usize = 16;

/// What has been decided of one schedule's slots.
///
/// All slots up to `through` are done with. When a clock that stood far ahead is put back, `through` goes back with
/// it, so that the schedule does not wait for years; the spans then still say which slots ran or were passed over by
/// name, and those stay as they were decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    through: Timestamp,
    /// In order, apart from each other, never empty.
    spans: Vec<Span>,
}

/// Moments between which every slot was decided by name, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub through: Timestamp,
}

impl Mark {
    /// Slots up to `since` do not count.
    #[must_use]
    pub fn new(since: Timestamp) -> Self {
        Self { through: since, spans: vec![Span { from: Timestamp::MIN, through: since }] }
    }

    /// Up to where all slots are done with.
    #[must_use]
    pub const fn through(&self) -> Timestamp {
        self.through
    }

    /// The moments between which every slot was decided by name.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The span that a moment lies in.
    #[must_use]
    pub fn span_of(&self, moment: Timestamp) -> Option<Span> {
        self.spans.iter().find(|span| (span.from..=span.through).contains(&moment)).copied()
    }

    /// The mark for a clock that shows `now`: one that was put back by more than a day takes `through` with it.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        let mut mark = self.clone();
        if self.through.since(now) > SET_BACK {
            mark.through = now;
        }
        mark
    }

    /// The next slot was decided.
    pub fn decide(&mut self, slot: Timestamp) {
        self.add(Span { from: self.through.min(slot), through: slot });
        self.through = slot;
    }

    /// The next slots were passed over as a range, of which only the ends have names.
    pub fn pass_over(&mut self, from: Timestamp, through: Timestamp) {
        self.decide(from);
        self.add(Span { from: through, through });
        self.through = through;
    }

    /// Slots up to `since` do not count, and did not when they were not decided yet.
    pub fn begin(&mut self, since: Timestamp) {
        self.add(Span { from: Timestamp::MIN, through: since });
        self.through = self.through.max(since);
    }

    fn add(&mut self, span: Span) {
        let mut joined = span;
        self.spans.retain(|other| {
            let touches = other.from <= joined.through && joined.from <= other.through;
            if touches {
                joined =
                    Span { from: other.from.min(joined.from), through: other.through.max(joined.through) };
            }
            !touches
        });
        let place = self.spans.partition_point(|other| other.from < joined.from);
        self.spans.insert(place, joined);
        if self.spans.len() > MOST_SPANS {
            let first = self.spans.remove(0);
            self.spans[0].from = first.from;
        }
    }
}
