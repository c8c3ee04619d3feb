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
mod refusal;
mod storage;
#[cfg(test)]
mod tests;
mod values;

pub use credential::{credential, variables};
pub use location::{LONGEST_LOCATION, Location};
pub(crate) use location::{Parts, default_port, is_absolute, split};
pub use refusal::Refusal;
pub use storage::Storage;
pub use values::{
    LONGEST_PASSWORD, LONGEST_PATH, MOST_PATHS, MOST_TAGS, absolute_path, bandwidth, exclude, label, name,
    repository_password, retry_attempts, retry_delay_seconds, tag, user_name,
};
