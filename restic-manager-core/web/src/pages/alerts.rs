//! What needs somebody, and taking it on.

use restic_manager_proto::{
    api::{
        Cursor, Nothing,
        alerts::{self, Alert, ByAlert},
    },
    vocabulary::{AlertKind, AlertState, Role, Severity},
};
use serde::Serialize;

use super::{
    audit::subject_href,
    context::Cx,
    respond::{Answer, html, link, redirect},
};
use crate::{
    render::Template,
    text,
    view::{Chip, Moment, Pager, Pill, Section, severity_pill},
};

#[derive(Serialize)]
struct AlertsPage {
    states: Vec<Chip>,
    severities: Vec<Chip>,
    /// The kind that is chosen, and those that can be.
    kind: String,
    kinds: Vec<Chip>,
    alerts: Vec<Row>,
    pager: Pager,
    /// Nothing is open, whatever its severity and kind.
    calm: bool,
    denied: Option<String>,
}

/// An alert as lists show it.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    page: String,
    severity: Pill,
    kind: String,
    summary: String,
    subject: String,
    subject_kind: String,
    href: Option<String>,
    detail: Option<String>,
    next_step: String,
    evidence: String,
    below: Option<String>,
    reason: String,
    until: Option<Moment>,
    times: Option<String>,
    first: Moment,
    last: Moment,
    open: bool,
    over: bool,
    taken: Option<Moment>,
    taken_by: Option<String>,
    ended: Option<Moment>,
    ended_by: Option<String>,
    acknowledge: String,
    resolve: String,
}

impl Template for AlertsPage {
    const FILE: &'static str = "pages/alerts.html";
}

/// What the address says when every state is wanted; without a word, only what is open is shown.
const ALL: &str = "all";

pub(crate) async fn list(cx: Cx) -> Answer {
    let state = match cx.query.given("state") {
        Some(ALL) => None,
        _ => Some(cx.choice("state").unwrap_or(AlertState::Open)),
    };
    let severity: Option<Severity> = cx.choice("severity");
    let kind: Option<AlertKind> = cx.choice("kind");
    let after = cx.query.given("after").map(Cursor::new);
    let filter = alerts::Filter { state, severity, kind, after: after.clone(), ..alerts::Filter::default() };
    let (caller, found) = tokio::try_join!(cx.caller(), cx.api.get::<alerts::List>(Nothing {}, filter))?;
    let address = |state: Option<AlertState>,
                   severity: Option<Severity>,
                   kind: Option<AlertKind>,
                   after: Option<&Cursor>| {
        let (severity, kind) = (severity.map(Severity::as_str), kind.map(AlertKind::as_str));
        let after = after.map(Cursor::as_str);
        link(
            "/alerts",
            &[("state", state_word(state)), ("severity", severity), ("kind", kind), ("after", after)],
        )
    };
    let keep = |state, severity, after| address(state, severity, kind, after);
    let kinds = core::iter::once(None).chain(AlertKind::ALL.iter().map(|one| Some(*one)));
    let states = AlertState::ALL.iter().map(|state| Some(*state)).chain([None]);
    let severities = core::iter::once(None).chain(Severity::ALL.iter().rev().map(|one| Some(*one)));
    let page = AlertsPage {
        states: states
            .map(|one| chip(one.map_or(ALL, AlertState::as_str), keep(one, severity, None), one == state))
            .collect(),
        severities: severities
            .map(|one| {
                let label = one.map_or("every severity", Severity::as_str);
                chip(label, keep(state, one, None), one == severity)
            })
            .collect(),
        kind: kind_word(kind),
        kinds: kinds
            .map(|one| chip(&kind_word(one), address(state, severity, one, None), one == kind))
            .collect(),
        alerts: found.items.iter().map(|alert| Row::new(&cx, alert)).collect(),
        pager: Pager {
            first: after.map(|_| keep(state, severity, None)),
            next: found.next.as_ref().map(|next| keep(state, severity, Some(next))),
        },
        calm: state == Some(AlertState::Open) && severity.is_none() && kind.is_none(),
        denied: caller.denied(Role::Operator),
    };
    html(&caller.frame(&cx, "Alerts", Section::Alerts).reloads(), &page)
}

fn chip(label: &str, href: String, current: bool) -> Chip {
    Chip { label: label.to_owned(), href, current, removable: false }
}

/// A state as the address says it; what is open needs no word.
const fn state_word(state: Option<AlertState>) -> Option<&'static str> {
    match state {
        Some(AlertState::Open) => None,
        Some(state) => Some(state.as_str()),
        None => Some(ALL),
    }
}

fn kind_word(kind: Option<AlertKind>) -> String {
    kind.map_or_else(|| "every kind".to_owned(), |kind| spoken(kind.as_str()))
}

/// A word of the vocabulary within a sentence.
pub(super) fn spoken(word: &str) -> String {
    word.replace('-', " ")
}

pub(crate) async fn resolve(cx: Cx) -> Answer {
    let alert = cx.parameter("alert")?;
    cx.api.send::<alerts::Resolve>(ByAlert { alert }, Nothing {}).await?;
    Ok(redirect("/alerts?done=alert-resolved"))
}

impl Row {
    pub(super) fn new(cx: &Cx, alert: &Alert) -> Self {
        let detail: Vec<String> =
            alert.detail.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            id: alert.id.to_string(),
            page: format!("/alerts/{}", alert.id),
            severity: severity_pill(alert.severity),
            kind: spoken(alert.kind.as_str()),
            summary: alert.summary.clone(),
            subject: if alert.subject.is_empty() { alert.subject_id.clone() } else { alert.subject.clone() },
            subject_kind: spoken(&alert.subject_kind),
            href: href(alert),
            evidence: alert.evidence.clone(),
            below: (alert.below > 0).then(|| below(alert.below)),
            reason: alert.reason.clone(),
            until: cx.moment_of(alert.acknowledged_until),
            detail: Some(detail.join(", ")).filter(|detail| !detail.is_empty()),
            next_step: alert.next_step.clone(),
            times: (alert.count > 1).then(|| format!("{} times", text::count(alert.count))),
            first: cx.moment(alert.first_seen_at),
            last: cx.moment(alert.last_seen_at),
            open: alert.state == AlertState::Open,
            over: alert.state == AlertState::Resolved,
            taken: cx.moment_of(alert.acknowledged_at),
            taken_by: alert.acknowledged_by.clone(),
            ended: cx.moment_of(alert.resolved_at),
            ended_by: alert.resolved_by.clone(),
            acknowledge: format!("/alerts/{}/acknowledge", alert.id),
            resolve: format!("/alerts/{}/resolve", alert.id),
        }
    }
}

fn below(alerts: u64) -> String {
    match alerts {
        1 => "1 more because of it".to_owned(),
        alerts => format!("{} more because of it", text::count(alerts)),
    }
}

/// The page of what an alert is about; that of a source group is its host's.
pub(super) fn href(alert: &Alert) -> Option<String> {
    match (alert.subject_kind.as_str(), alert.host) {
        ("source-group", Some(host)) => Some(format!("/hosts/{host}/sources")),
        (kind, _) => subject_href(kind, &alert.subject_id),
    }
}
