//! How a host's backups went over weeks and months.

use restic_manager_proto::{
    HostId, Timestamp,
    api::hosts::{self, ByHost, DayOfBackups, HostStatistics, StatisticsQuery},
};
use serde::Serialize;
use std::time::Duration;

use super::{
    context::Cx,
    host::{HostContext, HostTab},
    respond::{Answer, html, link},
};
use crate::{
    render::Template,
    text,
    view::{Chart, ChartRow, Chip},
};

/// The ranges that can be chosen, in days.
const RANGES: [u32; 3] = [30, 90, 365];
const USUAL_RANGE: u32 = 90;
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Serialize)]
struct TrendsPage<H> {
    head: H,
    ranges: Vec<Chip>,
    lines: Vec<Line>,
}

/// A figure over time, with what to say of it.
#[derive(Serialize)]
pub(crate) struct Line {
    title: &'static str,
    now: String,
    words: String,
    chart: Option<Chart>,
}

impl<H: Serialize> Template for TrendsPage<H> {
    const FILE: &'static str = "pages/host_trends.html";
}

pub(crate) async fn of_host(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    let days = chosen(&cx);
    let query = StatisticsQuery { days: Some(days) };
    let (context, found) = tokio::try_join!(
        HostContext::load(&cx, host),
        cx.api.get::<hosts::Statistics>(ByHost { host }, query),
    )?;
    let page = TrendsPage {
        head: context.head(&cx, HostTab::Trends),
        ranges: ranges(&format!("/hosts/{host}/trends"), days),
        lines: lines(&found),
    };
    html(&context.frame(&cx), &page)
}

/// How many days the address asks for, among those that are offered.
pub(crate) fn chosen(cx: &Cx) -> u32 {
    cx.choice("days").filter(|days| RANGES.contains(days)).unwrap_or(USUAL_RANGE)
}

pub(crate) fn ranges(path: &str, current: u32) -> Vec<Chip> {
    let chip = |days: u32| Chip {
        label: if days == 365 { "a year".to_owned() } else { format!("{days} days") },
        href: link(path, &[("days", Some(&days.to_string()))]),
        current: days == current,
        removable: false,
    };
    RANGES.into_iter().map(chip).collect()
}

fn lines(found: &HostStatistics) -> Vec<Line> {
    let Some(last) = found.days.last() else { return Vec::new() };
    let milliseconds = Duration::from_millis;
    let run = |day: &DayOfBackups| day.duration_milliseconds / day.runs.max(1);
    vec![
        line("Size", text::size(last.bytes), &found.days, |day| day.bytes, text::size),
        line("Added", text::size(last.bytes_added), &whole(&found.days), |day| day.bytes_added, text::size),
        line("Duration", text::duration(milliseconds(run(last))), &found.days, run, |length| {
            text::duration(milliseconds(length))
        }),
    ]
}

/// Days without a backup added nothing.
fn whole(days: &[DayOfBackups]) -> Vec<DayOfBackups> {
    let Some((first, last)) = days.first().zip(days.last()) else { return Vec::new() };
    let known = days.iter().map(|day| (day.start, *day)).collect::<std::collections::BTreeMap<_, _>>();
    let mut whole = Vec::new();
    let mut start = first.start;
    while start <= last.start {
        let none = DayOfBackups { start, runs: 0, bytes: 0, bytes_added: 0, duration_milliseconds: 0 };
        whole.push(known.get(&start).copied().unwrap_or(none));
        start = start.after(DAY);
    }
    whole
}

fn line(
    title: &'static str,
    now: String,
    days: &[DayOfBackups],
    figure: impl Fn(&DayOfBackups) -> u64,
    shown: impl Fn(u64) -> String,
) -> Line {
    let points: Vec<_> = days.iter().map(|day| (day.start, figure(day))).collect();
    drawn(title, now, &points, shown)
}

/// A line through moments; its words say the range, its table every figure.
pub(crate) fn drawn(
    title: &'static str,
    now: String,
    points: &[(Timestamp, u64)],
    shown: impl Fn(u64) -> String,
) -> Line {
    let figures = || points.iter().map(|(_, figure)| *figure);
    let (low, high) = (figures().min().unwrap_or_default(), figures().max().unwrap_or_default());
    let days = match points {
        [(first, _), .., (last, _)] => format!("from {} to {}", text::date(*first), text::date(*last)),
        [(only, _)] => format!("on {}", text::date(*only)),
        [] => String::new(),
    };
    let words = format!("{} to {}, {days}", shown(low), shown(high));
    #[expect(clippy::cast_precision_loss, reason = "a line on a screen has few hundred steps")]
    let values: Vec<f64> = figures().map(|figure| figure as f64).collect();
    let table = points.iter().map(|(at, figure)| ChartRow { label: text::date(*at), value: shown(*figure) });
    let chart = Chart::new(title, &words, 640, 110, &values, table.collect()).filter(|_| points.len() > 1);
    Line { title, now, words, chart }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u64, bytes_added: u64) -> DayOfBackups {
        let start =
            Timestamp::from_milliseconds(1_795_305_600_000).after(DAY * u32::try_from(number).unwrap());
        DayOfBackups { start, runs: 2, bytes: 1 << 30, bytes_added, duration_milliseconds: 120_000 }
    }

    #[test]
    fn days_without_a_backup_added_nothing() {
        let found = whole(&[day(0, 5), day(3, 7)]);
        let added: Vec<_> = found.iter().map(|day| day.bytes_added).collect();
        assert_eq!(added, [5, 0, 0, 7]);
        assert!(whole(&[]).is_empty());
    }

    #[test]
    fn each_figure_is_told_in_words_and_one_day_is_no_line() {
        let lines = lines(&HostStatistics { days: vec![day(0, 1 << 20), day(1, 3 << 20)] });
        let told: Vec<_> =
            lines.iter().map(|line| (line.title, line.now.as_str(), line.chart.is_some())).collect();
        assert_eq!(
            told,
            [("Size", "1.00 GiB", true), ("Added", "3.00 MiB", true), ("Duration", "1 min", true)]
        );
        assert_eq!(lines[1].words, "1.00 MiB to 3.00 MiB, from 2026-11-22 to 2026-11-23");
        assert!(
            super::lines(&HostStatistics { days: vec![day(0, 1)] }).iter().all(|line| line.chart.is_none())
        );
        assert!(super::lines(&HostStatistics { days: Vec::new() }).is_empty());
    }
}
