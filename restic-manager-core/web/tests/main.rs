//! The pages through the tower service, over an API made of `proto` types.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod assets;
mod browser;
mod confirm;
mod contrast;
mod factors;
mod fake;
mod forms;
mod pages;
mod passing;
#[cfg(feature = "remote")]
mod remote;
mod repositories;
mod security;
mod shaping;
mod unchanged;
