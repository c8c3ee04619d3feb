//! What a notification says, before it has the form of a channel.

use core::fmt::Write as _;
use restic_manager_proto::{
    Timestamp,
    limits::cut,
    vocabulary::{NoticeKind, Severity},
};

use super::{digest::Report, group::Item};
use crate::alert::meaning;

/// The longest title, in bytes.
const TITLE: usize = 200;
/// The longest text of one alert, in bytes.
const SUMMARY: usize = 500;
/// Subjects that a title names.
const NAMED: usize = 3;

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read by every channel and by notifiers of embedders")]
pub struct Message {
    /// Its id, the same over all attempts: a receiver that has seen it passes it over.
    pub id: String,
    /// What it says.
    pub kind: NoticeKind,
    /// The highest severity of what it tells.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Several lines of plain text.
    pub body: String,
    /// Where more is to be seen.
    pub link: String,
    /// The alerts, the first of them.
    pub items: Vec<Item>,
    /// How many alerts it is about.
    pub count: u64,
    /// How many alerts are open in all, as it is sent.
    pub open: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// Puts a message together.
#[must_use]
pub fn compose(
    id: String,
    kind: NoticeKind,
    items: Vec<Item>,
    count: u64,
    open: u64,
    base_url: &str,
    created: Timestamp,
) -> Message {
    let kind = said(kind, &items);
    let severity = items.iter().map(|item| item.severity).max().unwrap_or(Severity::Info);
    let link = match items.as_slice() {
        [item] if count <= 1 => format!("{base_url}/alerts/{}", item.alert),
        _ => format!("{base_url}/alerts"),
    };
    let title = cut(&title(kind, &items, count), TITLE);
    let body = body(kind, &items, count, open);
    Message { id, kind, severity, title, body, link, items, count, open, created }
}

impl Message {
    /// The same digest with what ran, failed and grew before its alerts.
    #[must_use]
    pub fn with_report(mut self, report: &Report) -> Self {
        self.body = format!("{}\n\n{}", report.words(), self.body);
        if self.items.is_empty() {
            let (jobs, bad) = (report.jobs(), report.bad());
            self.title = match (jobs, bad) {
                (0, _) => "restic-manager: no job ended".to_owned(),
                (_, 0) => format!("restic-manager: {jobs} jobs, all well"),
                _ => format!("restic-manager: {jobs} jobs, {bad} failed or incomplete"),
            };
        }
        self
    }
}

/// A message that tells of something new says so, whatever else it tells.
fn said(kind: NoticeKind, items: &[Item]) -> NoticeKind {
    if matches!(kind, NoticeKind::Digest | NoticeKind::Test) {
        return kind;
    }
    let has = |event| items.iter().any(|item| item.event == event);
    [NoticeKind::Raised, NoticeKind::Reminder]
        .into_iter()
        .find(|event| has(*event))
        .unwrap_or(NoticeKind::Resolved)
}

fn title(kind: NoticeKind, items: &[Item], count: u64) -> String {
    let what = match items {
        [item] if count <= 1 => one(item),
        _ => many(items, count),
    };
    match kind {
        NoticeKind::Test => "Test of restic-manager".to_owned(),
        NoticeKind::Digest if items.is_empty() => "restic-manager: nothing to tell".to_owned(),
        NoticeKind::Digest => format!("restic-manager: {what}"),
        NoticeKind::Resolved => format!("Over: {what}"),
        NoticeKind::Reminder => format!("Still: {what}"),
        _ => what,
    }
}

fn one(item: &Item) -> String {
    let kind = words(item);
    if item.subject.is_empty() { kind } else { format!("{}: {kind}", line(&item.subject)) }
}

/// `backup failed` for `backup-failed`.
fn words(item: &Item) -> String {
    item.kind.as_str().replace('-', " ")
}

fn many(items: &[Item], count: u64) -> String {
    let mut kinds: Vec<String> = items.iter().map(words).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let what = if kinds.len() == 1 { kinds.remove(0) } else { "several kinds".to_owned() };
    let subjects: Vec<_> =
        items.iter().take(NAMED).map(|item| line(&item.subject)).filter(|name| !name.is_empty()).collect();
    let more = if count > subjects.len() as u64 { ", …" } else { "" };
    format!("{count} alerts, {what} ({}{more})", subjects.join(", "))
}

fn body(kind: NoticeKind, items: &[Item], count: u64, open: u64) -> String {
    let mut text = String::new();
    if kind == NoticeKind::Test {
        text.push_str("This is a test. Somebody pressed the button; nothing is wrong.\n");
    }
    for item in items {
        let state = match item.event {
            NoticeKind::Resolved => "over: ",
            NoticeKind::Reminder => "still: ",
            _ => "",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "[{}] {state}{}", item.severity, cut(&line(&item.summary), SUMMARY));
        let _ = writeln!(text, "since {}", item.since);
        if item.event != NoticeKind::Resolved && count <= 3 {
            let _ = writeln!(text, "What to do: {}", meaning(item.kind).next_step);
        }
    }
    let told = items.len() as u64;
    if count > told {
        let _ = writeln!(text, "… and {} more", count - told);
    }
    if kind == NoticeKind::Digest {
        let _ = writeln!(text, "Alerts that are open now: {open}");
    }
    text.trim_end().to_owned()
}

/// A text on one line: names and findings come from anywhere.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}
