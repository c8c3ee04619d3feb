use async_trait::async_trait;

use super::{Connection, Sql, record::Columns, value::values};
use crate::{
    Error, SealedBlob,
    sealed::{SealedPlace, SealedQueries, SealedRow, Sealing},
};

/// How one place is read row by row, and how its seal is replaced.
struct Statements {
    select: &'static str,
    update: &'static str,
}

macro_rules! credential {
    ($slot:literal) => {
        Statements {
            select: concat!(
                "SELECT repository AS place, sealed FROM repository_credentials WHERE slot = '",
                $slot,
                "' AND repository > $1 ORDER BY repository LIMIT $2"
            ),
            update: concat!(
                "UPDATE repository_credentials SET sealed = $3 WHERE slot = '",
                $slot,
                "' AND repository = $1 AND sealed = $2"
            ),
        }
    };
}

macro_rules! hooks {
    ($kind:literal) => {
        Statements {
            select: concat!(
                "SELECT owner AS place, sealed FROM hooks WHERE kind = '",
                $kind,
                "' AND owner > $1 ORDER BY owner LIMIT $2"
            ),
            update: concat!(
                "UPDATE hooks SET sealed = $3 WHERE kind = '",
                $kind,
                "' AND owner = $1 AND sealed = $2"
            ),
        }
    };
}

const fn statements(place: SealedPlace) -> Statements {
    match place {
        SealedPlace::RepositoryPassword => Statements {
            select: "SELECT id AS place, password AS sealed FROM repositories WHERE password IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            update: "UPDATE repositories SET password = $3 WHERE id = $1 AND password = $2",
        },
        SealedPlace::EverydayCredential => credential!("everyday"),
        SealedPlace::MaintenanceCredential => credential!("maintenance"),
        SealedPlace::TotpSecret => Statements {
            select: "SELECT user_id AS place, secret AS sealed FROM totp WHERE user_id > $1 ORDER BY user_id LIMIT $2",
            update: "UPDATE totp SET secret = $3 WHERE user_id = $1 AND secret = $2",
        },
        SealedPlace::Draft => Statements {
            select: "SELECT job AS place, sealed FROM drafts WHERE job > $1 ORDER BY job LIMIT $2",
            update: "UPDATE drafts SET sealed = $3 WHERE job = $1 AND sealed = $2",
        },
        SealedPlace::HostHooks => hooks!("host"),
        SealedPlace::SourceGroupHooks => hooks!("source-group"),
        SealedPlace::ChannelSecrets => Statements {
            select: "SELECT id AS place, sealed FROM channels WHERE sealed IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            update: "UPDATE channels SET sealed = $3 WHERE id = $1 AND sealed = $2",
        },
    }
}

#[async_trait]
impl<C: Connection> SealedQueries for Sql<C> {
    async fn rows(
        &mut self,
        place: SealedPlace,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<Vec<SealedRow>, Error> {
        // No bytes at all sort before every id.
        let after = after.map_or_else(Vec::new, Vec::from);
        let read = |columns: &Columns<'_>| {
            Ok(SealedRow { row: columns.get("place")?, sealed: columns.get("sealed")? })
        };
        let (table, _) = place.column();
        self.rows_of(statements(place).select, values![after, limit], table, "sealed secret", read).await
    }
}

#[async_trait]
impl<C: Connection> Sealing for Sql<C> {
    async fn reseal(&mut self, place: SealedPlace, old: &SealedRow, new: &SealedBlob) -> Result<bool, Error> {
        self.change(statements(place).update, values![old.row, old.sealed, new]).await
    }
}
