//! A form as its page shows it: what is stored until the form was posted, then what was typed, whatever that is, with
//! what the API says of each field.

use http::StatusCode;
use restic_manager_proto::api::Problem;
use serde::Serialize;
use std::collections::BTreeMap;

use super::problem::{self, field, lines_of};
use crate::{forms::Form, lines, text, view::Banner};

/// The fields of one form by their names, for templates.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(crate) struct FormState<'a> {
    fields: BTreeMap<String, Field>,
    /// What was posted, if it was this form.
    #[serde(skip)]
    posted: Option<&'a Form>,
    #[serde(skip)]
    problem: Option<&'a Problem>,
    /// What the API calls the fields that tell their own problems.
    #[serde(skip)]
    told: Vec<String>,
    /// A field was refused here, before the API was asked.
    #[serde(skip)]
    refused: bool,
}

#[derive(Default, Serialize)]
struct Field {
    value: String,
    checked: bool,
    error: Option<String>,
    /// What cannot be seen in the value.
    note: Option<String>,
}

impl<'a> FormState<'a> {
    pub(crate) fn new(posted: Option<&'a Form>, problem: Option<&'a Problem>) -> Self {
        Self { posted, problem, ..Self::default() }
    }

    pub(crate) fn is_posted(&self) -> bool {
        self.posted.is_some()
    }

    /// A field of one line, a choice, or a script.
    pub(crate) fn text(&mut self, name: &str, stored: &str) -> &mut Self {
        self.text_of(name, name, stored)
    }

    /// The same where the API has another name for it.
    pub(crate) fn text_of(&mut self, name: &str, api: &str, stored: &str) -> &mut Self {
        let value = self.posted.map_or(stored, |form| form.raw(name)).to_owned();
        let (note, error) = (text::unseen(&value), self.error_of(api));
        self.add(name, Field { value, checked: false, error, note })
    }

    /// A text area of one text a line.
    pub(crate) fn lines(&mut self, name: &str, stored: &[String]) -> &mut Self {
        self.lines_of(name, name, stored)
    }

    pub(crate) fn lines_of(&mut self, name: &str, api: &str, stored: &[String]) -> &mut Self {
        let value = self.posted.map_or_else(|| lines::write(stored), |form| form.raw(name).to_owned());
        self.told.push(api.to_owned());
        let error = self.own_problem().and_then(|problem| lines_of(problem, api, &value));
        let quoted = lines::has_quoted(&value).then(|| {
            "A line in double quotes is read as a JSON string, for what a line cannot hold.".to_owned()
        });
        let note = text::unseen(&value).into_iter().chain(quoted).reduce(|all, one| format!("{all} {one}"));
        self.add(name, Field { value, checked: false, error, note })
    }

    /// A box to tick. It says no problem of its own.
    pub(crate) fn flag(&mut self, name: &str, stored: bool) -> &mut Self {
        let checked = self.posted.map_or(stored, |form| form.given(name).is_some());
        self.add(name, Field { checked, ..Field::default() })
    }

    /// A field that is never shown again.
    pub(crate) fn secret(&mut self, name: &str) -> &mut Self {
        self.secret_of(name, name)
    }

    pub(crate) fn secret_of(&mut self, name: &str, api: &str) -> &mut Self {
        let error = self.error_of(api);
        self.add(name, Field { error, ..Field::default() })
    }

    /// Shows another value than was stored or typed.
    pub(crate) fn show(&mut self, name: &str, value: &str) -> &mut Self {
        value.clone_into(&mut self.fields.entry(name.to_owned()).or_default().value);
        self
    }

    /// What the page itself has against a field.
    pub(crate) fn refuse(&mut self, name: &str, error: Option<String>) -> &mut Self {
        self.refused |= error.is_some();
        let field = self.fields.entry(name.to_owned()).or_default();
        field.error = error.or(field.error.take());
        self
    }

    /// The value that a field shows; empty where there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.fields.get(name).map(|field| field.value.as_str()).unwrap_or_default()
    }

    pub(crate) fn has_error(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| field.error.is_some())
    }

    /// What stands above the form: all that no field says itself.
    pub(crate) fn notice(&self) -> Option<Banner> {
        problem::notice(self.problem, if self.is_posted() { &self.told } else { &[] })
    }

    /// The status of the page that shows it.
    pub(crate) fn status(&self) -> StatusCode {
        if self.refused { StatusCode::UNPROCESSABLE_ENTITY } else { problem::status(self.problem) }
    }

    fn error_of(&mut self, api: &str) -> Option<String> {
        self.told.push(api.to_owned());
        field(self.own_problem(), api)
    }

    /// The problem, if it is of this form.
    fn own_problem(&self) -> Option<&'a Problem> {
        self.problem.filter(|_| self.is_posted())
    }

    fn add(&mut self, name: &str, field: Field) -> &mut Self {
        self.fields.insert(name.to_owned(), field);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::api::Code;

    #[test]
    fn the_stored_value_is_shown_until_the_form_was_posted_and_then_what_was_typed_even_nothing() {
        let stored = |form: &mut FormState<'_>| {
            form.text("name", "web").lines("includes", &["/etc".to_owned()]).flag("enabled", true);
            (form.value("name").to_owned(), form.value("includes").to_owned(), form.fields["enabled"].checked)
        };
        let owned = |name: &str, includes: &str, checked| (name.to_owned(), includes.to_owned(), checked);
        assert_eq!(stored(&mut FormState::default()), owned("web", "/etc", true));
        let posted = Form::parse(b"name=&includes=%2Fsrv%0D%0A+x&once=1");
        assert_eq!(stored(&mut FormState::new(Some(&posted), None)), owned("", "/srv\n x", false));
    }

    #[test]
    fn a_problem_is_told_beside_its_field_and_only_of_the_form_that_was_posted() {
        let problem =
            Problem::new(Code::Invalid, "", "").with_field("retention.last", "no").with_field("other", "x");
        let posted = Form::parse(b"keep_last=a");
        let mut form = FormState::new(Some(&posted), Some(&problem));
        form.text_of("keep_last", "retention.last", "3");
        assert!(form.has_error("keep_last") && form.value("keep_last") == "a");
        assert_eq!(form.notice().unwrap().proof.unwrap(), "other: x");
        let mut elsewhere = FormState::new(None, Some(&problem));
        elsewhere.text_of("keep_last", "retention.last", "3");
        assert!(!elsewhere.has_error("keep_last"));
        assert_eq!(elsewhere.notice().unwrap().proof.unwrap(), "retention.last: no\nother: x");
    }

    #[test]
    fn what_cannot_be_seen_is_said_and_not_put_into_the_value() {
        let mut form = FormState::default();
        form.text("location", "/a\u{202e}b")
            .lines("includes", &["/a\u{200c}b".to_owned(), "/c\r".to_owned()]);
        assert_eq!(form.value("location"), "/a\u{202e}b");
        assert_eq!(form.value("includes"), "/a\u{200c}b\n\"/c\\r\"");
        assert!(form.fields["location"].note.as_ref().unwrap().contains("U+202E"));
        let note = form.fields["includes"].note.as_ref().unwrap();
        assert!(note.contains("U+200C") && note.contains("JSON"), "{note}");
    }
}
