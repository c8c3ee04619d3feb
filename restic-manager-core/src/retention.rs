//! Retention policies as rules: which can be, which of their rules nothing can fill, and which upkeep they ask for.
//!
//! What restic makes of a policy is restic's business; the agent hands it over word by word.

use core::time::Duration;
use restic_manager_proto::{Retention, Span};

/// Most snapshots that one rule may keep.
pub const MOST: u32 = 100_000;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a rule of a policy cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// A count is zero or too large.
    #[error("a number from 1 to {MOST}, such as 14; leave the rule out to keep none by it")]
    Count,
    /// A span has no length.
    #[error("a span that is longer than nothing, such as 30d or 1y6m")]
    EmptySpan,
}

/// What is wrong with a policy, by the name of the rule.
pub fn problems(policy: &Retention) -> impl Iterator<Item = (&'static str, RetentionError)> + '_ {
    let counts = policy.counts().into_iter().filter_map(|(name, count)| {
        count.filter(|count| !(1..=MOST).contains(count)).map(|_| (name, RetentionError::Count))
    });
    let spans = policy.spans().into_iter().filter_map(|(name, span)| {
        span.filter(|span| span.is_zero()).map(|_| (name, RetentionError::EmptySpan))
    });
    counts.chain(spans)
}

/// A rule that keeps something else than its name says, because backups do not run that often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// The rule.
    pub rule: &'static str,
    /// How often backups would have to run.
    pub needs: Duration,
}

/// The rules that no schedule fills: `gap` is the shortest time between two backups that the schedules of the source
/// group ask for, `None` when nothing backs it up by itself.
///
/// Twenty-four hourly snapshots of a group that is backed up once a day are twenty-four days.
#[must_use]
pub fn unfilled(policy: &Retention, gap: Option<Duration>) -> Vec<Unfilled> {
    // Backups of one schedule are not exactly as far apart as it says: jitter, and days of 23 hours.
    let too_rare = |needs: Duration| gap.is_none_or(|gap| gap > needs + needs / 8);
    let rules = [
        ("hourly", HOUR, policy.hourly.is_some()),
        ("daily", DAY, policy.daily.is_some()),
        ("weekly", 7 * DAY, policy.weekly.is_some()),
        ("monthly", 31 * DAY, policy.monthly.is_some()),
        ("yearly", 366 * DAY, policy.yearly.is_some()),
        ("within_hourly", HOUR, policy.within_hourly.is_some()),
        ("within_daily", DAY, policy.within_daily.is_some()),
        ("within_weekly", 7 * DAY, policy.within_weekly.is_some()),
        ("within_monthly", 31 * DAY, policy.within_monthly.is_some()),
        ("within_yearly", 366 * DAY, policy.within_yearly.is_some()),
    ];
    rules
        .into_iter()
        .filter(|(_, needs, is_set)| *is_set && too_rare(*needs))
        .map(|(rule, needs, _)| Unfilled { rule, needs })
        .collect()
}

/// Whether a policy may keep less than another did. One that lacks a rule, or has a smaller one, may; so does any after
/// one that kept everything.
#[must_use]
pub fn keeps_less(before: &Retention, after: &Retention) -> bool {
    if after.is_empty() || before == after {
        return false;
    }
    let counts = before.counts().into_iter().zip(after.counts());
    let spans = before.spans().into_iter().zip(after.spans());
    let shorter = |before: Option<Span>, after: Option<Span>| match (before, after) {
        (Some(before), Some(after)) => before != after && shortest(after) < longest(before),
        (before, after) => before.is_some() && after.is_none(),
    };
    before.is_empty()
        || counts.into_iter().any(|((_, before), (_, after))| before > after)
        || spans.into_iter().any(|((_, before), (_, after))| shorter(before, after))
}

/// How long a span is at most: months of 31 days, years of 366.
fn longest(span: Span) -> Duration {
    let days = u64::from(span.years) * 366 + u64::from(span.months) * 31 + u64::from(span.days);
    Duration::from_secs(days * DAY.as_secs() + u64::from(span.hours) * HOUR.as_secs())
}

