//! HTTP: the table of routes and what happens around each use case.

mod body;
mod caller;
mod cookie;
mod decode;
pub(crate) mod device;
mod dispatch;
mod error;
mod idempotency;
mod identify;
mod layers;
mod openapi;
mod origin;
pub(crate) mod plain;
mod program;
mod reply;
mod route;
mod routes;
mod service;
mod standing;
mod upgrade;
mod watch;
mod within;

pub use body::{Body, BoxError};
pub(crate) use caller::{Caller, Cx, Means, User};
pub(crate) use decode::Request;
pub use layers::PeerAddress;
pub(crate) use openapi::document as openapi_document;
pub(crate) use reply::{Download, Payload, Reply, SessionChange};
pub use route::{Access, Audited, Proof, Route, Within};
pub use routes::ROUTES;
pub use service::ServerService;
pub(crate) use standing::Standing;
pub(crate) use upgrade::{ConnectionPlace, Socket, Stream, close, send_json};
pub(crate) use within::is_seen;
