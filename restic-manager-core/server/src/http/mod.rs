//! HTTP: the table of routes and what happens around each use case.

mod dispatch;
mod error;
mod idempotency;
mod identify;
mod layers;
mod openapi;
mod origin;
mod patience;
mod program;
mod route;
mod router;
mod routes;
mod scraper;
mod service;
mod upgrade;
mod watch;
mod within;

pub use layers::PeerAddress;
pub(crate) use openapi::openapi_document;
pub use route::{Access, Audited, ProofAge, Route, Within};
pub use routes::ROUTES;
pub use service::ServerService;
pub(crate) use upgrade::ConnectionPlace;
