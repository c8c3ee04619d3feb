//! Matchers of routes and silences, held to their rules.

use restic_manager_proto::{Matcher, Scope};
use restic_manager_store::Transaction;

use super::{
    check::{self, Fields},
    users::known_hosts,
};
use crate::failure::Failure;

pub(super) fn check(fields: &mut Fields, matcher: &Matcher) {
    check::scope(fields, &matcher.scope);
    if matcher.repositories.len() > Matcher::MOST_REPOSITORIES {
        fields.check::<(), _>("repositories", Err(format!("at most {}", Matcher::MOST_REPOSITORIES)));
    }
}

/// What a matcher names is there.
pub(super) async fn expect_known(
    transaction: &mut dyn Transaction,
    matcher: &Matcher,
    sight: &Scope,
) -> Result<(), Failure> {
    known_hosts(transaction, &matcher.scope, sight).await?;
    for id in &matcher.repositories {
        let known = transaction.repositories().find(*id).await?;
        if known.is_none_or(|repository| repository.deleted.is_some()) {
            return Err(Failure::field("repositories", format!("there is no repository {id}")));
        }
    }
    Ok(())
}
