//! Why a use case did not happen. Mapped once to an answer, in `http::error`.

use core::time::Duration;
use restic_manager_proto::api::{Code, FieldProblem, Problem};
use restic_manager_store::{Error as StoreError, ErrorKind, Retryable};

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The caller can do something about it.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The same, and when to come again.
    #[error("{}", .0.detail)]
    ComeAgain(Box<Problem>, Duration),
    /// The path is there, but not with this method; it takes these.
    #[error("{}", .0.detail)]
    OtherMethod(Box<Problem>, String),
    /// The database.
    #[error("could not use the database")]
    Store(#[source] StoreError),
    /// Something that should not happen.
    #[error("{0}")]
    Internal(&'static str, #[source] Option<Box<dyn core::error::Error + Send + Sync>>),
}

impl Failure {
    /// A refusal: what is wrong this time, and what to do about it.
    pub(crate) fn new(code: Code, detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::new(code, detail, next_step)))
    }

    /// There is no such thing.
    pub(crate) fn not_found(noun: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no such {noun}"),
            "look in the list of them for what there is",
        )
    }

    /// It contradicts what is there.
    pub(crate) fn conflict(detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::new(Code::Conflict, detail, next_step)
    }

    /// One field has a value that cannot be.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem { field: field.to_owned(), message: message.into() }])
    }

    /// Some fields have values that cannot be.
    pub(crate) fn fields(fields: Vec<FieldProblem>) -> Self {
        let detail = fields.iter().map(|one| format!("{}: {}", one.field, one.message)).collect::<Vec<_>>();
        let mut problem =
            Problem::new(Code::Invalid, detail.join("; "), "correct the fields and send it again");
        problem.fields = fields;
        Self::Refused(Box::new(problem))
    }

    /// Something that should not happen.
    pub(crate) fn internal(
        what: &'static str,
        source: impl Into<Box<dyn core::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal(what, Some(source.into()))
    }

    /// What a lost race on a versioned resource means: somebody changed it.
    pub(crate) fn stale(error: StoreError) -> Self {
        if error.kind() == ErrorKind::Conflict {
            let detail = format!("the {} has changed since you read it", error.subject());
            Self::new(Code::Stale, detail, "read it again, and apply your change to what is there now")
        } else {
            Self::Store(error)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Retryable for Failure {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_contention())
    }
}
