//! The rule for the names of hosts, repositories and source groups: the server asks it before it takes one, the agent
//! before it hands one to a script.

/// Longest name, in bytes.
pub const LONGEST: usize = 64;

/// Whether a text is such a name: letters, digits, `.`, `-` or `_`, the first a letter or digit.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    plain && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_option_no_path_and_no_script() {
        let longest = "x".repeat(LONGEST);
        for name in ["web-1", "a", "0.x_y", longest.as_str()] {
            assert!(is_plain(name), "{name}");
        }
        let longer = "x".repeat(LONGEST + 1);
        for name in ["", "-rf", "../etc", "a b", "$(id)", "a\nb", "ä", ".a", longer.as_str()] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
