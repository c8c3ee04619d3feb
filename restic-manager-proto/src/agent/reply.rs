//! Answers to messages.

use serde::{Deserialize, Serialize};

/// The answer to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reply {
    /// Done, or accepted.
    Ok {},
    /// Not done.
    Error {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people; no secrets.
        message: String,
    },
}

impl Reply {
    /// What stands in the place of an answer that this build does not understand.
    #[must_use]
    pub fn not_understood() -> Self {
        let message = "the answer has words that this build does not know".to_owned();
        Self::Error { code: ErrorCode::Failed, message }
    }
}

/// Why a message was not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// This build does not know the kind.
    Unsupported,
    /// The message's deadline has passed.
    Expired,
    /// The agent's local policy forbids it.
    Forbidden,
    /// The message contradicts itself or lacks something.
    Invalid,
    /// A sealed part does not open.
    SecretUnreadable,
    /// The job is not known.
    UnknownJob,
    /// The agent is stopping.
    Stopping,
    /// It failed for another reason, or one of a newer peer.
    #[serde(other)]
    Failed,
}
