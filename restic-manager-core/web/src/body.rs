//! The one body type of requests and responses, on both sides of the API seam.

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use std::{error::Error, future::Future, pin::Pin};

/// Any error of a service below.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A boxed body; the API service takes and gives the same type.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn empty() -> Body {
    full(Bytes::new())
}

/// Reads a body of at most `limit` bytes. Boxed here, since inside an `async fn` the compiler cannot see through the error type.
pub(crate) fn collect(
    body: Body,
    limit: usize,
) -> Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send>> {
    Box::pin(Limited::new(body, limit).collect().map_ok(http_body_util::Collected::to_bytes))
}
