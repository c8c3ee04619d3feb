//! What the engines share, seen from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may say so by panicking")]

mod link;
mod mint;
mod replay;
mod shutdown;
