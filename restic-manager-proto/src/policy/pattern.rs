//! Patterns of locations. A pattern and a location are taken apart alike, and each part is compared with its own
//! counterpart, so that what stands for a folder never stands for a server.

use crate::rules::{Location, Parts, default_port, is_absolute, split};

/// Stands for every location.
const EVERYTHING: &str = "**";

/// Whether a text is a pattern of locations: `**`, `STORAGE:**`, or a location in which parts are starred.
pub(super) fn is_pattern(pattern: &str) -> bool {
    pattern == EVERYTHING || pattern.strip_suffix(":**").is_some_and(is_storage) || split(pattern).is_some()
}

/// Whether a location is one of those that a pattern stands for.
pub(super) fn matches(pattern: &str, location: &Location<'_>) -> bool {
    let storage = location.storage();
    if pattern == EVERYTHING || pattern.strip_suffix(":**") == Some(storage.as_str()) {
        return true;
    }
    let Some((of, wanted)) = split(pattern).filter(|(of, _)| *of == storage) else { return false };
    let found = location.parts();
    wanted.scheme == found.scheme
        && within(wanted.user, found.user)
        && within(&wanted.host.to_ascii_lowercase(), &found.host.to_ascii_lowercase())
        && within(port(&wanted), port(found))
        && glob(&tokens(&folder(of, wanted.path)), &folder(of, found.path))
}

/// Whether the path of a location may lead elsewhere than it looks.
pub(super) fn leads_astray(location: &Location<'_>) -> bool {
    let path = location.parts().path;
    let lower = path.to_ascii_lowercase();
    path.split(['/', '\\']).any(|name| matches!(name.trim_end_matches(' '), "." | ".."))
        || ["%2e", "%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden))
}

fn is_storage(word: &str) -> bool {
    crate::rules::Storage::from_word(word).is_some()
}

fn port<'p>(parts: &Parts<'p>) -> &'p str {
    if parts.port == default_port(parts.scheme) { "" } else { parts.port }
}

/// On Windows, folders are the same without regard to case and to the kind of slash.
fn folder(storage: crate::rules::Storage, path: &str) -> String {
    let windows = storage == crate::rules::Storage::Local && is_absolute(path) && !path.starts_with('/');
    if windows { path.replace('\\', "/").to_lowercase() } else { path.to_owned() }
}

/// A part without separators: every star stands for any of it.
fn within(pattern: &str, text: &str) -> bool {
    glob(&tokens(&pattern.replace("**", "*")), text)
}

enum Token {
    Exactly(char),
    /// Anything but a slash.
    Within,
    Anything,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        tokens.push(match next {
            '*' if rest.next_if_eq(&'*').is_some() => Token::Anything,
            '*' => Token::Within,
            exactly => Token::Exactly(exactly),
        });
    }
    tokens
}

/// Keeps, after each character, how far into the pattern one can have come: no pattern makes it slow.
fn glob(pattern: &[Token], text: &str) -> bool {
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    skip(pattern, &mut reached);
    for character in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, token) in pattern.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match token {
                Token::Exactly(wanted) if *wanted == character => next[at + 1] = true,
                Token::Within if character != '/' => next[at] = true,
                Token::Anything => next[at] = true,
                _ => {}
            }
        }
        skip(pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

/// A star may stand for nothing.
fn skip(pattern: &[Token], reached: &mut [bool]) {
    for (at, token) in pattern.iter().enumerate() {
        if reached[at] && !matches!(token, Token::Exactly(_)) {
            reached[at + 1] = true;
        }
    }
}
