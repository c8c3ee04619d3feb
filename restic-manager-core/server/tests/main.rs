//! The server through its real service, in process, on SQLite.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]

mod account;
mod agents;
mod alerts;
mod api_tokens;
mod audit;
mod authenticator;
mod backend;
mod bootstrap;
mod documents;
mod factors;
mod fleet;
mod guessing;
mod hooks;
mod idempotency;
mod maintenance;
mod many_hosts;
mod metrics;
mod one_handle;
mod passkeys;
mod pending_hosts;
mod people;
mod plans;
mod proof;
mod recovery;
mod removed_hosts;
mod requests;
mod rotation;
mod route_coverage;
mod schedules;
mod scopes;
mod serving;
mod session;
mod setup;
mod store_trouble;
mod support;
mod told;
mod trust;
mod upkeep;
mod upkeep_facts;
mod world;

const BACKEND: backend::Backend = backend::Backend::Sqlite;
