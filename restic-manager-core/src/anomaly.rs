//! Whether a backup is unlike those before it, by statistics that a few odd runs do not move: the median, and the median
//! distance from it. Beside the distance stands a ratio each time, so that a host that hardly ever changes does not cry
//! about little, and a floor, so that what is small does not.

use restic_manager_proto::{Timestamp, vocabulary::AlertKind};

/// A group's usual is known from so many runs on.
pub const LEAST_RUNS: usize = 10;
/// So many of the newest runs say what is usual.
pub const MOST_RUNS: usize = 30;
/// So many median distances from the median are unusual.
const DISTANCES: u64 = 6;
/// More bytes than usual are told from so many on.
const LEAST_BYTES: u64 = 64 << 20;
/// A source that usually is smaller than this is too small to shrink.
const LEAST_SIZE: u64 = 1 << 20;
/// Changed files are told where there are so many.
const LEAST_FILES: u64 = 20;
/// Changed files, in thousandths of all, that are never unusual.
const LEAST_SHARE: u64 = 50;
/// A run that is longer than usual is told from so many milliseconds more on.
const LEAST_WAIT: u64 = 10 * 60 * 1000;

/// A backup that made a snapshot, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: the facts that the rules look at")]
pub struct Run {
    /// Files that were not there before.
    pub files_new: u64,
    /// Files that differ from before.
    pub files_changed: u64,
    /// Files that are as before.
    pub files_unmodified: u64,
    /// Bytes of the files looked at.
    pub bytes_processed: u64,
    /// Bytes that were new to the repository.
    pub bytes_added: u64,
    /// How long restic ran.
    pub milliseconds: u64,
}

impl Run {
    const fn files(&self) -> u64 {
        self.files_new.saturating_add(self.files_changed).saturating_add(self.files_unmodified)
    }

    /// New and changed files, in thousandths of all.
    const fn share(&self) -> u64 {
        let touched = self.files_new.saturating_add(self.files_changed);
        let files = self.files();
        of_all(touched, files)
    }
}

/// What may be unusual about a backup, from those before it.
type Rule = fn(&[Run], &Run) -> Option<Anomaly>;

/// What is unusual about a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: what is shown")]
pub struct Anomaly {
    /// Which alert it is.
    pub kind: AlertKind,
    /// In which figure.
    pub figure: Figure,
    /// What the figure was.
    pub found: u64,
    /// What it usually is.
    pub usual: u64,
    /// From how many runs the usual is known.
    pub runs: usize,
}

/// A figure that was unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: one for each rule")]
pub enum Figure {
    /// Bytes that the backup holds.
    Bytes,
    /// Files that it holds.
    Files,
    /// New and changed files, in thousandths.
    Touched,
    /// Files that have other names than before, in thousandths.
    Renamed,
    /// Milliseconds that it took.
    Duration,
}

/// What is unusual about a run after others, the newest of which comes last. Those before the newest [`MOST_RUNS`] do not
/// count; a usual is known from [`LEAST_RUNS`] on, but what is suddenly empty is told from the first on.
#[must_use]
pub fn judge(before: &[Run], run: &Run) -> Vec<Anomaly> {
    let before = &before[before.len().saturating_sub(MOST_RUNS)..];
    if let Some(empty) = emptied(before, run) {
        return vec![empty];
    }
    if before.len() < LEAST_RUNS {
        return Vec::new();
    }
    let rules: [Rule; 4] = [resized, touched, renamed, slowed];
    let mut found: Vec<Anomaly> = rules.into_iter().filter_map(|rule| rule(before, run)).collect();
    found.dedup_by_key(|anomaly| anomaly.kind);
    found
}

/// Nothing is left of what there was.
fn emptied(before: &[Run], run: &Run) -> Option<Anomaly> {
    let usual = before.last()?.files();
    (run.files() == 0 && usual > 0).then_some(Anomaly {
        kind: AlertKind::SourceShrunk,
        figure: Figure::Files,
        found: 0,
        usual,
        runs: before.len(),
    })
}

/// Much less than usual, or much more.
fn resized(before: &[Run], run: &Run) -> Option<Anomaly> {
    let usual = Usual::of(before, |run| run.bytes_processed);
    let found = run.bytes_processed;
    let shrunk = found < usual.median / 2 && usual.median >= LEAST_SIZE && usual.is_far(found);
    let grown =
        found > usual.median.saturating_mul(3) && found - usual.median >= LEAST_BYTES && usual.is_far(found);
    let kind = match (shrunk, grown) {
        (true, _) => AlertKind::SourceShrunk,
        (_, true) => AlertKind::SourceGrown,
        _ => return None,
    };
    Some(Anomaly { kind, figure: Figure::Bytes, found, usual: usual.median, runs: before.len() })
}

/// Many more files changed than usual, and their content is new.
fn touched(before: &[Run], run: &Run) -> Option<Anomaly> {
    let (share, added) = (Usual::of(before, Run::share), Usual::of(before, |run| run.bytes_added));
    let is_far = run.share() > LEAST_SHARE && run.share() > share.median && share.is_far(run.share());
    let is_new = run.bytes_added > added.median.saturating_mul(3) && run.bytes_added >= LEAST_BYTES;
    // Where much changes each day, all of it at once is still another thing.
    let is_all = run.share() >= 950 && share.median < 500 && run.bytes_added / 4 >= run.bytes_processed / 5;
    let is_much = run.bytes_added >= LEAST_BYTES && run.bytes_added > added.median;
    (((is_far && is_new) || (is_all && is_much)) && run.files() >= LEAST_FILES).then_some(Anomaly {
        kind: AlertKind::ChangeAnomaly,
        figure: Figure::Touched,
        found: run.share(),
        usual: share.median,
        runs: before.len(),
    })
}

