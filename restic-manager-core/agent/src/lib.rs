//! The restic-manager agent engine: runs restic on one host, and tells the server all about it.

pub mod config;
pub mod files;
pub mod outbox;
