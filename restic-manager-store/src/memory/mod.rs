//! The reference backend: plain maps. What it does is what the others must do.
//!
//! One transaction at a time works on a copy of the tables, which costs little because each table is shared until
//! it is changed; committing puts the copy in place. Nothing is kept on disk.

mod alerts;
mod api_tokens;
mod attachments;
mod audit;
mod backup_days;
mod bootstrap;
mod channels;
mod checkpoints;
mod deliveries;
mod drafts;
mod enrolments;
mod factors;
mod freezes;
mod hooks;
mod hosts;
mod jobs;
mod leases;
mod limits;
mod logs;
mod maintenance;
mod measurements;
mod meta;
mod metrics;
mod pending_hosts;
mod previews;
mod replies;
mod repositories;
mod routes;
mod schedules;
mod sealed;
mod sessions;
mod setup_links;
mod silences;
mod snapshots;
mod sources;
mod store;
mod tables;
mod upkeep;
mod users;

pub use store::MemoryStore;
