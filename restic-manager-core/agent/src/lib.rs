//! The restic-manager agent engine: runs restic on one host, and tells the server all about it.

mod agent;
pub mod config;
pub mod configuration;
mod facts;
pub mod files;
pub mod index;
pub mod ledger;
pub mod link;
pub mod outbox;
pub mod planner;
pub mod policy;
pub mod restore;
mod runner;
mod scheduler;

pub mod state;
pub mod status;
pub mod vault;

pub use agent::{Agent, AgentBuilder, AgentError};
pub use facts::collect as collect_facts;
pub use planner::Pace;
pub use restic_manager_core::{clock::SystemClock, shutdown::Shutdown};
pub use restic_manager_crypto::{Fingerprint, SecretString, SystemRandom};
pub use runner::HostEnvironment;
