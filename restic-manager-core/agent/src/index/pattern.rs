//! What is searched for: a part of a name, or a pattern for a whole one, in either case.

use memchr::memmem::Finder;

/// Longest text that is searched for, in bytes.
pub const PATTERN_BYTES: usize = 1024;
/// What is no character stands behind all characters.
const NO_CHARACTER: u32 = 0x11_0000;

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Pattern {
    shape: Shape,
    /// It is compared with whole paths, because it holds a slash.
    is_of_paths: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    Part(Box<Finder<'static>>),
    Whole(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `*`: any run of characters.
    Run,
    /// `?`: one character.
    One,
    Character(u32),
    /// `[a-z]`, or `[!a-z]` and `[^a-z]`.
    Class {
        is_negated: bool,
        ranges: Vec<(u32, u32)>,
    },
}

/// A text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("search for 1 to {PATTERN_BYTES} bytes of a name")]
pub struct PatternError;

impl Pattern {
    /// Reads a text: with `*`, `?` or `[` in it a pattern for the whole name, else a part of the name. With a slash in it, for
    /// whole paths. Upper and lower case are alike.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(text: &[u8]) -> Result<Self, PatternError> {
        if text.is_empty() || text.len() > PATTERN_BYTES {
            return Err(PatternError);
        }
        let mut low = Vec::new();
        lower(text, &mut low);
        let is_of_paths = text.contains(&b'/');
        let is_whole = text.iter().any(|byte| b"*?[".contains(byte));
        let shape = if is_whole { Shape::Whole(tokens(&low)) } else { part(&low) };
        Ok(Self { shape, is_of_paths })
    }

    /// Whether it finds the entry of this name in this folder. `scratch` is room that is used again.
    pub fn finds(&self, folder: &[u8], name: &[u8], scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        if self.is_of_paths {
            lower(folder, scratch);
            scratch.push(b'/');
        }
        lower(name, scratch);
        match &self.shape {
            Shape::Part(finder) => finder.find(scratch).is_some(),
            Shape::Whole(tokens) => is_match(tokens, &characters(scratch)),
        }
    }
}

fn part(low: &[u8]) -> Shape {
    Shape::Part(Box::new(Finder::new(low).into_owned()))
}

/// Adds a text in lower case; bytes that are no character stay.
fn lower(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.iter().map(u8::to_ascii_lowercase));
        return;
    }
    for chunk in text.utf8_chunks() {
        let mut buffer = [0; 4];
        for character in chunk.valid().chars().flat_map(char::to_lowercase) {
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// The characters of a text, and each byte that is none.
fn characters(text: &[u8]) -> Vec<u32> {
    let mut characters = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(u32::from));
        characters.extend(chunk.invalid().iter().map(|byte| NO_CHARACTER + u32::from(*byte)));
    }
    characters
}

fn tokens(low: &[u8]) -> Vec<Token> {
    let characters = characters(low);
    let (mut tokens, mut rest) = (Vec::new(), characters.as_slice());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let token = match char::from_u32(*first) {
            Some('*') => Token::Run,
            Some('?') => Token::One,
            Some('[') => match class(after) {
                Some((token, after)) => {
                    rest = after;
                    token
                }
                None => Token::Character(*first),
            },
            _ => Token::Character(*first),
        };
        let is_one_more_run = token == Token::Run && tokens.last() == Some(&Token::Run);
        if !is_one_more_run {
            tokens.push(token);
        }
    }
    tokens
}

/// Reads a class behind its bracket; `None` when it does not end.
fn class(rest: &[u32]) -> Option<(Token, &[u32])> {
    let is = |character: &u32, wanted: char| *character == u32::from(wanted);
    let is_negated = rest.first().is_some_and(|first| is(first, '!') || is(first, '^'));
    let inner = &rest[usize::from(is_negated)..];
    // A bracket that comes first stands for itself.
    let length = 1 + inner.get(1..)?.iter().position(|character| is(character, ']'))?;
    let (mut members, after) = (&inner[..length], &inner[length + 1..]);
    let mut ranges = Vec::new();
    loop {
        members = match members {
            [low, dash, high, more @ ..] if is(dash, '-') => {
                ranges.push((*low, *high));
                more
            }
            [one, more @ ..] => {
                ranges.push((*one, *one));
                more
            }
            [] => return Some((Token::Class { is_negated, ranges }, after)),
        };
    }
}

/// Whether tokens are the whole of a text. On a mismatch the last run takes one character more, so the time is at worst
/// the product of the lengths.
fn is_match(tokens: &[Token], text: &[u32]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut run: Option<(usize, usize)> = None;
    while at < text.len() || token < tokens.len() {
        match tokens.get(token) {
            Some(Token::Run) => {
                run = Some((token + 1, at));
                token += 1;
            }
            Some(one) if text.get(at).is_some_and(|character| one.is_for(*character)) => {
                (token, at) = (token + 1, at + 1);
            }
            _ => match run {
                Some((after, start)) if start < text.len() => {
                    run = Some((after, start + 1));
                    (token, at) = (after, start + 1);
                }
                _ => return false,
            },
        }
    }
    true
}

impl Token {
    fn is_for(&self, character: u32) -> bool {
        match self {
            Self::Run | Self::One => true,
            Self::Character(wanted) => *wanted == character,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *is_negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, name: &[u8]) -> bool {
        Pattern::new(pattern.as_bytes()).expect("a pattern").finds(b"/srv/Data", name, &mut Vec::new())
    }

    #[test]
    fn a_text_is_a_part_of_a_name_in_either_case() {
        assert!(finds("REPORT", b"annual-report.pdf"));
        assert!(finds("straße", "STRASSE Straße".as_bytes()));
        assert!(finds("É", "café".as_bytes()));
        assert!(finds("b", b"\xffB\xfe"));
        assert!(!finds("srv", b"x"), "a text without a slash is not for folders");
        assert!(finds("data/x", b"x.txt") && !finds("data/x", b"y"));
    }

    #[test]
    fn a_pattern_is_for_the_whole_name() {
        let cases: &[(&str, &[u8], bool)] = &[
            ("*.pdf", b"A.PDF", true),
            ("*.pdf", b"a.pdfx", false),
            ("a*b*c", b"aXbYbZc", true),
            ("a*b*c", b"aXbYbZ", false),
            ("?", "é".as_bytes(), true),
            ("?", b"\xff", true),
            ("??", "é".as_bytes(), false),
            ("[A-C]?", b"b1", true),
            ("[!a-c]?", b"b1", false),
            ("[]]", b"]", true),
            ("[*]", b"*", true),
            ("[*]", b"x", false),
            ("[x", b"[x", true),
            ("*", b"", true),
            ("/srv/*/x", b"x", true),
            ("/srv/*", b"x", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(finds(pattern, name), *expected, "{pattern} {}", name.escape_ascii());
        }
    }

    #[test]
    fn many_runs_take_no_longer_than_the_product_of_the_lengths() {
        let pattern = "*a".repeat(500);
        assert!(!finds(&format!("{pattern}b"), &b"a".repeat(4000)));
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        assert!(Pattern::new(b"").is_err() && Pattern::new(&[b'a'; PATTERN_BYTES + 1]).is_err());
    }
}
