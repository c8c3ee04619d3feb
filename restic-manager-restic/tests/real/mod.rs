//! With every real restic that is found.

mod cancel;
mod capabilities;
mod commands;
#[cfg(target_os = "linux")]
mod literal;
mod rest;
mod secrets;
mod support;
