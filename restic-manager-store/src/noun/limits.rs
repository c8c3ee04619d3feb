//! How much of each allowance is used up, for limits that hold over restarts and for all servers of one database.
//!
//! The store knows no rule: whoever counts decides what a lane is and when its allowance is whole again.

use async_trait::async_trait;
use core::fmt;
use restic_manager_proto::Timestamp;

use crate::Error;

/// What is counted together, such as the guesses from one network: a hash, so that a row tells nothing and has one length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane([u8; 32]);

impl Lane {
    /// Wraps a hash.
    #[must_use]
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Queries about allowances.
#[async_trait]
pub trait LimitQueries: Send {
    /// When the allowance of a lane is whole again; `None` when nothing of it is known to be used.
    async fn full_at(&mut self, lane: &Lane) -> Result<Option<Timestamp>, Error>;
}

/// Changes to allowances.
#[async_trait]
pub trait Limits: LimitQueries {
    /// Notes when the allowance of a lane will be whole again.
    async fn set(&mut self, lane: &Lane, full_at: Timestamp) -> Result<(), Error>;
    /// Forgets allowances that were whole before `now`; says how many those were.
    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error>;
}
