//! The restic-manager server engine: HTTP API, use cases, the other end of agents.
//!
//! Build a [`Server`] from a store, a keyring, an identity and a [`Config`]; [`Server::prepare`] it; then
//! [`Server::serve`] its [`Server::service`], alone or with something mounted around it.

mod agents;
mod app;
mod background;
mod brake;
pub mod config;
mod failure;
mod http;
mod passwords;
mod prepare;
mod serve;
mod server;
mod shared;

pub use config::Config;
pub use http::{Access, Audited, Body, BoxError, PeerAddress, ROUTES, Route, ServerService};
pub use prepare::{PrepareError, Prepared};
pub use server::{Builder, Server};
