//! The pages: which addresses there are, and how a request becomes an answer.

mod account;
mod alerts;
mod answer;
mod api_tokens;
mod attachments;
mod audit;
mod bandwidth;
mod commands;
mod confirm;
mod context;
mod enrolments;
mod factors;
mod hooks;
mod host;
mod hosts;
mod jobs;
mod overview;
mod policy;
mod repositories;
mod routes;
mod schedules;
mod search;
mod session;
mod sessions;
mod settings;
mod setup;
mod snapshots;
mod sources;
mod users;

pub(crate) use answer::{answer, not_found};
pub(crate) use context::{Ambient, Cx};
pub(crate) use routes::find;
pub(crate) use schedules::ScheduleSample;
