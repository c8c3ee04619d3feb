//! PostgreSQL: when one machine is outgrown. Feature `postgres`.
//!
//! Transactions are serializable. One that loses a race ends with `Contention` and must be run again, for which
//! there is [`retry`](crate::retry()).

mod claim;
mod driver;
mod migrate;
mod store;

pub use claim::{Claim, Claimed, Holder};
pub use store::{PostgresOptions, PostgresStore};