/// How long a span is at least, for comparing: months of 28 days, years of 365.
#[must_use]
pub fn shortest(span: Span) -> Duration {
    let days = u64::from(span.years) * 365 + u64::from(span.months) * 28 + u64::from(span.days);
    Duration::from_secs(days * DAY.as_secs() + u64::from(span.hours) * HOUR.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(json: &str) -> Retention {
        serde_json::from_str(json).expect("a policy")
    }

    #[test]
    fn what_restic_would_misread_is_refused() {
        let wrong = policy(r#"{"last": 0, "daily": 7, "yearly": 200000, "within": "0d"}"#);
        let found: Vec<_> = problems(&wrong).collect();
        let expected = [
            ("last", RetentionError::Count),
            ("yearly", RetentionError::Count),
            ("within", RetentionError::EmptySpan),
        ];
        assert_eq!(found, expected);
        assert_eq!(problems(&policy(r#"{"last": 1, "within_daily": "1y6m"}"#)).count(), 0);
        assert_eq!(problems(&Retention::default()).count(), 0);
    }

    #[test]
    fn a_rule_less_or_a_smaller_one_keeps_less() {
        let week = policy(r#"{"last": 3, "daily": 7, "within": "1m"}"#);
        for (less, after) in [
            (false, r#"{"last": 3, "daily": 7, "within": "1m"}"#),
            (false, r#"{"last": 4, "daily": 7, "weekly": 1, "within": "31d"}"#),
            (true, r#"{"last": 3, "daily": 6, "within": "1m"}"#),
            (true, r#"{"daily": 700, "within": "1m"}"#),
            (true, r#"{"last": 3, "daily": 7, "within": "30d"}"#),
            (true, r#"{"last": 3, "daily": 7}"#),
            (false, "{}"),
        ] {
            assert_eq!(keeps_less(&week, &policy(after)), less, "{after}");
        }
        assert!(keeps_less(&Retention::default(), &week), "everything was kept");
        assert!(!keeps_less(&Retention::default(), &Retention::default()));
    }

    #[test]
    fn a_rule_finer_than_the_schedule_is_named() {
        let grandfather = policy(r#"{"last": 3, "hourly": 24, "daily": 7, "monthly": 12}"#);
        let rules = |gap| unfilled(&grandfather, gap).into_iter().map(|rule| rule.rule).collect::<Vec<_>>();
        assert_eq!(rules(Some(HOUR)), [""; 0]);
        assert_eq!(rules(Some(DAY)), ["hourly"]);
        assert_eq!(rules(Some(DAY + HOUR)), ["hourly"], "the day of a clock change has 25 hours");
        assert_eq!(rules(Some(7 * DAY)), ["hourly", "daily"]);
        assert_eq!(rules(None), ["hourly", "daily", "monthly"], "nothing runs by itself");
    }

    #[test]
    fn spans_compare_by_their_shortest_length() {
        let span = |text: &str| shortest(text.parse().expect("a span"));
        assert!(span("27d") < span("1m") && span("1m") < span("29d") && span("12m") < span("1y"));
    }

    fn policies() -> impl Strategy<Value = Retention> {
        let count = || proptest::option::of(1..4_u32);
        let span = proptest::option::of((0..2_u16, 1..40_u16));
        (count(), count(), count(), span).prop_map(|(last, daily, yearly, within)| Retention {
            last,
            daily,
            yearly,
            within: within.map(|(months, days)| Span { years: 0, months, days, hours: 0 }),
            ..Retention::default()
        })
    }

    proptest! {
        #[test]
        fn who_never_keeps_less_on_the_way_does_not_in_the_end(a in policies(), b in policies(), c in policies()) {
            prop_assert!(!keeps_less(&a, &a));
            if !keeps_less(&a, &b) && !keeps_less(&b, &c) {
                prop_assert!(!keeps_less(&a, &c), "{} {} {}", a, b, c);
            }
        }

        #[test]
        fn running_more_often_never_fills_less(first in 1..100_000_000_u64, second in 1..100_000_000_u64) {
            let everything = policy(r#"{"hourly": 1, "daily": 1, "weekly": 1, "monthly": 1, "yearly": 1}"#);
            let (often, rarely) = (first.min(second), first.max(second));
            let count = |seconds| unfilled(&everything, Some(Duration::from_secs(seconds))).len();
            prop_assert!(count(often) <= count(rarely));
        }

        #[test]
        fn spans_are_read_as_they_are_written(years in 0..99_u16, months in 0..99_u16, days in 0..999_u16, hours in 0..999_u16) {
            let span = Span { years, months, days, hours };
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_upsets_the_reader_of_spans(text in "[0-9ymdhw -]{0,12}") {
            if let Ok(span) = text.parse::<Span>() {
                prop_assert_eq!(span.to_string().parse(), Ok(span));
            }
        }
    }
}
