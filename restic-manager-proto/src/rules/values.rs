//! The rules of values that stand for themselves.

use super::{Refusal, location::is_absolute, refusal::when};
use crate::Bandwidth;

/// Most paths, and most patterns, of one source group.
pub const MOST_PATHS: usize = 256;
/// Longest path or pattern, in bytes.
pub const LONGEST_PATH: usize = 4096;
/// Most tags of one host.
pub const MOST_TAGS: usize = 32;
/// Longest password of a repository, in bytes.
pub const LONGEST_PASSWORD: usize = 4096;
/// A name that people sign in with.
///
/// # Errors
/// When it is another.
pub fn user_name(name: &str) -> Result<(), Refusal> {
    let fits = (1..=64).contains(&name.chars().count());
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+'));
    when(fits && plain, "1 to 64 letters, digits, `.`, `-`, `_`, `@` or `+`, such as `alice`")
}

/// What somebody calls a thing of their own.
///
/// # Errors
/// When it is another.
pub fn label(text: &str) -> Result<(), Refusal> {
    let fits = (1..=64).contains(&text.chars().count());
    when(fits && !text.chars().any(char::is_control), "1 to 64 characters, such as `Laptop`")
}

/// The name of a host, a repository or a source group. It is safe as a word of a command and in a file name.
///
/// # Errors
/// When it is another.
pub fn name(name: &str) -> Result<(), Refusal> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    when(
        starts && plain && name.len() <= 64,
        "1 to 64 letters, digits, `.`, `-` or `_`, the first a letter or digit, such as `web-1`",
    )
}

/// A tag. restic's own separator, the comma, can be in none.
///
/// # Errors
/// When it is another.
pub fn tag(tag: &str) -> Result<(), Refusal> {
    let plain = tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    when(
        plain && (1..=32).contains(&tag.len()),
        "1 to 32 letters, digits, `.`, `-`, `_` or `:`, such as `site:berlin`",
    )
}

/// A path that means the same whatever folder a process is in.
///
/// # Errors
/// When it is another.
pub fn absolute_path(path: &str) -> Result<(), Refusal> {
    let fits = path.len() <= LONGEST_PATH && !path.contains('\0');
    when(fits && is_absolute(path), "an absolute path of at most 4096 bytes, such as `/home` or `C:\\Users`")
}

/// A pattern of what a backup leaves out.
///
/// # Errors
/// When it is another.
pub fn exclude(pattern: &str) -> Result<(), Refusal> {
    let fits = (1..=LONGEST_PATH).contains(&pattern.len()) && !pattern.contains('\0');
    when(fits, "1 to 4096 bytes without a zero byte, such as `*.tmp`")
}

/// A limit of restic's speed, in KiB a second.
///
/// # Errors
/// When it is zero or beyond what restic takes.
pub fn bandwidth(limit_kib: Option<u32>) -> Result<(), Refusal> {
    let fits = limit_kib.is_none_or(|limit| (1..=Bandwidth::HIGHEST_KIB).contains(&limit));
    when(fits, "1 to 4194304 KiB a second, such as 2048 for 2 MiB; leave it out for no limit")
}

/// How often a backup that fails is run in all.
///
/// # Errors
/// When it is never, or too often.
pub fn retry_attempts(attempts: u32) -> Result<(), Refusal> {
    when((1..=10).contains(&attempts), "1 to 10 runs in all, such as 3")
}

/// How long a failed backup waits before it is run again, in seconds.
///
/// # Errors
/// When it is not at all, or more than a day.
pub fn retry_delay_seconds(delay: u32) -> Result<(), Refusal> {
    when((1..=86_400).contains(&delay), "1 to 86400 seconds, which are a day, such as 300")
}

/// The password that encrypts a repository: whatever restic takes, byte by byte. White space at its ends is part of it.
///
/// # Errors
/// When it is empty, too long, or has a zero byte, which ends what restic is handed.
pub fn repository_password(password: &str) -> Result<(), Refusal> {
    let fits = (1..=LONGEST_PASSWORD).contains(&password.len()) && !password.contains('\0');
    when(fits, "1 to 4096 bytes, without a zero byte")
}
