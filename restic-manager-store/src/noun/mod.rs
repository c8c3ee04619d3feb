//! One file per noun: its rows, its queries, its changes.
//!
//! Rows are complete on purpose: a backend builds and reads them field by field, so that a new column must stop
//! every backend from compiling.
#![expect(clippy::exhaustive_structs, reason = "a new column must stop every backend from compiling")]

pub mod alerts;
pub mod api_tokens;
pub mod attachments;
pub mod audit;
pub mod backup_days;
pub mod bootstrap;
pub mod channels;
pub mod checkpoints;
pub mod deliveries;
pub mod drafts;
pub mod enrolments;
pub mod factors;
pub mod freezes;
pub mod hooks;
pub mod hosts;
pub mod jobs;
pub mod leases;
pub mod limits;
pub mod logs;
pub mod maintenance;
pub mod measurements;
pub mod meta;
pub mod metrics;
pub mod pending_hosts;
pub mod previews;
pub mod replies;
pub mod repositories;
pub mod routes;
pub mod schedules;
pub mod sealed;
pub mod sessions;
pub mod setup_links;
pub mod silences;
pub mod snapshots;
pub mod sources;
pub mod upkeep;
pub mod users;
