//! Retention: the fields of a policy.

use restic_manager_proto::{
    Retention, Span,
    api::source_groups::{SourceGroup, UnfilledRule},
};
use serde::Serialize;

use super::{form_reader::FormReader, form_state::FormState};

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

/// The rules of a policy, whose values are in the form around them.
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
}

impl RetentionFields {
    /// Adds the fields to a form.
    pub(crate) fn fill(form: &mut FormState<'_>, stored: Option<&SourceGroup>) -> Self {
        let policy = stored.map(|group| group.retention).unwrap_or_default();
        let counts = policy.counts().map(|(_, count)| count.map(|count| count.to_string()));
        let spans = policy.spans().map(|(_, span)| span.map(|span| span.to_string()));
        let mut rules = |names: &[(&str, &'static str)], stored: [Option<String>; 6]| {
            let rule = |((rule, label), stored): (&(&str, &'static str), Option<String>)| {
                let name = input(rule);
                form.text_of(&name, &format!("retention.{rule}"), &stored.unwrap_or_default());
                Rule { name, label }
            };
            names.iter().zip(stored).map(rule).collect::<Vec<_>>()
        };
        let (counts, spans) = (rules(&COUNTS, counts), rules(&SPANS, spans));
        Self {
            spans_open: spans
                .iter()
                .any(|rule| !form.value(&rule.name).is_empty() || form.has_error(&rule.name)),
            counts,
            spans,
            warnings: stored.map(|group| warnings(&group.unfilled)).unwrap_or_default(),
        }
    }
}

pub(super) fn input(rule: &str) -> String {
    format!("keep_{rule}")
}

/// The policy that was typed.
pub(crate) fn read(reader: &mut FormReader<'_>) -> Retention {
    Retention {
        last: number(reader, "last"),
        hourly: number(reader, "hourly"),
        daily: number(reader, "daily"),
        weekly: number(reader, "weekly"),
        monthly: number(reader, "monthly"),
        yearly: number(reader, "yearly"),
        within: span(reader, "within"),
        within_hourly: span(reader, "within_hourly"),
        within_daily: span(reader, "within_daily"),
        within_weekly: span(reader, "within_weekly"),
        within_monthly: span(reader, "within_monthly"),
        within_yearly: span(reader, "within_yearly"),
    }
}

fn number(reader: &mut FormReader<'_>, rule: &str) -> Option<u32> {
    reader.optional(&input(rule), &format!("retention.{rule}"), "a number, such as 14, or nothing")
}

fn span(reader: &mut FormReader<'_>, rule: &str) -> Option<Span> {
    let example = "years, months, days and hours in this order, such as 1y6m14d12h or 30d, or nothing";
    reader.optional(&input(rule), &format!("retention.{rule}"), example)
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
    use crate::{api::Failure, forms::Form};

    fn policy(form: &[u8]) -> Result<Retention, Vec<String>> {
        let form = Form::parse(form);
        let mut reader = FormReader::new(&form);
        let policy = read(&mut reader);
        reader.finish(Some(policy)).map_err(|failure| match failure {
            Failure::Refused(problem) => problem.fields.iter().map(|field| field.field.clone()).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn what_cannot_be_parsed_is_told_by_field_and_nothing_means_no_rule() {
        let form: &[u8] =
            b"keep_last=3&keep_daily=+14+&keep_weekly=&keep_within=1y6m&keep_yearly=two&keep_within_daily=3w";
        assert_eq!(policy(form).unwrap_err(), ["retention.yearly", "retention.within_daily"]);
        let kept = policy(b"keep_last=3&keep_weekly=&keep_within=1y6m").unwrap();
        assert_eq!(kept.to_string(), "last 3, within 1y6m");
        assert!(policy(b"").unwrap().is_empty());
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
