//! What shapes the backups of a source group besides its paths, as forms have it.

use restic_manager_proto::{Retry, SourceOptions, api::Problem};
use serde::Serialize;

use super::{context::Cx, problem::field};

/// What shapes the backups besides the paths, as a form has it.
#[derive(Serialize)]
pub(crate) struct OptionFields {
    attempts: String,
    delay: String,
    one_file_system: bool,
    exclude_caches: bool,
    attempts_error: Option<String>,
    delay_error: Option<String>,
}

impl OptionFields {
    /// As it was typed, or else as it is kept; `under` is where the API has the retry.
    pub(crate) fn new(
        cx: &Cx,
        typed: bool,
        kept: SourceOptions,
        under: &str,
        problem: Option<&Problem>,
    ) -> Self {
        let (attempts, delay) = match (typed, kept.retry) {
            (true, _) => (cx.form.text("attempts").to_owned(), cx.form.text("delay_seconds").to_owned()),
            (false, Some(retry)) => (retry.attempts.to_string(), retry.delay_seconds.to_string()),
            (false, None) => ("1".to_owned(), "300".to_owned()),
        };
        let ticked = |name: &str, kept: bool| if typed { cx.form.given(name).is_some() } else { kept };
        Self {
            attempts,
            delay,
            one_file_system: ticked("one_file_system", kept.one_file_system),
            exclude_caches: ticked("exclude_caches", kept.exclude_caches),
            attempts_error: field(problem, &format!("{under}.attempts")),
            delay_error: field(problem, &format!("{under}.delay_seconds")),
        }
    }
}

/// The retry that was typed; a single run is none. What is no number is refused by the API.
pub(crate) fn posted_retry(cx: &Cx) -> Option<Retry> {
    let attempts = cx.form.given("attempts").map_or(1, |text| text.parse().unwrap_or(0));
    let delay_seconds = cx.form.given("delay_seconds").map_or(300, |text| text.parse().unwrap_or(0));
    (attempts != 1).then_some(Retry { attempts, delay_seconds })
}
