//! The server through its real service, in process, over the memory store.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]

mod account;
mod agents;
mod alerts;
mod bootstrap;
mod documents;
mod idempotency;
mod proof;
mod requests;
mod route_coverage;
mod scopes;
mod serving;
mod session;
mod setup;
mod store_trouble;
mod support;
mod upkeep;
mod world;
