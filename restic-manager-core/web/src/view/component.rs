//! The arguments of the component macros in `templates/ui`.

use restic_manager_proto::{LogLine, Progress, Timestamp, vocabulary::LogStream};
use serde::Serialize;
use std::time::Duration;

use crate::text;

/// Which family of colours; never the only sign of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    Running,
    Unknown,
}

/// A moment: relative for the eye, absolute with its zone on hover, exact for scripts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Moment {
    iso: String,
    relative: String,
    absolute: String,
}

impl Moment {
    pub(crate) fn new(moment: Timestamp, now: Timestamp) -> Self {
        Self {
            iso: moment.to_string(),
            relative: text::relative(moment, now),
            absolute: text::absolute(moment),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Size {
    bytes: u64,
    text: String,
    exact: String,
}

impl Size {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { bytes, text: text::size(bytes), exact: format!("{} bytes", text::count(bytes)) }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pill {
    pub(crate) tone: Tone,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) since: Option<Moment>,
}

impl Pill {
    pub(crate) fn new(tone: Tone, icon: &'static str, word: &'static str) -> Self {
        Self { tone, icon, word, since: None }
    }

    pub(crate) fn since(self, since: Option<Moment>) -> Self {
        Self { since, ..self }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tile {
    pub(crate) label: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) tone: Tone,
    pub(crate) value: String,
    pub(crate) unit: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) href: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Action {
    pub(crate) label: String,
    pub(crate) href: String,
}

/// A notice across the page: what is the matter, the words that prove it, the next step.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Banner {
    pub(crate) tone: Tone,
    pub(crate) icon: &'static str,
    pub(crate) title: String,
    pub(crate) detail: Option<String>,
    pub(crate) proof: Option<String>,
    pub(crate) action: Option<Action>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tab {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) count: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chip {
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) removable: bool,
}

/// An `<option>` of a select field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SelectOption {
    pub(crate) value: String,
    pub(crate) label: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Column {
    pub(crate) label: &'static str,
    pub(crate) numeric: bool,
    pub(crate) href: Option<String>,
    pub(crate) sorted: Option<&'static str>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Pager {
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) label: &'static str,
    pub(crate) state: &'static str,
}

/// A fingerprint in groups of four, as people compare it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fingerprint {
    text: String,
    groups: Vec<String>,
}

impl Fingerprint {
    pub(crate) fn new(text: &str) -> Self {
        let groups = if text.contains([' ', '-', ':']) && !text.starts_with("SHA256:") {
            text.split([' ', '-', ':']).filter(|group| !group.is_empty()).map(str::to_owned).collect()
        } else {
            text.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect()
        };
        Self { text: text.to_owned(), groups }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct SecretState {
    pub(crate) set: Option<Moment>,
    pub(crate) by: Option<String>,
}

/// One day of a strip: `good`, `incomplete`, `failed`, `missed` or `none`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Day {
    pub(crate) date: String,
    pub(crate) outcome: &'static str,
    pub(crate) href: String,
}

/// A line of values over time, laid out for an SVG path.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    title: String,
    description: String,
    width: u32,
    height: u32,
    line: String,
    area: String,
    last_x: String,
    last_y: String,
    table: Vec<ChartRow>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChartRow {
    pub(crate) label: String,
    pub(crate) value: String,
}

impl Chart {
    /// Lays out at least two values; `table` repeats them in words.
    pub(crate) fn new(
        title: &str,
        description: &str,
        width: u32,
        height: u32,
        values: &[f64],
        table: Vec<ChartRow>,
    ) -> Option<Self> {
        let (first, rest) = values.split_first()?;
        let (low, high) =
            rest.iter().fold((*first, *first), |(low, high), value| (low.min(*value), high.max(*value)));
        let span = if high > low { high - low } else { 1.0 };
        let (inner_width, inner_height) = (f64::from(width) - 5.0, f64::from(height) - 5.0);
        #[expect(clippy::cast_precision_loss, reason = "a chart has few points")]
        let step = inner_width / rest.len().max(1) as f64;
        let mut points = Vec::with_capacity(values.len());
        let mut x = 2.0;
        for value in values {
            points.push(format!("{x:.1} {:.1}", 2.5 + inner_height * (1.0 - (value - low) / span)));
            x += step;
        }
        let (last_x, last_y) = points.last()?.split_once(' ')?;
        let line = format!("M{}", points.join("L"));
        Some(Self {
            title: title.to_owned(),
            description: description.to_owned(),
            width,
            height,
            area: format!("{line}L{last_x} {height}L2 {height}Z"),
            last_x: last_x.to_owned(),
            last_y: last_y.to_owned(),
            line,
            table,
        })
    }
}

/// How far something has come; without a fraction it only moves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProgressView {
    pub(crate) label: String,
    pub(crate) fraction: Option<String>,
    pub(crate) main: String,
    pub(crate) detail: Option<String>,
    pub(crate) left: String,
}

impl ProgressView {
    pub(crate) fn new(label: &str, progress: &Progress) -> Self {
        let elapsed = Duration::from_secs(progress.seconds_elapsed);
        let total =
            progress.bytes_total.map(|total| format!(" of {}", text::size(total))).unwrap_or_default();
        let rate = progress.bytes_done.checked_div(progress.seconds_elapsed).filter(|rate| *rate > 0);
        let left = progress.seconds_remaining.filter(|seconds| *seconds > 0);
        Self {
            label: label.to_owned(),
            fraction: progress.fraction_done.map(|fraction| format!("{:.4}", fraction.clamp(0.0, 1.0))),
            main: match progress.fraction_done {
                Some(fraction) => format!("{:.1} %", fraction.clamp(0.0, 1.0) * 100.0),
                None => "scanning".to_owned(),
            },
            detail: Some(format!(
                "{}{total}{}",
                text::size(progress.bytes_done),
                rate.map(|rate| format!(" · {}/s", text::size(rate))).unwrap_or_default()
            )),
            left: match left {
                Some(seconds) => format!("about {} left", text::duration(Duration::from_secs(seconds))),
                None => format!("{} elapsed", text::duration(elapsed)),
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogRow {
    number: u64,
    class: &'static str,
    time: String,
    text: String,
}

impl LogRow {
    pub(crate) fn new(line: &LogLine) -> Self {
        let time = line.at.to_string();
        Self {
            number: line.sequence,
            class: match line.stream {
                LogStream::Stderr => "err",
                LogStream::Agent => "sys",
                _ => "out",
            },
            time: time.get(11..19).unwrap_or_default().to_owned(),
            text: line.text.clone(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogView {
    pub(crate) stream: String,
    pub(crate) live: bool,
    pub(crate) total: String,
    pub(crate) text_href: String,
    pub(crate) ndjson_href: String,
    pub(crate) lines: Vec<LogRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_grouped_for_comparison() {
        assert_eq!(Fingerprint::new("abcdefghij").groups, ["abcd", "efgh", "ij"]);
        assert_eq!(Fingerprint::new("abcd-efgh").groups, ["abcd", "efgh"]);
    }

    #[test]
    fn charts_stay_inside_their_frame() {
        let chart = Chart::new("Size", "grows", 100, 25, &[1.0, 3.0, 2.0], Vec::new()).unwrap();
        assert_eq!(chart.line, "M2.0 22.5L49.5 2.5L97.0 12.5");
        assert!(Chart::new("Size", "", 100, 25, &[], Vec::new()).is_none());
        assert_eq!(Chart::new("Size", "", 100, 25, &[7.0], Vec::new()).unwrap().line, "M2.0 22.5");
    }

    #[test]
    fn progress_tells_rate_and_time_left() {
        let mut progress = Progress::default();
        progress.bytes_done = 10 << 20;
        progress.bytes_total = Some(40 << 20);
        progress.seconds_elapsed = 10;
        progress.fraction_done = Some(0.25);
        progress.seconds_remaining = Some(90);
        let view = ProgressView::new("Backup", &progress);
        assert_eq!((view.main.as_str(), view.left.as_str()), ("25.0 %", "about 1 min 30 s left"));
        assert_eq!(view.detail.unwrap(), "10.0 MiB of 40.0 MiB · 1.00 MiB/s");
        assert_eq!(ProgressView::new("Backup", &Progress::default()).fraction, None);
    }
}
