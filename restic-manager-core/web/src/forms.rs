//! What browsers post: `application/x-www-form-urlencoded`, within limits.

use http::{HeaderMap, header};
use std::collections::BTreeMap;

use crate::{
    body::{self, Body},
    lines,
};

/// Longest form that is read; the largest page sends a few paths.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// The fields of a form; the last value of a repeated name wins.
#[derive(Clone, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

/// The body is not a form that we read.
#[derive(Debug, thiserror::Error)]
#[error("the form is too long or of another type")]
pub(crate) struct UnreadableForm;

impl Form {
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, UnreadableForm> {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err(UnreadableForm);
        }
        let text = body::collect(body, MAX_FORM_BYTES).await.map_err(|_| UnreadableForm)?;
        Ok(Self::parse(&text))
    }

    /// Lines end with a line feed alone, whichever way the browser ends them.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text);
        Self(pairs.map(|(name, value)| (name.into_owned(), line_feeds(&value))).collect())
    }

    /// The page's own name for the form.
    pub(crate) fn once(&self) -> Option<&str> {
        self.given("once")
            .filter(|once| once.len() <= 32 && once.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// The field without surrounding white space; empty when it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The field as it came, for passwords.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The field, unless it is absent or blank.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The form as it was posted, but for the order of its fields.
    pub(crate) fn written(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The texts of a text area, one a line.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        lines::read(self.raw(name))
    }

    /// The field without surrounding white space, or what is stored where a browser sends just that back for it.
    pub(crate) fn text_or(&self, name: &str, stored: &str) -> String {
        let raw = self.raw(name);
        if raw == stored.replace(['\r', '\n'], "") { stored.to_owned() } else { raw.trim().to_owned() }
    }

    /// The field as it came, or what is stored where a browser sends just that back for it.
    pub(crate) fn raw_or(&self, name: &str, stored: &str) -> String {
        let raw = self.raw(name);
        if raw == line_feeds(stored) { stored.to_owned() } else { raw.to_owned() }
    }

    /// The values of all fields whose names begin alike.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        named.map(|(_, value)| value.as_str())
    }

    /// Words between commas or white space.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let words = self.raw(name).split(|character: char| character == ',' || character.is_whitespace());
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

fn line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_split() {
        let form = Form::parse(
            b"name=+web-01+&paths=%2Fetc%0D%0A%0D%0A+%2Fsrv%2Fa%2Bb&tags=prod%2C+web++db&password=+x+",
        );
        assert_eq!(form.text("name"), "web-01");
        assert_eq!(form.lines("paths"), ["/etc", "/srv/a+b"]);
        assert_eq!(form.words("tags"), ["prod", "web", "db"]);
        assert_eq!(form.raw("password"), " x ");
        assert_eq!(form.raw("paths"), "/etc\n\n /srv/a+b", "no carriage return is ever seen");
        assert_eq!(form.raw_or("paths", "/etc\r\n\r /srv/a+b"), "/etc\r\n\r /srv/a+b", "unchanged");
        assert_eq!(form.given("absent"), None);
    }

    #[tokio::test]
    async fn other_types_and_long_bodies_are_refused() {
        let mut headers = HeaderMap::new();
        assert!(Form::read(&headers, crate::body::full("a=b")).await.is_err());
        headers.insert(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap(),
        );
        assert!(Form::read(&headers, crate::body::full("a=b")).await.is_ok());
        assert!(Form::read(&headers, crate::body::full(vec![b'a'; MAX_FORM_BYTES + 1])).await.is_err());
    }
}
