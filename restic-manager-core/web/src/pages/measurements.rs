//! What a repository held, as figures and as a line over the days.

use restic_manager_proto::api::repositories::{DaySize, RepositoryStatistics};
use serde::Serialize;

use super::{
    context::Cx,
    trends::{Line, drawn},
};
use crate::{
    text,
    view::{Chart, ChartRow, Moment, Size},
};

/// A repository's figures.
#[derive(Serialize)]
pub(crate) struct Figures {
    at: Moment,
    stored: Size,
    restore: Size,
    ratio: Option<String>,
    saved: Option<String>,
    snapshots: String,
    files: String,
    locks: String,
    chart: Option<Chart>,
    trend: Option<String>,
    /// How much more it stored from one day to the next.
    added: Option<Line>,
}

impl Figures {
    /// Absent until the repository was measured.
    pub(crate) fn new(cx: &Cx, statistics: &RepositoryStatistics) -> Option<Self> {
        let last = statistics.days.last()?;
        let sizes: Vec<_> = statistics
            .days
            .iter()
            .map(|day| DaySize { at: day.at, raw_bytes: day.measured.raw_bytes })
            .collect();
        let compressed = last.measured.uncompressed_bytes.filter(|plain| *plain > last.measured.raw_bytes);
        Some(Self {
            at: cx.moment(last.at),
            stored: Size::new(last.measured.raw_bytes),
            restore: Size::new(last.measured.restore_bytes),
            ratio: statistics.ratio.map(|ratio| format!("{ratio:.1} ×")),
            saved: compressed.map(|plain| format!("{} before compression", text::size(plain))),
            snapshots: text::count(last.measured.snapshots),
            files: text::count(last.measured.files),
            locks: text::count(last.measured.locks),
            added: added(&sizes),
            trend: describe(&sizes),
            chart: chart(&sizes, 640, 90, true),
        })
    }
}

/// How much more was stored than when it was measured before; a prune that made it less adds nothing.
fn added(sizes: &[DaySize]) -> Option<Line> {
    let points: Vec<_> = sizes
        .windows(2)
        .filter_map(|pair| match pair {
            [before, after] => Some((after.at, after.raw_bytes.saturating_sub(before.raw_bytes))),
            _ => None,
        })
        .collect();
    let (_, last) = points.last()?;
    Some(drawn("Added", text::size(*last), &points, text::size))
}

/// A line for a row of a table, with its words for readers.
pub(crate) fn sparkline(sizes: &[DaySize]) -> Option<Chart> {
    chart(sizes, 96, 24, false)
}

/// One day alone is no line.
fn chart(sizes: &[DaySize], width: u32, height: u32, with_table: bool) -> Option<Chart> {
    let description = describe(sizes)?;
    #[expect(clippy::cast_precision_loss, reason = "a line on a screen has few hundred steps")]
    let values: Vec<f64> = sizes.iter().map(|day| day.raw_bytes as f64).collect();
    let row = |day: &DaySize| ChartRow { label: text::date(day.at), value: text::size(day.raw_bytes) };
    let table = if with_table { sizes.iter().map(row).collect() } else { Vec::new() };
    Chart::new("Size stored", &description, width, height, &values, table)
}

fn describe(sizes: &[DaySize]) -> Option<String> {
    let [first, .., last] = sizes else { return None };
    let (before, now) = (text::size(first.raw_bytes), text::size(last.raw_bytes));
    Some(format!(
        "from {before} on {} to {now} on {}, measured on {} days",
        text::date(first.at),
        text::date(last.at),
        sizes.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::Timestamp;

    #[test]
    fn a_trend_is_told_in_words_and_needs_two_days() {
        let day = |number: i64, raw_bytes| DaySize {
            at: Timestamp::from_milliseconds(1_795_316_400_000 + number * 86_400_000),
            raw_bytes,
        };
        let days = [day(0, 1 << 30), day(1, 2 << 30), day(2, 3 << 30)];
        let told = "from 1.00 GiB on 2026-11-22 to 3.00 GiB on 2026-11-24, measured on 3 days";
        assert_eq!(describe(&days).as_deref(), Some(told));
        assert!(sparkline(&days).is_some());
        assert!(sparkline(&days[..1]).is_none(), "one day is no line");
    }
}
