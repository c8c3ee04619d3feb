//! SQLite: the database in a file beside the server. Feature `sqlite`.
//!
//! One connection writes, others read. Transactions that commit at about the same time share one write to the disk,
//! and each is told so only once that has happened. The file belongs to one server; a command on the same machine may
//! open it too, for a moment.

mod driver;
mod inspect;
mod migrate;
#[cfg(test)]
mod plans;
mod store;
mod wal;
mod writer;

pub use store::{SqliteOptions, SqliteStore};
