//! PostgreSQL: when one machine is outgrown. Feature `postgres`.
//!
//! Transactions are serializable. One that loses a race ends with `Contention` and must be run again, for which
//! there is [`retry`](crate::retry()).

mod driver;
mod migrate;
mod store;

pub use store::{PostgresOptions, PostgresStore};
