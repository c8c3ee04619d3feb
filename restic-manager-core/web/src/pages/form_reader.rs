//! What was typed, read into the values that the API takes. All that cannot be read is told at once.

use restic_manager_proto::api::{Code, FieldProblem, Problem};
use std::str::FromStr;

use crate::{api::Failure, forms::Form};

/// Reads a form and collects what is wrong with it.
pub(crate) struct FormReader<'a> {
    pub(crate) form: &'a Form,
    refused: Vec<FieldProblem>,
}

impl<'a> FormReader<'a> {
    pub(crate) fn new(form: &'a Form) -> Self {
        Self { form, refused: Vec::new() }
    }

    /// A value that may be left out; `api` is the API's name for the field, `wants` says what can stand there.
    pub(crate) fn optional<T: FromStr>(&mut self, name: &str, api: &str, wants: &str) -> Option<T> {
        let parsed = self.form.given(name)?.parse().ok();
        if parsed.is_none() {
            self.refuse(api, wants);
        }
        parsed
    }

    /// A value that has to be there.
    pub(crate) fn needed<T: FromStr>(&mut self, name: &str, api: &str, wants: &str) -> Option<T> {
        if self.form.given(name).is_none() {
            self.refuse(api, wants);
        }
        self.optional(name, api, wants)
    }

    /// One of a few words, from a choice that the page offered.
    pub(crate) fn choice<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.needed(name, name, "choose one of those offered")
    }

    pub(crate) fn refuse(&mut self, api: &str, message: &str) {
        self.refused.push(FieldProblem { field: api.to_owned(), message: message.to_owned() });
    }

    /// The value that was read, unless something was refused.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        if let (Some(value), true) = (value, self.refused.is_empty()) {
            return Ok(value);
        }
        let mut problem = Problem::new(Code::Invalid, "", "correct the fields that are named");
        problem.fields = self.refused;
        Err(Failure::Refused(Box::new(problem)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::vocabulary::Role;

    #[test]
    fn what_cannot_be_read_is_told_by_field_and_all_at_once() {
        let form = Form::parse(b"age=x&role=king&count=3");
        let mut reader = FormReader::new(&form);
        assert_eq!(reader.optional::<u32>("count", "count", "a number"), Some(3));
        assert_eq!(reader.optional::<u32>("absent", "absent", "a number"), None);
        reader.optional::<u32>("age", "limits.age", "a number");
        let role = reader.choice::<Role>("role");
        reader.choice::<Role>("second_role");
        let Err(Failure::Refused(problem)) = reader.finish(role) else { panic!("three are wrong") };
        let fields: Vec<_> = problem.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["limits.age", "role", "second_role"]);
    }
}
