//! The use cases, one file per noun. The only code that opens transactions on a caller's behalf.

pub(crate) mod account;
pub(crate) mod alerts;
pub(crate) mod api_tokens;
pub(crate) mod attachments;
pub(crate) mod audit;
pub(crate) mod bootstrap;
mod check;
pub(crate) mod enrolments;
pub(crate) mod events;
mod evidence;
pub(crate) mod factors;
pub(crate) mod fleet;
mod health;
pub(crate) mod hooks;
pub(crate) mod hosts;
pub(crate) mod install;
pub(crate) mod jobs;
mod page;
mod pending;
pub(crate) mod plan;
pub(crate) mod proof;
pub(crate) mod registration;
pub(crate) mod repositories;
pub(crate) mod schedules;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod snapshots;
pub(crate) mod source_groups;
pub(crate) mod upkeep;
pub(crate) mod users;
mod value;

pub(crate) use check::user_name as check_user_name;
