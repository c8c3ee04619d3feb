//! The server through its real service, in process, over the memory store.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]
#![allow(dead_code, reason = "the tests that need the rest follow")]

mod agent;
mod agents;
mod bootstrap;
mod route_coverage;
mod session;
mod support;
mod world;
