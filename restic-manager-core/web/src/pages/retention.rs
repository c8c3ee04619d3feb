//! Retention: the fields of a policy, and what it would keep and remove, seen before it is saved.

use restic_manager_proto::{
    JobId, PreviewedSnapshot, Retention, Span,
    api::{
        Code, Cursor, FieldProblem, Nothing, Problem,
        jobs::{self, ByJob, PreviewQuery},
        source_groups::{self, ByGroup, RetentionDraft, SourceGroup, SourceGroupChange, UnfilledRule},
    },
    vocabulary::{JobState, Role},
};
use serde::Serialize;
use std::str::FromStr;

use super::{
    answer::{Answer, field, html, redirect},
    context::Cx,
    jobs::{link, waiting},
    sources,
};
use crate::{
    api::Failure,
    forms::Form,
    render::Template,
    text,
    view::{Banner, Moment, Pager, Pill, Section, Tone, job_pill},
};

/// The rules that keep so many, with what they are called here.
const COUNTS: [(&str, &str); 6] = [
    ("last", "Newest"),
    ("hourly", "Hourly"),
    ("daily", "Daily"),
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("yearly", "Yearly"),
];
/// The rules that keep what is within a span.
const SPANS: [(&str, &str); 6] = [
    ("within", "All within"),
    ("within_hourly", "Hourly within"),
    ("within_daily", "Daily within"),
    ("within_weekly", "Weekly within"),
    ("within_monthly", "Monthly within"),
    ("within_yearly", "Yearly within"),
];

