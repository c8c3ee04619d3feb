use serde::Deserialize;
use serde_json::error::Category;

use crate::DocumentError;

/// Reads the first JSON document of an output, passing over lines of text before it and anything after it.
///
/// ```
/// use restic_manager_restic::document::{self, Stats};
///
/// let stats: Stats = document::parse(b"[0:00] 100.00%  1 / 1 snapshots\n{\"total_size\":7,\"snapshots_count\":1}\n")?;
/// assert_eq!(stats.total_size, 7);
/// # Ok::<(), restic_manager_restic::DocumentError>(())
/// ```
pub fn parse<'a, T: Deserialize<'a>>(output: &'a [u8]) -> Result<T, DocumentError> {
    let mut failure = None;
    for start in candidates(output) {
        match first_value(&output[start..]) {
            Ok(document) => return Ok(document),
            Err(error) => failure = failure.or(error),
        }
    }
    Err(failure.unwrap_or(DocumentError::NoJson))
}

/// The beginnings of lines that may be JSON.
fn candidates(output: &[u8]) -> impl Iterator<Item = usize> {
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', output).map(|end| end + 1));
    starts.filter(|start| matches!(output.get(*start), Some(b'{' | b'[')))
}

/// `Err(None)` if this is no JSON at all.
fn first_value<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Option<DocumentError>> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    let error = match values.next() {
        Some(Ok(value)) => return Ok(value),
        Some(Err(error)) => error,
        None => return Err(None),
    };
    Err(match error.classify() {
        Category::Data => Some(DocumentError::Shape { detail: error.to_string() }),
        Category::Eof => Some(DocumentError::CutOff),
        Category::Syntax | Category::Io => None,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::DocumentError;

    #[test]
    fn text_around_the_document_is_passed_over() {
        assert_eq!(parse::<Vec<u8>>(b"text\n[0:00] 100%\n[1,2]\nmore [text]\n"), Ok(vec![1, 2]));
        assert_eq!(parse::<Vec<u8>>(b"[\n  1,\n  2\n]"), Ok(vec![1, 2]));
    }

    #[test]
    fn failures_say_which() {
        assert_eq!(parse::<Vec<u8>>(b""), Err(DocumentError::NoJson));
        assert_eq!(parse::<Vec<u8>>(b"text\n[0:00]"), Err(DocumentError::NoJson));
        assert_eq!(parse::<Vec<u8>>(b"[1,2"), Err(DocumentError::CutOff));
        assert!(matches!(parse::<Vec<u8>>(b"{\"a\":1}"), Err(DocumentError::Shape { .. })));
        assert!(matches!(parse::<Vec<u8>>(b"[300]"), Err(DocumentError::Shape { .. })));
    }
}
