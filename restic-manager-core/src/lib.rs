//! Rules that the restic-manager engines share, and the parts that connect them: everything between the wire and
//! the binaries that is neither server nor agent.
#![warn(missing_docs)]

pub mod agent_token;
pub mod alert;
pub mod announce;
pub mod anomaly;
pub mod backoff;
pub mod clock;
pub mod freshness;
pub mod handshake;
pub mod hook;
pub mod job;
pub mod lease;
pub mod limit;
pub mod link;
pub mod maintenance;
pub mod mint;
pub mod notify;
pub mod presence;
pub mod retention;
pub mod schedule;
pub mod scope;
pub mod session;
pub mod shutdown;
pub mod task;
pub mod upkeep;
