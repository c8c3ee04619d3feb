//! What values may be. Each refusal says why and shows what would be right.

use restic_manager_proto::api::FieldProblem;

use crate::failure::Failure;

/// Collects what is wrong with the fields of one request, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldProblem>);

impl Fields {
    pub(super) fn check(&mut self, field: &str, result: Result<(), String>) {
        if let Err(message) = result {
            self.0.push(FieldProblem { field: field.to_owned(), message });
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::fields(self.0)) }
    }
}

/// A name that people sign in with.
pub(super) fn user_name(name: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&name.chars().count());
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+'));
    if fits && plain {
        Ok(())
    } else {
        Err("1 to 64 letters, digits, `.`, `-`, `_`, `@` or `+`, such as `alice`".into())
    }
}
