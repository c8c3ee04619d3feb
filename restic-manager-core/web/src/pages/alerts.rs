//! What needs somebody, and taking it on.

use restic_manager_proto::{
    api::{
        Cursor, Nothing,
        alerts::{self, Alert, ByAlert},
    },
    vocabulary::{AlertState, Role, Severity},
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
    alerts: Vec<Row>,
    pager: Pager,
    /// Nothing is open, whatever its severity.
    calm: bool,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    severity: Pill,
    kind: String,
    summary: String,
    subject: String,
    subject_kind: String,
    href: Option<String>,
    detail: Option<String>,
    next_step: String,
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
    let after = cx.query.given("after").map(Cursor::new);
    let filter = alerts::Filter { state, severity, after: after.clone(), ..alerts::Filter::default() };
    let (caller, found) = tokio::try_join!(cx.caller(), cx.api.get::<alerts::List>(Nothing {}, filter))?;
    let keep = |state: Option<AlertState>, severity: Option<Severity>, after: Option<&Cursor>| {
        let state = match state {
            Some(AlertState::Open) => None,
            Some(state) => Some(state.as_str()),
            None => Some(ALL),
        };
        let severity = severity.map(Severity::as_str);
        link("/alerts", &[("state", state), ("severity", severity), ("after", after.map(Cursor::as_str))])
    };
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
        alerts: found.items.iter().map(|alert| Row::new(&cx, alert)).collect(),
        pager: Pager {
            first: after.map(|_| keep(state, severity, None)),
            next: found.next.as_ref().map(|next| keep(state, severity, Some(next))),
        },
        calm: state == Some(AlertState::Open) && severity.is_none(),
        denied: caller.denied(Role::Operator),
    };
    html(&caller.frame(&cx, "Alerts", Section::Alerts).reloads(), &page)
}

fn chip(label: &str, href: String, current: bool) -> Chip {
    Chip { label: label.to_owned(), href, current, removable: false }
}

pub(crate) async fn acknowledge(cx: Cx) -> Answer {
    let alert = cx.parameter("alert")?;
    cx.api.send::<alerts::Acknowledge>(ByAlert { alert }, Nothing {}).await?;
    Ok(redirect("/alerts?done=alert-acknowledged"))
}

pub(crate) async fn resolve(cx: Cx) -> Answer {
    let alert = cx.parameter("alert")?;
    cx.api.send::<alerts::Resolve>(ByAlert { alert }, Nothing {}).await?;
    Ok(redirect("/alerts?done=alert-resolved"))
}

impl Row {
    fn new(cx: &Cx, alert: &Alert) -> Self {
        let detail: Vec<String> =
            alert.detail.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            id: alert.id.to_string(),
            severity: severity_pill(alert.severity),
            kind: alert.kind.as_str().replace('-', " "),
            summary: alert.summary.clone(),
            subject: if alert.subject.is_empty() { alert.subject_id.clone() } else { alert.subject.clone() },
            subject_kind: alert.subject_kind.replace('-', " "),
            href: subject_href(&alert.subject_kind, &alert.subject_id),
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
