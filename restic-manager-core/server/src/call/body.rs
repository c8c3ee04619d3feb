//! The one body type: whatever comes in is boxed first.

use bytes::Bytes;
use core::fmt;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};

/// Any error of a service or a body around ours.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// A request's or an answer's body.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body broke off. A type of its own, since inside a spawned task the compiler cannot see through a boxed error.
#[derive(Debug)]
pub struct BodyError(BoxError);

impl BodyError {
    /// The error of a body.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source()
    }
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
