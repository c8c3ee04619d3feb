//! Patterns of locations.

use super::path;

/// Longest location that is looked at.
const LONGEST: usize = 4096;

/// Whether a location is one of those that a pattern stands for.
pub(super) fn matches(pattern: &str, location: &str) -> bool {
    let (pattern, location) = (plain(pattern), plain(location));
    location.len() <= LONGEST && glob(&tokens(&pattern), &location)
}

/// Whether a location may lead elsewhere than it looks.
pub(super) fn leads_astray(location: &str) -> bool {
    let lower = location.to_ascii_lowercase();
    location.split(['/', '\\', ':']).any(|name| matches!(name.trim_end_matches(' '), "." | ".."))
        || ["%2e", "%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden))
        || location.contains(char::is_control)
}

/// Folders are the same with and without `local:`; on Windows, without case.
fn plain(location: &str) -> String {
    let location = location.strip_prefix("local:").unwrap_or(location);
    if path::is_absolute(location) && !location.starts_with('/') {
        return location.replace('\\', "/").to_lowercase();
    }
    location.to_owned()
}

enum Token {
    Exactly(char),
    /// Anything but a separator.
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
                Token::Within if !matches!(character, '/' | '@' | ':') => next[at] = true,
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
