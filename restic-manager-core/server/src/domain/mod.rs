//! What happens inside a transaction, whoever asked for it: an agent, a person, or time.

pub(crate) mod alerts;
pub(crate) mod configuration;
pub(crate) mod deletion;
pub(crate) mod duty;
pub(crate) mod hooks;
pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod maintenance;
pub(crate) mod mark;
pub(crate) mod newcomer;
pub(crate) mod plan;
pub(crate) mod registration;
pub(crate) mod scope;
pub(crate) mod secrets;
pub(crate) mod statistics;
pub(crate) mod upkeep;
