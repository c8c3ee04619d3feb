//! One place that takes secrets out of text before it is logged, shown or stored.
//!
//! Owns the knowledge of where a secret may stand in what restic, its back ends and their URLs print. Never lets a
//! text through that it only partly understood: in doubt it hides too much.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in the place of a secret, as restic writes it too.
pub const MASK: &str = "***";

/// Hides secrets in any text: passwords in URLs, secret parameters, secret environment variables, authorization headers.
///
/// ```
/// use restic_manager_restic::redact;
///
/// assert_eq!(redact::text("open rest:https://joe:hunter2@backup.example/joe"), "open rest:https://joe:***@backup.example/joe");
/// assert_eq!(redact::text("AWS_SECRET_ACCESS_KEY=abc restic"), "AWS_SECRET_ACCESS_KEY=*** restic");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    let without_passwords = urls(text);
    match assignments(&without_passwords) {
        Cow::Borrowed(_) => without_passwords,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

/// As [`text`], and at most this long. Of a text that is cut, the last word goes as a whole: half a secret
/// cannot be told from a word. The work is bounded by the limit and not by the text.
///
/// ```
/// use restic_manager_restic::redact;
///
/// assert_eq!(redact::bounded("open rest:https://joe:hunter2@backup.example/joe", 30), "open ");
/// ```
pub fn bounded(text: &str, limit_bytes: usize) -> String {
    let cut = text.floor_char_boundary(limit_bytes);
    let end = match text[..cut].rfind(is_blank_or_quote) {
        _ if cut == text.len() => cut,
        Some(blank) => text.ceil_char_boundary(blank + 1),
        None => 0,
    };
    let redacted = self::text(&text[..end]);
    redacted[..redacted.floor_char_boundary(limit_bytes)].to_owned()
}

/// Hides the password in every `scheme://user:password@host`. One pass: each word is looked through once.
fn urls(text: &str) -> Cow<'_, str> {
    let mut result = String::new();
    let mut copied = 0;
    let mut start = 0;
    for word in text.split(is_blank_or_quote) {
        if let Some(password) = password_in(word) {
            result.push_str(&text[copied..start + password.start]);
            result.push_str(MASK);
            copied = start + password.end;
        }
        let end = start + word.len();
        start = end + text[end..].chars().next().map_or(0, char::len_utf8);
    }
    finish(text, result, copied)
}

fn is_blank_or_quote(char: char) -> bool {
    char.is_whitespace() || matches!(char, '"' | '\'' | '`' | '<' | '>')
}

/// Where the password stands. It ends at the last `@` of the word, since it may hold `/`, `?`, `#` and `@` that nobody
/// escaped. A user alone is part of many addresses and stays.
fn password_in(word: &str) -> Option<Range<usize>> {
    let at = word.rfind('@')?;
    let authority = word[..at].find("://")? + 3;
    let password = authority + word[authority..at].find(':')? + 1;
    (password < at).then_some(password..at)
}

/// Hides the value of every `NAME=value`, `name: value` and `"name":"value"` whose name tells of a secret.
fn assignments(text: &str) -> Cow<'_, str> {
    let mut result = String::new();
    let mut copied = 0;
    for (sign, _) in text.match_indices(['=', ':']) {
        if sign < copied {
            continue;
        }
        let name = name_before(text, sign);
        if !is_secret_name(name) {
            continue;
        }
        let is_in_query = text[..sign].strip_suffix(name).is_some_and(|before| before.ends_with(['?', '&']));
        let value = value_after(text, sign + 1, is_in_query);
        if value.is_empty() || &text[value.clone()] == MASK {
            continue;
        }
        result.push_str(&text[copied..value.start]);
        result.push_str(MASK);
        copied = value.end;
    }
    finish(text, result, copied)
}

fn finish(text: &str, mut result: String, copied: usize) -> Cow<'_, str> {
    if result.is_empty() {
        return Cow::Borrowed(text);
    }
    result.push_str(&text[copied..]);
    Cow::Owned(result)
}

/// The word that ends at this place, quotes aside.
fn name_before(text: &str, end: usize) -> &str {
    let before = text[..end].trim_end_matches(['"', '\'', ' ']);
    let start = before
        .rfind(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '-')))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    &before[start..]
}

fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "accountkey",
        "applicationkey",
        "accesskeyid",
        "secretaccesskey",
        "authorization",
        "signature",
        "sastoken",
    ];
    // Names that say where a secret is, not what it is.
    const PLACES: [&str; 3] = ["file", "command", "hint"];
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let is_short_form =
        matches!(name.as_str(), "sig" | "pass" | "b2accountkey" | "azureaccountkey" | "xamzsignature");
    is_short_form
        || (NAMES.iter().any(|secret| name.contains(secret))
            && !PLACES.iter().any(|place| name.ends_with(place)))
}

/// The value that begins at this place: a quoted text, the rest of an authorization header, or a word. Only in the query
/// of a URL does an `&` end a word: elsewhere it may be part of a secret.
fn value_after(text: &str, start: usize, is_in_query: bool) -> Range<usize> {
    let blanks = text[start..].len() - text[start..].trim_start_matches(' ').len();
    let start = start + blanks;
    let rest = &text[start..];
    if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
        return start + 1..start + 1 + end_of_quoted(&rest[1..], quote);
    }
    let scheme = ["Basic ", "Bearer ", "basic ", "bearer "].iter().find(|scheme| rest.starts_with(**scheme));
    let skipped = scheme.map_or(0, |scheme| scheme.len());
    let word = &rest[skipped..];
    let end = word
        .find(|char: char| char.is_whitespace() || (is_in_query && matches!(char, '&' | '#' | '"' | '\'')));
    start..start + skipped + end.unwrap_or(word.len())
}

/// Where the closing quote is; one behind a backslash closes nothing.
fn end_of_quoted(inside: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, char) in inside.char_indices() {
        if char == quote && !is_escaped {
            return at;
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    inside.len()
}
