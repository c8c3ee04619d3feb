//! Every place where something sealed is kept, in one table, so that all of it can be sealed anew under another key.

use async_trait::async_trait;

use crate::{Error, SealedBlob};

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident = $table:literal . $column:literal;)*) => {
        /// A column that holds what was sealed. A column more is a variant more: whoever seals secrets anew must know of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "a new place must stop every walk over them from compiling")]
        pub enum SealedPlace {
            $($(#[$doc])* $name,)*
        }

        impl SealedPlace {
            /// Every place.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Table and column in the databases.
            #[must_use]
            pub const fn column(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($table, $column),)* }
            }
        }
    };
}

places! {
    /// The passwords that encrypt repositories; a row is a repository.
    RepositoryPassword = "repositories"."password";
    /// Transport credentials that may only add; a row is a repository.
    EverydayCredential = "repository_credentials"."sealed";
    /// Transport credentials that may delete; a row is a repository.
    MaintenanceCredential = "repository_credentials"."sealed";
    /// The secrets of authenticator apps; a row is a user.
    TotpSecret = "totp"."secret";
    /// What jobs try before anybody keeps it; a row is a job.
    Draft = "drafts"."sealed";
    /// Scripts around backups that are set at hosts; a row is a host.
    HostHooks = "hooks"."sealed";
    /// Scripts around backups that are set at source groups; a row is a source group.
    SourceGroupHooks = "hooks"."sealed";
    /// The secrets of notification channels; a row is a channel.
    ChannelSecrets = "channels"."sealed";
}

/// Something sealed, and the row that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// The row's id: what the seal is bound to.
    pub row: [u8; 16],
    /// What is stored there.
    pub sealed: SealedBlob,
}

/// Queries over all places alike.
#[async_trait]
pub trait SealedQueries: Send {
    /// What is sealed in one place, in the order of its rows, from the row after `after` on, `limit` at most.
    async fn rows(
        &mut self,
        place: SealedPlace,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<Vec<SealedRow>, Error>;
}

/// Changes of the seal alone.
#[async_trait]
pub trait Sealing: SealedQueries {
    /// Puts the same secret under another seal in the place of `old`. Neither the version of the row nor the time when
    /// it was set changes. `false` when something else is there by now.
    async fn reseal(&mut self, place: SealedPlace, old: &SealedRow, new: &SealedBlob) -> Result<bool, Error>;
}
