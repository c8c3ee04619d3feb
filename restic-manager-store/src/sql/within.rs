//! The part of a condition that keeps a list within a scope.

use restic_manager_proto::{HostId, Scope};

use super::{
    Connection, Sql, Value,
    value::{Encode, Shape},
};
use crate::{Error, hosts::HostQueries};

/// Placeholders that a statement has for itself; those of the scope follow.
const OWN: usize = 8;

/// The tags of the scope.
macro_rules! scope_tags {
    () => {
        "($10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)"
    };
}

/// The condition that the host in a column is within the scope whose values [`scoped`] gives.
macro_rules! is_within {
    ($host:literal) => {
        concat!(
            "($9 OR ",
            $host,
            " IN ($26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, \
             $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57) \
             OR EXISTS (SELECT 1 FROM host_tags WHERE host_tags.host = ",
            $host,
            " AND host_tags.tag IN ",
            $crate::sql::within::scope_tags!(),
            "))"
        )
    };
}
pub(super) use {is_within, scope_tags};

/// A statement's own values and those of the scope. A scope of more than it may name holds only the first of them.
pub(super) fn scoped(mut values: Vec<Value>, scope: &Scope) -> Vec<Value> {
    values.resize(OWN, Value::Null(Shape::Text));
    values.push(scope.is_all().encode());
    let (mut tags, mut hosts) = (Vec::new(), Vec::new());
    match scope {
        Scope::All => {}
        Scope::Tags { tags: named } => tags.extend(named.iter().map(Encode::encode)),
        Scope::Hosts { hosts: named } => hosts.extend(named.iter().map(Encode::encode)),
    }
    tags.resize(Scope::MOST_TAGS, Value::Null(Shape::Text));
    hosts.resize(Scope::MOST_HOSTS, Value::Null(Shape::Bytes));
    values.extend(tags);
    values.extend(hosts);
    values
}

impl<C: Connection> Sql<C> {
    /// The hosts of a scope in the order of their ids, `limit` at most. Deleted ones too, where the scope names them.
    pub(super) async fn hosts_within(&mut self, scope: &Scope, limit: usize) -> Result<Vec<HostId>, Error> {
        match scope {
            Scope::Hosts { hosts } => Ok(hosts.iter().copied().take(limit).collect()),
            Scope::Tags { .. } => {
                let sql = concat!(
                    "SELECT DISTINCT host FROM host_tags WHERE tag IN ",
                    scope_tags!(),
                    " ORDER BY host LIMIT $1"
                );
                let values = scoped(vec![limit.encode()], scope);
                self.column(sql, values, "host").await
            }
            Scope::All => {
                let sql = "SELECT id FROM hosts WHERE deleted IS NULL ORDER BY id LIMIT $1";
                self.column(sql, vec![limit.encode()], "host").await
            }
        }
    }

    /// Whether somebody of a scope sees what belongs to a host.
    pub(super) async fn sees(&mut self, scope: &Scope, host: HostId) -> Result<bool, Error> {
        Ok(scope.is_all() || HostQueries::find(self, host).await?.is_some_and(|host| host.is_within(scope)))
    }
}
