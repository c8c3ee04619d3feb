//! The HTTP API: one type per endpoint, with its method, path, parameters, body and answer.
//!
//! Bodies refuse unknown fields; answers may grow. Lists are pages with an opaque cursor. A refused request
//! answers with a [`Problem`]. Configuration carries a `version` that is its `ETag` (`"7"`): changing it needs
//! `If-Match`, and a lost race answers 412.

pub mod account;
pub mod alerts;
pub mod api_tokens;
pub mod audit;
pub mod channels;
pub mod enrolments;
pub mod events;
pub mod factors;
pub mod fleet;
pub mod freezes;
pub mod hooks;
pub mod hosts;
pub mod jobs;
pub mod maintenance;
pub mod pending_hosts;
pub mod registration;
pub mod repositories;
pub mod restores;
pub mod routes;
pub mod schedules;
pub mod server;
pub mod session;
pub mod setup;
pub mod silences;
pub mod snapshots;
pub mod source_groups;
pub mod upkeep;
pub mod users;

mod endpoint;
mod page;
mod problem;
mod repository_upkeep;
mod unfilled_rule;

pub(crate) use endpoint::endpoints;
pub use endpoint::{Answer, Endpoint, Method, Nothing};
pub use page::{Cursor, MAX_PAGE_SIZE, Page, Reference};
pub use problem::{Code, FieldProblem, Problem};