/// A policy as it is typed.
#[derive(Serialize)]
pub(crate) struct RetentionFields {
    counts: Vec<Rule>,
    spans: Vec<Rule>,
    /// Whether a rule by span is set or refused, so that they are shown.
    spans_open: bool,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Rule {
    name: String,
    label: &'static str,
    value: String,
    error: Option<String>,
}

impl RetentionFields {
    /// What was typed, or else what is kept.
    pub(crate) fn new(form: &Form, kept: Option<&SourceGroup>, problem: Option<&Problem>) -> Self {
        let policy = kept.map(|group| group.retention).unwrap_or_default();
        let is_typed = form.given("name").is_some();
        let rule = |rule: &str, label, kept: String| Rule {
            name: input(rule),
            label,
            value: if is_typed { form.text(&input(rule)).to_owned() } else { kept },
            error: field(problem, &format!("retention.{rule}")),
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        let counts = COUNTS
            .iter()
            .zip(policy.counts())
            .map(|((name, label), (_, kept))| rule(name, label, text(kept.map(|count| count.to_string()))));
        let spans: Vec<_> = SPANS
            .iter()
            .zip(policy.spans())
            .map(|((name, label), (_, kept))| rule(name, label, text(kept.map(|span| span.to_string()))))
            .collect();
        Self {
            counts: counts.collect(),
            spans_open: spans.iter().any(|rule| !rule.value.is_empty() || rule.error.is_some()),
            spans,
            warnings: kept.map(|group| warnings(&group.unfilled)).unwrap_or_default(),
        }
    }
}

fn input(rule: &str) -> String {
    format!("keep_{rule}")
}

/// The policy that was typed.
pub(crate) fn posted(form: &Form) -> Result<Retention, Failure> {
    let mut refused = Vec::new();
    let policy = Retention {
        last: number(form, "last", &mut refused),
        hourly: number(form, "hourly", &mut refused),
        daily: number(form, "daily", &mut refused),
        weekly: number(form, "weekly", &mut refused),
        monthly: number(form, "monthly", &mut refused),
        yearly: number(form, "yearly", &mut refused),
        within: span(form, "within", &mut refused),
        within_hourly: span(form, "within_hourly", &mut refused),
        within_daily: span(form, "within_daily", &mut refused),
        within_weekly: span(form, "within_weekly", &mut refused),
        within_monthly: span(form, "within_monthly", &mut refused),
        within_yearly: span(form, "within_yearly", &mut refused),
    };
    if refused.is_empty() {
        return Ok(policy);
    }
    let mut problem = Problem::new(Code::Invalid, "", "correct the fields that are named");
    problem.fields = refused;
    Err(Failure::Refused(Box::new(problem)))
}

fn number(form: &Form, rule: &str, refused: &mut Vec<FieldProblem>) -> Option<u32> {
    parsed(form, rule, "a number, such as 14, or nothing", refused)
}

fn span(form: &Form, rule: &str, refused: &mut Vec<FieldProblem>) -> Option<Span> {
    let example = "years, months, days and hours in this order, such as 1y6m14d12h or 30d, or nothing";
    parsed(form, rule, example, refused)
}

fn parsed<T: FromStr>(form: &Form, rule: &str, wants: &str, refused: &mut Vec<FieldProblem>) -> Option<T> {
    let parsed = form.given(&input(rule))?.parse().ok();
    if parsed.is_none() {
        refused.push(FieldProblem { field: format!("retention.{rule}"), message: wants.to_owned() });
    }
    parsed
}

/// The rules that keep something else than they say, in sentences.
fn warnings(unfilled: &[UnfilledRule]) -> Vec<String> {
    let sentence = |rule: &UnfilledRule| {
        let name = rule.rule.replace('_', " ");
        let needs = every(rule.needs_seconds);
        match rule.runs_every_seconds {
            Some(seconds) => format!(
                "“{name}” wants a backup {needs}, but the schedules of this group run {} at most: it keeps \
                 that many backups, however far apart they are.",
                every(seconds)
            ),
            None => format!(
                "“{name}” wants a backup {needs}, but no schedule backs this group up: it keeps that many \
                 backups, however far apart they are."
            ),
        }
    };
    unfilled.iter().map(sentence).collect()
}

fn every(seconds: u64) -> String {
    match (seconds / 3600, seconds / 86_400) {
        (0, _) => format!("every {} minutes", (seconds / 60).max(1)),
        (1, _) => "every hour".to_owned(),
        (hours, 0) => format!("every {hours} hours"),
        (_, 1) => "every day".to_owned(),
        (_, 7) => "every week".to_owned(),
        (_, 28..=31) => "every month".to_owned(),
        (_, 365 | 366) => "every year".to_owned(),
        (_, days) => format!("every {days} days"),
    }
}

/// Asks what the typed policy would do.
pub(crate) async fn preview(cx: Cx) -> Answer {
    let group = cx.parameter("group")?;
    let asked = match posted(&cx.form) {
        Ok(retention) => {
            let draft = RetentionDraft { retention };
            cx.api.send::<source_groups::PreviewRetention>(ByGroup { group }, draft).await
        }
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(job) => Ok(redirect(&format!("/jobs/{}/preview", job.id))),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            sources::edit_refused(&cx, &problem).await
        }
        Err(failure) => Err(failure),
    }
}

#[derive(Serialize)]
struct PreviewPage {
    job: String,
    state: Pill,
    waiting: Option<String>,
    failed: Option<Banner>,
    whole: bool,
    policy: String,
    kept: String,
    removed: String,
    warnings: Vec<String>,
    rows: Vec<Row>,
    pager: Pager,
    group: String,
    edit: Option<String>,
    save: Option<Save>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    full: String,
    time: Moment,
    state: Pill,
    reasons: String,
}

/// What saves the policy as it was tried.
#[derive(Serialize)]
struct Save {
    action: String,
    version: i64,
    fields: Vec<(String, String)>,
}

impl Template for PreviewPage {
    const FILE: &'static str = "pages/retention_preview.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let job: JobId = cx.parameter("job")?;
    let after = cx.query.given("after").map(Cursor::new);
    let query = PreviewQuery { limit: None, after: after.clone() };
    let (desk, shown, preview) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<jobs::Show>(ByJob { job }, Nothing {}),
        cx.api.get::<jobs::Preview>(ByJob { job }, query),
    )?;
    let group = match &preview.source_group {
        Some(group) => {
            Some(cx.api.get::<source_groups::Show>(ByGroup { group: group.id }, Nothing {}).await?)
        }
        None => None,
    };
    let address = format!("/jobs/{job}/preview");
    let unsaved = group.as_ref().filter(|group| group.retention != preview.retention);
    let page = PreviewPage {
        job: format!("/jobs/{job}"),
        state: job_pill(preview.state),
        waiting: waiting(&shown),
        failed: super::jobs::cause(&shown).filter(|_| preview.state != JobState::Succeeded),
        whole: preview.state == JobState::Succeeded,
        policy: preview.retention.to_string(),
        kept: preview.kept.map(text::count).unwrap_or_default(),
        removed: preview.removed.map(text::count).unwrap_or_default(),
        warnings: warnings(&preview.unfilled),
        rows: preview.snapshots.items.iter().map(|snapshot| Row::new(&cx, snapshot)).collect(),
        pager: Pager {
            first: after.map(|_| address.clone()),
            next: preview
                .snapshots
                .next
                .as_ref()
                .map(|next| link(&address, &[("after", Some(next.as_str()))])),
        },
        group: group.as_ref().map(|group| group.name.clone()).unwrap_or_default(),
        edit: group.as_ref().map(|group| format!("/sources/{}", group.id)),
        save: unsaved.map(|group| Save::new(group, &preview.retention)),
        denied: desk.denied(Role::Operator),
    };
    let mut frame = desk.frame(&cx, "Retention preview", Section::Hosts).crumb("Hosts", "/hosts");
    frame = frame.crumb(shown.host.name.clone(), format!("/hosts/{}/sources", shown.host.id));
    if let Some(edit) = &page.edit {
        frame = frame.crumb(page.group.clone(), edit.clone());
    }
    if !preview.state.is_end() {
        frame = frame.live();
    }
    html(&frame, &page)
}

