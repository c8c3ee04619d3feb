//! With every real restic that is found.

mod cancel;
mod capabilities;
mod commands;
mod rest;
#[cfg(target_os = "linux")]
mod secrets;
mod support;
