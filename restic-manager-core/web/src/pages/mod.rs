//! The pages: which addresses there are, and how a request becomes an answer.

mod account;
mod alerts;
mod answer;
mod api_tokens;
mod attachments;
mod audit;
mod confirm;
mod context;
mod enrolments;
mod factors;
mod host;
mod host_form;
mod hosts;
mod jobs;
mod overview;
mod pending_hosts;
mod policy;
mod repositories;
mod routes;
mod schedules;
mod scope;
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
