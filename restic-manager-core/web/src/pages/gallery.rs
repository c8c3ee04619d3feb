//! Every component with sample data, hostile text included: a page to look at, and the first thing tests render.

use restic_manager_proto::{LogLine, Progress, Timestamp, vocabulary::LogStream};
use serde::Serialize;
use std::time::Duration;

use super::{form_state::FormState, schedule_form::ScheduleSample};
use crate::{
    render::{self, Template},
    view::{
        Account, Action, Banner, Chart, ChartRow, Chip, Column, Day, Fingerprint, FleetSentence, FormTokens,
        Frame, LogRow, LogView, Moment, Pager, Pill, ProgressView, SecretState, Section, SelectOption, Size,
        Step, Tab, Tile, Toast, Tone, job_pill,
    },
};

/// A name that would break markup, lines and reading order, if it were obeyed.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&amp;\u{202e}gpj.exe\n\u{1b}[31mred\u{0}";

/// The gallery as HTML; the same at every call.
///
/// # Errors
/// Never with the templates of this crate.
pub fn html() -> Result<String, minijinja::Error> {
    render::page(&frame(), &Gallery::sample())
}

pub(crate) fn frame() -> Frame {
    let mut frame = Frame::new("Component gallery", Section::None).crumb("Settings", "/settings");
    frame.account = Some(Account { name: "Ada Lovelace".to_owned(), role: "admin" });
    frame.csrf = FormTokens { token: "sample".to_owned(), once: "sample".to_owned() };
    frame.fleet = Some(FleetSentence {
        tone: Tone::Warn,
        icon: "triangle-alert",
        first: "41 of 42 hosts backed up".to_owned(),
        rest: Some("1 overdue".to_owned()),
    });
    frame.toast =
        Some(Toast { text: "Saved. This notice stays until it is dismissed.", href: "/gallery".to_owned() });
    frame
}

/// Sample data for each component.
#[derive(Serialize)]
pub(crate) struct Gallery {
    hostile: &'static str,
    pills: Vec<Pill>,
    tiles: Vec<Tile>,
    moment: Moment,
    size: Size,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pager: Pager,
    chips: Vec<Chip>,
    tabs: Vec<Tab>,
    days: Vec<Day>,
    chart: Option<Chart>,
    known: ProgressView,
    unknown: ProgressView,
    log: LogView,
    command: &'static str,
    options: Vec<SelectOption>,
    secret_set: SecretState,
    secret_unset: SecretState,
    fingerprint: Fingerprint,
    steps: Vec<Step>,
    banners: Vec<Banner>,
    schedule: ScheduleSample,
    form: FormState<'static>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    tags: Vec<String>,
    state: Pill,
    size: Size,
    last: Moment,
    chart: Option<Chart>,
}

impl Template for Gallery {
    const FILE: &'static str = "pages/gallery.html";
}

fn now() -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000)
}

fn ago(seconds: u64) -> Moment {
    Moment::new(now().before(Duration::from_secs(seconds)), now())
}

impl Gallery {
    pub(crate) fn sample() -> Self {
        Self {
            hostile: HOSTILE,
            pills: pills(),
            tiles: tiles(),
            moment: ago(7400),
            size: Size::new(52_613_349_376),
            columns: columns(),
            rows: rows(),
            pager: Pager { first: Some("?".to_owned()), next: Some("?after=x".to_owned()) },
            chips: chips(),
            tabs: tabs(),
            days: days(),
            chart: chart(180, 40),
            known: known_progress(),
            unknown: ProgressView::new("Backup", &Progress::default()),
            log: log(),
            command: "restic -r rest:https://backup.example.com/web/ backup --tag default \\\n  --exclude '*.tmp' -- /etc /srv/www '/home/o'\\''brien'",
            options: vec![option("a", "Always on: silence is a fault"), option("b", HOSTILE)],
            secret_set: SecretState { set: Some(ago(3 * 86_400)), by: Some("ada".to_owned()) },
            secret_unset: SecretState { set: None, by: None },
            fingerprint: Fingerprint::new("7QX2-M4KD-9TZC-W3HB-5RFN-8YPJ-2VGL-6SAE-4UXD-NQ7M-3KBT-ZC9W"),
            steps: vec![
                Step { label: "Describe", state: "done" },
                Step { label: "Install", state: "current" },
                Step { label: "First backup", state: "next" },
            ],
            banners: banners(),
            schedule: ScheduleSample::new(HOSTILE, now()),
            form: form(),
        }
    }
}

fn form() -> FormState<'static> {
    let mut form = FormState::default();
    form.text("name", HOSTILE)
        .text("every", "6")
        .lines("paths", &[HOSTILE.to_owned()])
        .text("mode", "a")
        .text("repository", "existing")
        .secret("password")
        .secret("other")
        .refuse("name", Some("“web 01” has a space in it; try “web-01”".to_owned()))
        .refuse("other", Some("at least 12 characters".to_owned()));
    form
}

fn pills() -> Vec<Pill> {
    use restic_manager_proto::vocabulary::JobState;
    let mut pills: Vec<Pill> = JobState::ALL.iter().map(|state| job_pill(*state)).collect();
    pills.push(Pill::new(Tone::Good, "shield-check", "backed up").since(Some(ago(3600))));
    pills
}

