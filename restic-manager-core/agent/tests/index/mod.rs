//! Indexes of snapshots, against a plain list of entries, on damaged files, and with real restic.

mod damage;
mod disk;
mod inputs;
mod laws;
pub(crate) mod model;
#[cfg(unix)]
pub(crate) mod real;
mod replay;
