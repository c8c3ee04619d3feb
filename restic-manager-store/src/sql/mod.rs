//! What SQLite and PostgreSQL share, which is everything but connecting: each noun is written once, over a
//! connection that takes static text with `$1` placeholders.

mod alerts;
mod api_tokens;
mod attachments;
mod audit;
mod backup_days;
mod bootstrap;
mod channels;
mod checkpoints;
mod chunk;
mod connection;
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
mod migration;
mod pending_hosts;
mod previews;
mod record;
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
mod transaction;
mod upkeep;
mod users;
mod value;
mod within;

pub(crate) use connection::{Connection, Finish};
pub(crate) use migration::{Applied, MIGRATIONS, Migration, older, pending};
pub(crate) use transaction::Sql;
#[cfg(feature = "postgres")]
pub(crate) use value::Shape;
pub(crate) use value::{Row, Value};
