//! The other end of agents: who is connected, what they are told, what they report.
//!
//! A connection's task owns its socket and does everything for its host in order; the rest of the server reaches it
//! through the [hub](crate::parts::hub::Hub), by leaving word in its mailbox. Nothing here keeps a fact that only memory has, but live
//! progress: what is told to an agent is a row first, and what an agent reports is acknowledged after its commit.

pub(crate) mod configuration;
mod connection;
mod described;
mod drafts;
mod handshake;
mod hooks;
mod inbox;
mod ingest;
mod leases;
mod orders;
mod pending;
mod reconcile;
mod slots;
mod token;

pub(crate) use connection::{pending_socket, socket};
pub(crate) use drafts::ConnectionDraft;
pub(crate) use hooks::{context as hooks_context, effective as effective_hooks, open as open_hooks};
pub(crate) use leases::{judge, look as look_at_leases, reserve, wake_next};
pub(crate) use orders::{apply, end_all, finish, open_secrets, tell_end};
pub(crate) use reconcile::facts;