fn tiles() -> Vec<Tile> {
    let tile = |label, icon, tone, value: &str, note: &str| Tile {
        label,
        icon,
        tone,
        value: value.to_owned(),
        unit: None,
        note: Some(note.to_owned()),
        href: Some("/hosts".to_owned()),
    };
    vec![
        Tile {
            unit: Some("of 42".to_owned()),
            ..tile("Backed up", "shield-check", Tone::Good, "41", "seen in a repository and fresh")
        },
        tile("Overdue", "hourglass", Tone::Warn, "1", "newest snapshot too old"),
        tile("Failing", "circle-x", Tone::Bad, "0", "last backup failed"),
        Tile { href: None, ..tile("Running", "loader", Tone::Running, "3", HOSTILE) },
    ]
}

fn columns() -> Vec<Column> {
    let column = |label, numeric| Column { label, numeric, href: None, sorted: None };
    vec![
        Column { href: Some("?sort=-name".to_owned()), sorted: Some("ascending"), ..column("Host", false) },
        column("State", false),
        Column { href: Some("?sort=size".to_owned()), ..column("Size", true) },
        column("Trend", false),
        column("Last backup", false),
    ]
}

fn rows() -> Vec<Row> {
    let row = |name: &str, tags: &[&str], state: Pill, bytes, seconds| Row {
        name: name.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        state,
        size: Size::new(bytes),
        last: ago(seconds),
        chart: chart(72, 20),
    };
    vec![
        row(
            "web-01",
            &["prod", "web"],
            Pill::new(Tone::Good, "shield-check", "backed up"),
            52_613_349_376,
            5400,
        ),
        row("db-01", &["prod"], Pill::new(Tone::Bad, "circle-x", "failing"), 912_680_550_400, 180_000),
        row(HOSTILE, &[HOSTILE], Pill::new(Tone::Unknown, "circle-help", "unknown"), 0, 9_000_000),
    ]
}

fn chips() -> Vec<Chip> {
    let chip = |label: &str, current| Chip {
        label: label.to_owned(),
        href: "?".to_owned(),
        current,
        removable: current,
    };
    vec![chip("backed up", false), chip("overdue", true), chip("failing", false), chip(HOSTILE, false)]
}

fn tabs() -> Vec<Tab> {
    let tab = |label, current, count: Option<&str>| Tab {
        label,
        href: "?".to_owned(),
        current,
        count: count.map(str::to_owned),
    };
    vec![
        tab("Snapshots", true, Some("128")),
        tab("Sources", false, None),
        tab("Repositories", false, Some("2")),
        tab("Jobs", false, None),
    ]
}

fn days() -> Vec<Day> {
    let outcomes = ["good", "good", "good", "incomplete", "good", "failed", "missed", "good", "none", "good"];
    (0..30)
        .map(|day| Day {
            date: format!("2026-10-{:02}", day + 1),
            outcome: outcomes[day % outcomes.len()],
            href: "/jobs".to_owned(),
        })
        .collect()
}

fn chart(width: u32, height: u32) -> Option<Chart> {
    let values = [40.0, 41.5, 41.0, 43.2, 44.0, 43.8, 46.1, 47.0, 49.4, 49.0];
    let table = values
        .iter()
        .enumerate()
        .map(|(day, value)| ChartRow { label: format!("day {}", day + 1), value: format!("{value} GiB") });
    Chart::new("Size", "grew from 40 to 49 GiB in ten days", width, height, &values, table.collect())
}

fn known_progress() -> ProgressView {
    let mut progress = Progress::default();
    progress.fraction_done = Some(0.427);
    progress.seconds_elapsed = 192;
    progress.seconds_remaining = Some(258);
    progress.bytes_total = Some(52_613_349_376);
    progress.bytes_done = 22_465_900_183;
    ProgressView::new("Backup of web-01", &progress)
}

fn log() -> LogView {
    let line = |sequence, stream, text: &str| {
        LogRow::new(&LogLine { sequence, at: now(), stream, text: text.to_owned() })
    };
    LogView {
        stream: String::new(),
        live: false,
        total: "6".to_owned(),
        text_href: "/api/v1/jobs/x/log".to_owned(),
        ndjson_href: "/api/v1/jobs/x/log?format=ndjson".to_owned(),
        lines: vec![
            line(1, LogStream::Agent, "starting restic 0.18.0"),
            line(2, LogStream::Stdout, "open repository"),
            line(3, LogStream::Stdout, "using parent snapshot 4f3c2a1b"),
            line(4, LogStream::Stderr, "error: open /srv/private/key.pem: permission denied"),
            line(5, LogStream::Stdout, HOSTILE),
            line(6, LogStream::Stdout, "snapshot 9e8d7c6b saved"),
        ],
    }
}

fn option(value: &str, label: &str) -> SelectOption {
    SelectOption { value: value.to_owned(), label: label.to_owned() }
}

fn banners() -> Vec<Banner> {
    let banner =
        |tone, icon, title: &str, detail: Option<&str>, proof: Option<&str>, action: Option<&str>| Banner {
            tone,
            icon,
            title: title.to_owned(),
            detail: detail.map(str::to_owned),
            proof: proof.map(str::to_owned),
            action: action.map(|label| Action { label: label.to_owned(), href: "/repositories".to_owned() }),
        };
    vec![
        banner(
            Tone::Bad,
            "circle-x",
            "The repository’s password does not open it",
            Some("Set the password the repository was made with; schedules go on meanwhile."),
            Some("Fatal: wrong password or no key found"),
            Some("Set the password"),
        ),
        banner(
            Tone::Warn,
            "triangle-alert",
            "3 files could not be read",
            Some("A snapshot exists without them."),
            None,
            None,
        ),
        banner(Tone::Unknown, "info", "Nobody has looked yet", Some(HOSTILE), None, None),
        banner(Tone::Running, "loader", "The host is being set up", None, None, None),
    ]
}
