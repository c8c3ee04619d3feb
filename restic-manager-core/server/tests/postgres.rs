//! The tests that lean on the store, on PostgreSQL: the same as in `main.rs`, which runs all of them on SQLite.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]
#![expect(dead_code, reason = "helpers of the tests that run on SQLite alone")]

mod api_tokens;
mod backend;
mod connections;
mod enrolling;
mod fleet;
mod heard;
mod hooks;
mod idempotency;
mod notifications;
mod one_handle;
mod ordering;
mod pending_hosts;
mod plans;
mod removed_hosts;
mod reporting;
mod scene;
mod schedules;
mod scopes;
mod store_trouble;
mod support;
mod trust;
mod upkeep;
mod upkeep_facts;
mod versions;
mod world;

const BACKEND: backend::Backend = backend::Backend::Postgres;
