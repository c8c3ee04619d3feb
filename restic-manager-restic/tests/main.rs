//! Everything this crate does, from the outside.

mod commands;
mod corpus;
mod properties;
#[cfg(feature = "process")]
mod real;
mod recorded;
mod reference;
#[cfg(all(feature = "process", unix))]
mod supervision;
