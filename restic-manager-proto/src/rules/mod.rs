//! What values may be: the rules of what is typed, stored, sent and handed to restic. The server asks them before it
//! keeps a value, the agent asks them again before it uses one, so what one end refuses the other never sends.
//!
//! Each rule is a list of what is allowed, and each refusal shows a value that would be.
//!
//! ```
//! use restic_manager_proto::rules::{Location, Storage, name};
//!
//! assert_eq!(Location::parse("rest:https://backup.example.com/web/")?.storage(), Storage::Rest);
//! let refused = Location::parse("rclone:nas,ssh='touch /tmp/x':web").unwrap_err();
//! assert_eq!(refused.to_string(), "such as `rclone:remote:web`; the remote is named as in the host's own rclone.conf");
//! assert!(name("web-1").is_ok() && name("-rf").is_err());
//! # Ok::<(), restic_manager_proto::rules::Refusal>(())
//! ```

mod credential;
mod google;
mod location;
mod storage;

use crate::Bandwidth;

pub use credential::{credential, variables};
pub use location::Location;
pub(crate) use location::{Parts, default_port, is_absolute, split};
pub use storage::Storage;

/// Why a value cannot be, with an example of one that can: a fragment that fits behind the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(&'static str);

impl Refusal {
    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Most paths, and most patterns, of one source group.
pub const MOST_PATHS: usize = 256;
/// Longest path or pattern, in bytes.
pub const LONGEST_PATH: usize = 4096;
/// Most tags of one host.
pub const MOST_TAGS: usize = 32;
/// Longest password of a repository, in bytes.
pub const LONGEST_PASSWORD: usize = 1024;
/// Longest location, in bytes.
pub const LONGEST_LOCATION: usize = 2048;

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

/// The password that encrypts a repository. restic reads it as one line and cuts white space from both its ends.
///
/// # Errors
/// When restic would read another.
pub fn repository_password(password: &str) -> Result<(), Refusal> {
    let one_line = !password.contains(['\0', '\n', '\r']);
    when(one_line && (1..=LONGEST_PASSWORD).contains(&password.len()), "one line of 1 to 1024 bytes")?;
    when(
        password.trim() == password && !password.contains('\u{feff}'),
        "a password without white space at its start or end, and without a byte order mark: restic would cut them off; \
         give the repository another password with `restic key passwd`",
    )
}

const fn when(condition: bool, otherwise: &'static str) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(Refusal(otherwise)) }
}

#[cfg(test)]
mod tests;
