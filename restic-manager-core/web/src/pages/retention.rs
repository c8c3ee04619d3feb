//! Retention: the fields of a policy.

use restic_manager_proto::{
    Retention, Span,
    api::{
        Code, FieldProblem, Problem,
        source_groups::{SourceGroup, UnfilledRule},
    },
};
use serde::Serialize;
use std::str::FromStr;

use super::problem::field;
use crate::{api::Failure, forms::Form};

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

pub(super) fn input(rule: &str) -> String {
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
pub(super) fn warnings(unfilled: &[UnfilledRule]) -> Vec<String> {
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