impl Row {
    fn new(cx: &Cx, snapshot: &PreviewedSnapshot) -> Self {
        let state = match snapshot.kept_by.is_empty() {
            false => Pill::new(Tone::Good, "circle-check", "kept"),
            true => Pill::new(Tone::Warn, "trash-2", "removed"),
        };
        Self {
            id: snapshot.id.chars().take(8).collect(),
            full: snapshot.id.clone(),
            time: cx.moment(snapshot.time),
            state,
            reasons: snapshot.kept_by.join(", "),
        }
    }
}

impl Save {
    fn new(group: &SourceGroup, policy: &Retention) -> Self {
        let counts = policy.counts().map(|(rule, count)| (input(rule), count.map(|count| count.to_string())));
        let spans = policy.spans().map(|(rule, span)| (input(rule), span.map(|span| span.to_string())));
        let set = |(name, value): (String, Option<String>)| Some((name, value?));
        Self {
            action: format!("/sources/{}/retention", group.id),
            version: group.version,
            fields: counts.into_iter().chain(spans).filter_map(set).collect(),
        }
    }
}

/// Saves the policy that was tried; everything else of the group stays.
pub(crate) async fn save(cx: Cx) -> Answer {
    let by = ByGroup { group: cx.parameter("group")? };
    let version = cx.form.text("version").parse().unwrap_or(0);
    let retention = posted(&cx.form)?;
    let kept = cx.api.get::<source_groups::Show>(by, Nothing {}).await?;
    let change = SourceGroupChange { retention, ..sources::change_of(&kept) };
    let changed = cx.api.change::<source_groups::Update>(by, change, version).await?;
    Ok(redirect(&format!("/hosts/{}/sources?done=retention-saved", changed.host.id)))
}

/// A policy in words, for a card.
pub(crate) fn summary(policy: &Retention) -> String {
    if policy.is_empty() { "everything".to_owned() } else { policy.to_string() }
}

/// Warnings about what is stored, for a card.
pub(crate) fn warnings_of(group: &SourceGroup) -> Vec<String> {
    warnings(&group.unfilled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_parsed_is_told_by_field_and_nothing_means_no_rule() {
        let form = Form::parse(
            b"keep_last=3&keep_daily=+14+&keep_weekly=&keep_within=1y6m&keep_yearly=two&keep_within_daily=3w",
        );
        let Err(Failure::Refused(problem)) = posted(&form) else { panic!("two fields are wrong") };
        let fields: Vec<_> = problem.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["retention.yearly", "retention.within_daily"]);
        let policy = posted(&Form::parse(b"keep_last=3&keep_weekly=&keep_within=1y6m")).ok().unwrap();
        assert_eq!(policy.to_string(), "last 3, within 1y6m");
        assert!(posted(&Form::default()).ok().unwrap().is_empty());
    }

    #[test]
    fn a_rule_that_nothing_fills_is_explained() {
        let rule = |runs_every_seconds| UnfilledRule {
            rule: "within_hourly".to_owned(),
            needs_seconds: 3600,
            runs_every_seconds,
        };
        let told = warnings(&[rule(Some(86_400)), rule(None)]);
        assert!(told[0].contains("“within hourly” wants a backup every hour"), "{}", told[0]);
        assert!(told[0].contains("run every day at most"), "{}", told[0]);
        assert!(told[1].contains("no schedule backs this group up"), "{}", told[1]);
    }
}
