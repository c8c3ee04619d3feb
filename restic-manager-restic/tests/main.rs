//! Everything that needs more than one part of the crate.

#[cfg(feature = "process")]
mod real;
