//! Everything this crate does, from the outside.

mod commands;
mod corpus;
mod judgements;
mod laws;
mod properties;
#[cfg(feature = "process")]
mod real;
mod recorded;
mod reference;
mod replay;
mod reports;
mod shapes;
#[cfg(all(feature = "process", unix))]
mod supervision;
