//! The fields of a request held to the rules of [`rules`], which the agent asks again before it uses a value.

use core::fmt::Display;
use restic_manager_core::retention::problems as retention_problems;
use restic_manager_proto::{
    Bandwidth, Retention, Scope, SourceOptions, TransportCredential,
    api::FieldProblem,
    rules::{self, Location, MOST_PATHS, MOST_TAGS, Refusal, Storage},
};

use crate::failure::Failure;

pub(super) use restic_manager_proto::rules::{label, name, repository_password, user_name};

/// Collects what is wrong with the fields of one request, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldProblem>);

impl Fields {
    pub(super) fn check<T, E: Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|message| {
                self.0.push(FieldProblem { field: field.to_owned(), message: message.to_string() })
            })
            .ok()
    }

    /// Checks each item of a list under its own name, such as `tags.3`.
    pub(super) fn check_each(
        &mut self,
        field: &str,
        items: &[String],
        check: impl Fn(&str) -> Result<(), Refusal>,
    ) {
        for (index, item) in items.iter().enumerate() {
            self.check(&format!("{field}.{index}"), check(item));
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::fields(self.0)) }
    }
}

/// The tags of a host.
pub(super) fn tags(fields: &mut Fields, tags: &[String]) {
    each(fields, "tags", tags, MOST_TAGS, rules::tag);
}

/// For which part of the fleet a role is.
pub(super) fn scope(fields: &mut Fields, scope: &Scope) {
    let (named, most) = match scope {
        Scope::All => return,
        Scope::Tags { tags } => (tags.len(), Scope::MOST_TAGS),
        Scope::Hosts { hosts } => (hosts.len(), Scope::MOST_HOSTS),
    };
    if !(1..=most).contains(&named) {
        fields.check::<(), _>("scope", Err(format!("name at least one, and at most {most}")));
    }
    if let Scope::Tags { tags } = scope {
        for tag in tags.iter().take(most) {
            fields.check("scope", rules::tag(tag));
        }
    }
}

/// What a source group includes.
pub(super) fn includes(fields: &mut Fields, field: &str, paths: &[String]) {
    each(fields, field, paths, MOST_PATHS, rules::absolute_path);
}

/// What a source group excludes.
pub(super) fn excludes(fields: &mut Fields, patterns: &[String]) {
    each(fields, "excludes", patterns, MOST_PATHS, rules::exclude);
}

/// How fast restic may be.
pub(super) fn bandwidth(fields: &mut Fields, limits: Bandwidth) {
    fields.check("bandwidth.upload_kib", rules::bandwidth(limits.upload_kib));
    fields.check("bandwidth.download_kib", rules::bandwidth(limits.download_kib));
}

/// What shapes a backup besides its paths.
pub(super) fn source_options(fields: &mut Fields, options: &SourceOptions) {
    if let Some(retry) = options.retry {
        fields.check("options.retry.attempts", rules::retry_attempts(retry.attempts));
        fields.check("options.retry.delay_seconds", rules::retry_delay_seconds(retry.delay_seconds));
    }
}

/// A location; answers the word of the storage that it speaks to.
pub(super) fn location(location: &str) -> Result<&'static str, Refusal> {
    Location::parse(location).map(|location| location.storage().as_str())
}

/// A transport credential for the storage of a word.
pub(super) fn credential(credential: &TransportCredential, storage: &str) -> Result<(), Refusal> {
    // Without one the location was refused already.
    Storage::from_word(storage).map_or(Ok(()), |storage| rules::credential(credential, storage))
}

fn each(
    fields: &mut Fields,
    field: &str,
    items: &[String],
    most: usize,
    rule: impl Fn(&str) -> Result<(), Refusal>,
) {
    if items.len() > most {
        fields.check::<(), _>(field, Err(format!("at most {most}")));
    }
    fields.check_each(field, items.get(..most).unwrap_or(items), rule);
}

/// A retention policy.
pub(super) fn retention(fields: &mut Fields, policy: &Retention) {
    for (rule, problem) in retention_problems(policy) {
        fields.check::<(), _>(&format!("retention.{rule}"), Err(problem));
    }
}
