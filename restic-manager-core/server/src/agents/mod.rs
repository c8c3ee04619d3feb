//! The other end of agents: who is connected, what they are told, what they report.
//!
//! A connection's task owns its socket and does everything for its host in order; the rest of the server reaches it
//! through the [hub](crate::parts::hub::Hub), by leaving word in its mailbox. Nothing here keeps a fact that only memory has, but live
//! progress: what is told to an agent is a row first, and what an agent reports is acknowledged after its commit.

mod announced;
mod candidate;
mod claim;
mod configuration;
mod connection;
mod connection_tests;
mod described;
mod enrol;
mod handshake;
mod inbox;
mod ingest;
mod intake;
mod listing;
mod orders;
mod questions;
mod reconcile;
mod refusal;
mod slots;
mod token;

pub(crate) use connection::serve;
pub(crate) use handshake::Entrance;
