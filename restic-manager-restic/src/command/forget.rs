use std::num::NonZeroU32;

use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, GroupBy},
    verb::Write,
};

/// `restic forget`: removes snapshots, by a rule or by id. Their data stays until [`Prune`](super::Prune).
///
/// The document names what was chosen for removal, not what was removed: an append-only server refuses, and restic
/// before 0.19 reports success all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forget {
    /// Removes what a rule does not keep.
    ByRule {
        /// The rule.
        retention: Retention,
        /// The snapshots it looks at.
        filter: Filter,
        /// What makes a group; each group is thinned by itself. `None` is restic's default, host and sources.
        group_by: Option<GroupBy>,
        /// Only say what would be removed.
        dry_run: bool,
    },
    /// Removes exactly these snapshots.
    ByIds {
        /// Whole ids or beginnings of them.
        ids: Vec<String>,
        /// Only say what would be removed.
        dry_run: bool,
    },
}

/// Which snapshots of a group are kept: all that any of the rules wants.
///
/// Spans count back from the newest snapshot of the group, not from now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// The newest ones.
    pub last: Option<Keep>,
    /// The newest of each hour.
    pub hourly: Option<Keep>,
    /// The newest of each day.
    pub daily: Option<Keep>,
    /// The newest of each week.
    pub weekly: Option<Keep>,
    /// The newest of each month.
    pub monthly: Option<Keep>,
    /// The newest of each year.
    pub yearly: Option<Keep>,
    /// All within a span.
    pub within: Option<Span>,
    /// The newest of each hour within a span.
    pub within_hourly: Option<Span>,
    /// The newest of each day within a span.
    pub within_daily: Option<Span>,
    /// The newest of each week within a span.
    pub within_weekly: Option<Span>,
    /// The newest of each month within a span.
    pub within_monthly: Option<Span>,
    /// The newest of each year within a span.
    pub within_yearly: Option<Span>,
    /// All with all tags of one of these lists.
    pub tags: Vec<Vec<String>>,
}

/// How many snapshots a rule keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// So many. Zero cannot be said, because restic takes it as "no rule".
    Count(NonZeroU32),
    /// All (restic 0.16 or newer).
    All,
}

/// A stretch of the calendar; restic knows no weeks here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Years.
    pub years: u16,
    /// Months.
    pub months: u16,
    /// Days.
    pub days: u16,
    /// Hours.
    pub hours: u16,
}

impl Forget {
    /// Thins all snapshots by `retention`.
    pub fn by_rule(retention: Retention) -> Self {
        Self::ByRule { retention, filter: Filter::default(), group_by: None, dry_run: false }
    }

    /// Removes these snapshots.
    pub fn by_ids<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::ByIds { ids: ids.into_iter().map(Into::into).collect(), dry_run: false }
    }
}

impl Keep {
    /// So many; `None` for zero, which is no rule.
    pub fn count(count: u32) -> Option<Self> {
        NonZeroU32::new(count).map(Self::Count)
    }
}

impl Span {
    /// So many days.
    pub fn days(days: u16) -> Self {
        Self { days, ..Self::default() }
    }

    /// Years, months, days and hours.
    pub fn new(years: u16, months: u16, days: u16, hours: u16) -> Self {
        Self { years, months, days, hours }
    }
}

impl Write for Forget {
    fn verb(&self) -> &'static str {
        "forget"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Document);
        match self {
            Self::ByRule { retention, filter, group_by, dry_run } => {
                if *retention == Retention::default() {
                    draft.refuse(CommandError::Missing {
                        verb: "forget",
                        what: "a rule that keeps something",
                    });
                }
                retention.write(draft);
                filter.write(draft);
                if let Some(group_by) = group_by {
                    group_by.write(draft);
                }
                draft.flag_if(*dry_run, "--dry-run");
            }
            Self::ByIds { ids, dry_run } => {
                if ids.is_empty() {
                    draft.refuse(CommandError::Missing { verb: "forget", what: "any snapshot id" });
                }
                draft.flag_if(*dry_run, "--dry-run");
                for id in ids {
                    draft.hex("a snapshot id", id);
                    draft.operand("a snapshot id", id);
                }
            }
        }
    }
}

impl Retention {
    fn write(&self, draft: &mut Draft) {
        let counts = [
            ("--keep-last", self.last),
            ("--keep-hourly", self.hourly),
            ("--keep-daily", self.daily),
            ("--keep-weekly", self.weekly),
            ("--keep-monthly", self.monthly),
            ("--keep-yearly", self.yearly),
        ];
        for (name, keep) in counts {
            match keep {
                None => {}
                Some(Keep::Count(count)) if count.get() > i32::MAX.unsigned_abs() => {
                    draft.refuse(CommandError::Invalid {
                        what: name,
                        reason: "the number is too large for restic",
                    });
                }
                Some(Keep::Count(count)) => draft.option(name, count.to_string()),
                Some(Keep::All) => {
                    draft.needs("keep unlimited");
                    draft.option(name, "unlimited");
                }
            }
        }
        self.write_spans(draft);
        for list in &self.tags {
            draft.tags("--keep-tag", list);
        }
    }

    fn write_spans(&self, draft: &mut Draft) {
        let spans = [
            ("--keep-within", self.within),
            ("--keep-within-hourly", self.within_hourly),
            ("--keep-within-daily", self.within_daily),
            ("--keep-within-weekly", self.within_weekly),
            ("--keep-within-monthly", self.within_monthly),
            ("--keep-within-yearly", self.within_yearly),
        ];
        for (name, span) in spans {
            match span {
                None => {}
                Some(span) if span == Span::default() => draft.refuse(CommandError::Empty { what: name }),
                Some(span) => draft.option(name, span.words()),
            }
        }
    }
}

impl Span {
    fn words(self) -> String {
        let parts = [(self.years, 'y'), (self.months, 'm'), (self.days, 'd'), (self.hours, 'h')];
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number}{unit}"))
            .collect()
    }
}
