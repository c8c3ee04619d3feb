//! Refusals as pages tell them: above a form, beside a field, on a page of their own.

use http::StatusCode;
use restic_manager_proto::api::{Code, FieldProblem, Problem};

use crate::{
    api::Failure,
    lines,
    view::{Banner, Tone},
};

/// A refusal of this crate's own.
pub(crate) fn refused(code: Code, next_step: &str) -> Failure {
    Failure::Refused(Box::new(Problem::new(code, "", next_step)))
}

/// What was refused, to be told on the form. Any other failure goes on, and so does a session that has ended.
pub(crate) fn refusal_of<T>(result: Result<T, Failure>) -> Result<Result<T, Box<Problem>>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => Ok(Err(problem)),
        Err(failure) => Err(failure),
    }
}

/// The failure as a problem to show; what is not a refusal is logged.
pub(crate) fn problem_of(failure: &Failure) -> Problem {
    if let Failure::Refused(problem) = failure {
        return (**problem).clone();
    }
    tracing::error!(error = %Chain(failure), "the API gave no usable answer");
    let (code, next_step) = match failure {
        Failure::Template(_) => (Code::Internal, "look into the log of the web process"),
        Failure::Unreadable(_) => {
            (Code::Internal, "update the server and the web process to the same version")
        }
        _ => (Code::Unavailable, "check that the server runs, then try again"),
    };
    Problem::new(code, failure.to_string(), next_step)
}

/// What was refused, why, and what to do next; above the form that can be sent again.
pub(crate) fn explain(problem: &Problem) -> Banner {
    let next_step =
        Some(&problem.next_step).filter(|step| !step.is_empty()).map(|step| format!("next: {step}"));
    let detail = Some(problem.detail.clone()).filter(|detail| !detail.is_empty());
    let sentences: Vec<String> = detail.into_iter().chain(next_step).map(|text| sentence(&text)).collect();
    Banner {
        tone: if problem.status < 500 { Tone::Warn } else { Tone::Bad },
        icon: if problem.status < 500 { "triangle-alert" } else { "circle-x" },
        title: problem.title.clone(),
        detail: Some(sentences.join(" ")).filter(|text| !text.is_empty()),
        proof: None,
        action: None,
    }
}

/// What to say above a form of which `beside` names the fields that speak for themselves.
pub(crate) fn notice(problem: Option<&Problem>, beside: &[String]) -> Option<Banner> {
    let problem = problem?;
    let speaks = |refused: &str| beside.iter().any(|known| is_of(refused, known));
    let silent: Vec<String> = problem
        .fields
        .iter()
        .filter(|refused| !speaks(&refused.field))
        .map(|refused| format!("{}: {}", refused.field, refused.message))
        .collect();
    if silent.is_empty() && !problem.fields.is_empty() {
        return None;
    }
    Some(Banner { proof: Some(silent.join("\n")).filter(|text| !text.is_empty()), ..explain(problem) })
}

/// Fragments come in lower case and without a full stop.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.trim_end_matches('.').chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// What is wrong with a name typed to confirm.
pub(crate) fn not_the_name(name: &str) -> String {
    format!("that is not “{name}”; nothing was removed")
}

/// What the API says of one field of a form.
pub(crate) fn field(problem: Option<&Problem>, name: &str) -> Option<String> {
    problem?.fields.iter().find(|refused| is_of(&refused.field, name)).map(|refused| refused.message.clone())
}

/// What the API says of the lines of a text area, by their numbers there: blank lines are not sent.
pub(crate) fn lines_of(problem: &Problem, name: &str, typed: &str) -> Option<String> {
    let sent: Vec<_> = lines::numbered(typed).collect();
    let say = |refused: &FieldProblem| {
        let index = refused.field.strip_prefix(name)?.strip_prefix('.')?.parse::<usize>().ok()?;
        let (number, line) = sent.get(index)?;
        let line: String = line.chars().take(SHOWN_OF_LINE).collect();
        Some(format!("line {number}, “{line}”: {}", refused.message))
    };
    let mut told: Vec<_> = problem.fields.iter().filter_map(say).collect();
    let more = told.len().saturating_sub(MOST_LINES);
    told.truncate(MOST_LINES);
    told.extend((more > 0).then(|| format!("and {more} more lines")));
    if told.is_empty() { field(Some(problem), name) } else { Some(told.join("; ")) }
}

/// Lines that one message spells out, and how much of each.
const MOST_LINES: usize = 5;
const SHOWN_OF_LINE: usize = 80;

/// Whether a refused field is this one or a part of it, such as `includes.0` or `includes[0]`.
fn is_of(refused: &str, name: &str) -> bool {
    refused.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The status of a form shown again.
pub(crate) fn status(problem: Option<&Problem>) -> StatusCode {
    problem.and_then(|problem| StatusCode::from_u16(problem.status).ok()).unwrap_or(StatusCode::OK)
}

/// An error with its sources, on one line.
pub(super) struct Chain<'a>(pub(super) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
