//! With every real restic that is found.

mod cancel;
mod capabilities;
mod commands;
mod support;
