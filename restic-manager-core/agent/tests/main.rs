//! Tests of the agent engine.

mod config;
mod files;
mod outbox;
