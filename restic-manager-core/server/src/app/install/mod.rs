//! What a host needs to become one: commands, scripts, the agent's builds.

mod builds;
mod script;

pub(crate) use builds::{binary, checksum};
pub(crate) use script::linux;
pub(super) use script::{Invitation, Way, script};
