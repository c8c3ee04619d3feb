//! What shapes the backups of a source group besides its paths, as forms have it.

use restic_manager_proto::{Retry, SourceOptions};

use super::{form_reader::FormReader, form_state::FormState};

/// What is offered where nothing is set: one run, and this pause should somebody ask for more.
const OFFERED: Retry = Retry { attempts: 1, delay_seconds: 300 };

/// Adds the fields to a form; `under` is where the API has the retry.
pub(super) fn fill(form: &mut FormState<'_>, stored: SourceOptions, under: &str) {
    let retry = stored.retry.unwrap_or(OFFERED);
    form.text_of("attempts", &format!("{under}.attempts"), &retry.attempts.to_string())
        .text_of("delay_seconds", &format!("{under}.delay_seconds"), &retry.delay_seconds.to_string())
        .flag("one_file_system", stored.one_file_system)
        .flag("exclude_caches", stored.exclude_caches);
}

/// The options that were typed.
pub(super) fn read(reader: &mut FormReader<'_>, stored: SourceOptions) -> SourceOptions {
    SourceOptions {
        retry: read_retry(reader, stored.retry, "options.retry"),
        one_file_system: reader.form.given("one_file_system").is_some(),
        exclude_caches: reader.form.given("exclude_caches").is_some(),
    }
}

/// The retry that was typed; a single run is none, unless just that is stored.
pub(super) fn read_retry(reader: &mut FormReader<'_>, stored: Option<Retry>, under: &str) -> Option<Retry> {
    let mut number = |name: &str, usual| {
        reader.optional(name, &format!("{under}.{name}"), "a whole number").unwrap_or(usual)
    };
    let attempts = number("attempts", OFFERED.attempts);
    let retry = Retry { attempts, delay_seconds: number("delay_seconds", OFFERED.delay_seconds) };
    (retry.attempts != 1 || stored == Some(retry)).then_some(retry)
}
