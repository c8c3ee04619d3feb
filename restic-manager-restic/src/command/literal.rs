//! Paths as patterns that match nothing else.

use std::ffi::OsString;

/// The pattern for `--include` on the command line that matches the entry with this path, what is below it, and nothing
/// else. The path is that of restic's walk: absolute inside the snapshot, or inside its
/// [`subfolder`](super::SnapshotName::subfolder), with `/` on every platform.
///
/// `None` when the path does not begin with a slash, holds a byte of zero, or, on Windows, is not UTF-8: nothing can be
/// given to restic then.
///
/// ```
/// use restic_manager_restic::command::include_argument;
///
/// assert_eq!(include_argument(b"/what? [1]").as_deref(), Some("/what[?] [[]1]".as_ref()));
/// ```
#[must_use]
pub fn include_argument(path: &[u8]) -> Option<OsString> {
    let is_path = path.starts_with(b"/") && !path.contains(&0);
    is_path.then(|| escaped(path)).and_then(native)
}

/// The same as a line of a file for `--include-file` (restic 0.17 or newer), with its end.
///
/// `None` where [`include_argument`] has none, and for a path with a line feed or too long for a line: those go by the
/// command line alone.
#[must_use]
pub fn include_line(path: &[u8]) -> Option<Vec<u8>> {
    const LINE_BYTES: usize = 60 * 1024;
    include_argument(path)?;
    // restic expands variables in such a file, and cuts blanks at both ends of a line.
    let escaped = escaped(path);
    let (text, blank) = split_last_blank(&escaped);
    let mut line = Vec::with_capacity(escaped.len() + 4);
    for byte in text {
        if *byte == b'$' {
            line.push(b'$');
        }
        line.push(*byte);
    }
    if !blank.is_empty() {
        line.extend_from_slice(&[b"[", blank, b"]"].concat());
    }
    line.push(b'\n');
    (!path.contains(&b'\n') && line.len() <= LINE_BYTES).then_some(line)
}

/// Puts what Go's matcher reads as a sign into a class of its own, which it does alike on all platforms. The backslash is
/// a sign outside of Windows alone, where no name can hold it.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(path.len() + 8);
    for byte in path {
        match byte {
            b'*' | b'?' | b'[' => pattern.extend_from_slice(&[b'[', *byte, b']']),
            b'\\' if !cfg!(windows) => pattern.extend_from_slice(br"\\"),
            byte => pattern.push(*byte),
        }
    }
    pattern
}

/// The last character apart, where it is one that restic cuts off.
fn split_last_blank(text: &[u8]) -> (&[u8], &[u8]) {
    let whole = (1..=4.min(text.len())).find_map(|length| {
        let at = text.len() - length;
        let mut characters = std::str::from_utf8(&text[at..]).ok()?.chars();
        let is_blank = characters.next().is_some_and(char::is_whitespace) && characters.next().is_none();
        is_blank.then_some(at)
    });
    text.split_at(whole.unwrap_or(text.len()))
}

#[cfg(unix)]
fn native(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn native(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(Into::into)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn line(path: &[u8]) -> Option<String> {
        include_line(path).map(|line| String::from_utf8_lossy(&line).into_owned())
    }

    #[test]
    fn signs_are_put_into_classes() {
        for (path, pattern) in
            [("/a*b", "/a[*]b"), ("/**", "/[*][*]"), ("/[x]", "/[[]x]"), (r"/a\b", r"/a\\b")]
        {
            assert_eq!(include_argument(path.as_bytes()), Some(pattern.into()));
        }
        assert_eq!(include_argument(b"a"), None);
        assert_eq!(include_argument(b"/a\0b"), None);
    }

    #[test]
    fn a_file_needs_more() {
        assert_eq!(line(b"/$HOME").as_deref(), Some("/$$HOME\n"));
        assert_eq!(line(b"/a  ").as_deref(), Some("/a [ ]\n"));
        assert_eq!(line("/a\u{3000}".as_bytes()).as_deref(), Some("/a[\u{3000}]\n"));
        assert_eq!(line(b"/a\r").as_deref(), Some("/a[\r]\n"));
        assert_eq!(line(b"/a b").as_deref(), Some("/a b\n"));
        assert_eq!(line(b"/a\nb"), None);
        assert_eq!(include_line(b"/\xff"), Some(b"/\xff\n".to_vec()));
    }
}
