//! What the wire promises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]

mod golden;
mod limits;
mod properties;
mod replay;
mod session;
mod values;
