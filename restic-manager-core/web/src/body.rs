//! The one body type of requests and responses of the pages.

use bytes::Bytes;
use core::fmt;
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use std::error::Error;

/// Any error of a service below.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A boxed body, of what the pages are asked, answer and ask the API.
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

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// A body of any kind as ours.
pub(crate) fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(BodyError::new).boxed_unsync()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn empty() -> Body {
    full(Bytes::new())
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn collect(body: Body, limit: usize) -> Result<Bytes, BoxError> {
    Ok(Limited::new(body, limit).collect().await?.to_bytes())
}
