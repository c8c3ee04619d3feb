//! `cargo xtask arrows`: which crates, modules and files of ours depend on which, held by two tables.
//!
//! Read from the sources: no build, and nothing that a test alone needs counts.

mod circles;
mod crates;
mod layers;
mod names;
mod survey;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

pub(crate) use survey::{check, map};

use crate::failure::Outcome;

/// Prints the map and fails on what is not in it.
pub(crate) fn run(_: &[String]) -> Outcome {
    println!("{}", map());
    check()
}