/// A part in thousandths of all; nothing of nothing.
const fn of_all(part: u64, all: u64) -> u64 {
    match part.saturating_mul(1000).checked_div(all) {
        Some(share) => share,
        None => 0,
    }
}

/// Most files are gone, and about as many came under other names.
fn renamed(before: &[Run], run: &Run) -> Option<Anomaly> {
    let last = before.last()?;
    let stayed = run.files_changed.saturating_add(run.files_unmodified);
    let gone = last.files().saturating_sub(stayed);
    // restic without a snapshot to compare with calls every file new, and adds hardly anything.
    let compared = stayed > 0 || run.bytes_added.saturating_mul(2) > run.bytes_processed;
    let share = of_all(run.files_new, run.files()).min(of_all(gone, last.files()));
    let usual = Usual::of(before, |run| of_all(run.files_new, run.files()));
    (compared && share >= 500 && usual.median < 250 && run.files() >= LEAST_FILES).then_some(Anomaly {
        kind: AlertKind::ChangeAnomaly,
        figure: Figure::Renamed,
        found: share,
        usual: usual.median,
        runs: before.len(),
    })
}

/// It took much longer than usual.
fn slowed(before: &[Run], run: &Run) -> Option<Anomaly> {
    let usual = Usual::of(before, |run| run.milliseconds);
    let found = run.milliseconds;
    let is_slow =
        found > usual.median.saturating_mul(5) && found - usual.median >= LEAST_WAIT && usual.is_far(found);
    is_slow.then_some(Anomaly {
        kind: AlertKind::DurationAnomaly,
        figure: Figure::Duration,
        found,
        usual: usual.median,
        runs: before.len(),
    })
}

/// What is usual of a figure.
#[derive(Clone, Copy, Debug)]
struct Usual {
    median: u64,
    /// The median distance from it.
    distance: u64,
}

impl Usual {
    fn of(runs: &[Run], figure: impl Fn(&Run) -> u64) -> Self {
        let mut figures: Vec<u64> = runs.iter().map(figure).collect();
        let median = median(&mut figures);
        let mut distances: Vec<u64> = figures.iter().map(|figure| figure.abs_diff(median)).collect();
        Self { median, distance: self::median(&mut distances) }
    }

    fn is_far(self, figure: u64) -> bool {
        figure.abs_diff(self.median) > self.distance.saturating_mul(DISTANCES)
    }
}

fn median(figures: &mut [u64]) -> u64 {
    figures.sort_unstable();
    match figures {
        [] => 0,
        _ if figures.len() % 2 == 1 => figures[figures.len() / 2],
        _ => figures[figures.len() / 2 - 1].midpoint(figures[figures.len() / 2]),
    }
}

impl Anomaly {
    /// The sentence about a source, such as `web-01/system`: what it is now, how that compares, and with what.
    #[must_use]
    pub fn words(&self, source: &str) -> String {
        let runs = match self.runs {
            1 => "the run before".to_owned(),
            runs => format!("last {runs} runs"),
        };
        let Self { found, usual, .. } = *self;
        match self.figure {
            Figure::Files => {
                format!("The backup of {source} holds no files; the one before held {usual} ({runs}).")
            }
            Figure::Bytes if self.kind == AlertKind::SourceShrunk => {
                let (now, usual) = (size(found), size(usual));
                format!("{source} shrank to {now}; usual are {usual} ({runs}).")
            }
            Figure::Bytes => {
                let times = times(found, usual);
                format!("{source} grew to {}{times} its usual {} ({runs}).", size(found), size(usual))
            }
            Figure::Touched => {
                let (now, usual) = (percent(found), percent(usual));
                format!("{now} of the files of {source} are new or changed; usual are {usual} ({runs}).")
            }
            Figure::Renamed => {
                format!("{} of the files of {source} have other names than before.", percent(found))
            }
            Figure::Duration => {
                let times = times(found, usual);
                let (now, usual) = (minutes(found), minutes(usual));
                format!("The backup of {source} took {now}{times} its usual {usual} ({runs}).")
            }
        }
    }
}

fn times(found: u64, usual: u64) -> String {
    found.checked_div(usual).map_or_else(|| ", not".to_owned(), |times| format!(", about {times} ×"))
}

fn percent(thousandths: u64) -> String {
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

fn minutes(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// A size for people, such as `4.2 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scale: u64 = 1;
    while bytes / scale >= 1024 && unit + 1 < UNITS.len() {
        (unit, scale) = (unit + 1, scale * 1024);
    }
    let tenths = (bytes % scale).saturating_mul(10) / scale;
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{}.{tenths} {}", bytes / scale, UNITS[unit]),
    }
}

/// Since when a group's runs count: since it last changed what is backed up, or somebody said that the new is usual.
#[must_use]
pub fn baseline(moments: impl IntoIterator<Item = Option<Timestamp>>) -> Timestamp {
    moments.into_iter().flatten().max().unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
