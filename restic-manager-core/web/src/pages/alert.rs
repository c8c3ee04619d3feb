//! One alert: what it is about, since when, what proves it, what to do, who took it on, what became of it.

use restic_manager_proto::{
    AlertId,
    api::{
        Nothing, Problem,
        alerts::{self, Acknowledgement, Alert, AlertEvent, ByAlert},
    },
    vocabulary::{AlertState, AlertStep, Role},
};
use serde::Serialize;
use std::time::Duration;

use super::{
    alerts::{Row, href, spoken},
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
};
use crate::{
    render::Template,
    view::{Action, Moment, Pill, Section, SelectOption, Tone, severity_pill},
};

/// For how long an alert can be taken on, in hours, with the words for it; 0 until it is over.
const LENGTHS: &[(u64, &str)] = &[
    (0, "until it is over"),
    (24, "for a day"),
    (72, "for 3 days"),
    (168, "for a week"),
    (720, "for 30 days"),
    (2160, "for 90 days"),
];

#[derive(Serialize)]
struct AlertPage<'a> {
    row: Row,
    severity: Pill,
    state: Pill,
    subject: String,
    subject_kind: String,
    /// Where what it is about can be looked at.
    places: Vec<Action>,
    /// The source group and host of a backup that can be run at once.
    backup: Option<(String, String)>,
    details: Vec<(String, String)>,
    since: Moment,
    last: Moment,
    settles: Option<Moment>,
    cause: Option<String>,
    below: Vec<Row>,
    /// Not all of those below are shown.
    more_below: bool,
    history: Vec<Step>,
    form: FormState<'a>,
    lengths: Vec<SelectOption>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Step {
    at: Moment,
    word: &'static str,
    by: Option<String>,
    text: String,
}

impl Template for AlertPage<'_> {
    const FILE: &'static str = "pages/alert.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let alert: AlertId = cx.parameter("alert")?;
    let filter = alerts::Filter { below: Some(alert), limit: Some(50), ..alerts::Filter::default() };
    let (caller, found, below) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<alerts::Show>(ByAlert { alert }, Nothing {}),
        cx.api.get::<alerts::List>(Nothing {}, filter),
    )?;
    let mut form = cx.form_at(&[&format!("/alerts/{alert}/acknowledge")], problem);
    form.text("reason", "").text_of("length", "until", "0");
    let denied = caller.denied(Role::Operator);
    let page = AlertPage {
        row: Row::new(cx, &found),
        severity: severity_pill(found.severity),
        state: state_pill(cx, &found),
        subject: if found.subject.is_empty() { found.subject_id.clone() } else { found.subject.clone() },
        subject_kind: spoken(&found.subject_kind),
        places: places(&found),
        backup: backup(&found).filter(|_| denied.is_none()),
        details: found.detail.iter().map(|(name, value)| (spoken(name), value.clone())).collect(),
        since: cx.moment(found.first_seen_at),
        last: cx.moment(found.last_seen_at),
        settles: cx.moment_of(found.settles_at),
        cause: found.cause.map(|cause| format!("/alerts/{cause}")),
        below: below.items.iter().map(|alert| Row::new(cx, alert)).collect(),
        more_below: below.next.is_some(),
        history: found.history.iter().rev().map(|event| Step::new(cx, event)).collect(),
        form,
        lengths: LENGTHS.iter().map(|(hours, word)| option(*hours, word)).collect(),
        denied,
    };
    let frame = caller.frame(cx, spoken(found.kind.as_str()), Section::Alerts).crumb("Alerts", "/alerts");
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

fn option(hours: u64, word: &str) -> SelectOption {
    SelectOption { value: hours.to_string(), label: word.to_owned() }
}

fn state_pill(cx: &Cx, alert: &Alert) -> Pill {
    match alert.state {
        AlertState::Open => Pill::new(Tone::Bad, "bell", "open"),
        AlertState::Acknowledged => Pill::new(Tone::Running, "check", "taken on"),
        _ => Pill::new(Tone::Good, "circle-check", "over").since(cx.moment_of(alert.resolved_at)),
    }
}

/// What it is about, the job that showed it, and where else to look.
fn places(alert: &Alert) -> Vec<Action> {
    let action = |label: &str, href: String| Action { label: label.to_owned(), href };
    let mut places: Vec<Action> = Vec::new();
    places.extend(alert.job.map(|job| action("Open the job", format!("/jobs/{job}"))));
    places.extend(href(alert).map(|href| action(&format!("Open the {}", spoken(&alert.subject_kind)), href)));
    places.extend(alert.host.map(|host| action("Open the host", format!("/hosts/{host}"))));
    let repository = alert.repository.map(|repository| format!("/repositories/{repository}"));
    places.extend(repository.map(|href| action("Open the repository", href)));
    let mut seen = std::collections::BTreeSet::new();
    places.retain(|place| seen.insert(place.href.clone()));
    places
}

fn backup(alert: &Alert) -> Option<(String, String)> {
    let lasts = alert.state != AlertState::Resolved && alert.subject_kind == "source-group";
    alert.host.filter(|_| lasts).map(|host| (host.to_string(), alert.subject_id.clone()))
}

impl Step {
    fn new(cx: &Cx, event: &AlertEvent) -> Self {
        let word = match event.step {
            AlertStep::Raised => "found",
            AlertStep::Reopened => "found again",
            AlertStep::Worsened => "became graver",
            AlertStep::Acknowledged => "taken on",
            AlertStep::Lapsed => "open again: the time for which it was taken on has passed",
            AlertStep::Resolved => "over",
            _ => "changed",
        };
        Self { at: cx.moment(event.at), word, by: event.by.clone(), text: event.text.clone() }
    }
}

/// The list sends nothing but the wish; the alert's own page says why and for how long.
pub(crate) async fn acknowledge(cx: Cx) -> Answer {
    let alert: AlertId = cx.parameter("alert")?;
    let mut reader = FormReader::new(&cx.form);
    let length: Option<u16> = reader.optional("length", "until", "choose one of those offered");
    let wish = Acknowledgement {
        reason: cx.form.text("reason").to_owned(),
        until: length.filter(|hours| *hours > 0).map(|hours| cx.now.after(hours_of(hours))),
    };
    let sent = match reader.finish(Some(wish)) {
        Ok(wish) => cx.api.send::<alerts::Acknowledge>(ByAlert { alert }, wish).await,
        Err(failure) => Err(failure),
    };
    match refusal_of(sent)? {
        Ok(_) if length.is_some() => Ok(redirect(&format!("/alerts/{alert}?done=alert-acknowledged"))),
        Ok(_) => Ok(redirect("/alerts?done=alert-acknowledged")),
        Err(problem) => page(&cx, Some(&problem)).await,
    }
}

fn hours_of(hours: u16) -> Duration {
    Duration::from_secs(u64::from(hours) * 60 * 60)
}
