//! The one body type: whatever comes in is boxed at the door.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};

/// What a body may fail with.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// A request's or an answer's body.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
