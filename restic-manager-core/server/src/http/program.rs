//! From an API token to the program behind it.

use restic_manager_crypto::Token;
use restic_manager_store::{Audit, TokenHash, retry};

use super::identify::{TOUCH_INTERVAL, may_fail};
use crate::{
    call::{
        Caller, Means, Standing, User,
        caller::{Program, RequestFacts},
    },
    failure::Failure,
    parts::Parts,
};

/// Finds the program behind an API token, and who made it. A token that opens nothing is nobody.
pub(super) async fn identify_program(
    parts: &Parts,
    token: &Token,
    facts: &RequestFacts,
) -> Result<Caller, Failure> {
    let hash = TokenHash::new(*token.hash().as_bytes());
    let mut read = parts.store.read().await?;
    let known = read.api_tokens().with_token(&hash).await?;
    let Some(token) = known.filter(|token| token.is_good(facts.at)) else { return Ok(Caller::Anonymous) };
    let Some(maker) = read.users().find(token.user).await?.filter(|user| !user.disabled) else {
        return Ok(Caller::Anonymous);
    };
    let standing = Standing::of_program(parts, read.as_mut(), &maker, &token).await?;
    drop(read);
    if token.last_used.is_none_or(|used| facts.at.since(used) >= TOUCH_INTERVAL) {
        let address = facts.address.map(|address| address.to_string());
        let touched = retry(async || {
            let mut change = parts.begin().await?;
            change.api_tokens().touch(token.id, facts.at, address.as_deref()).await?;
            change.commit(Audit::Routine("an API token was used")).await
        });
        may_fail("note that an API token was used", touched.await)?;
    }
    let means = Means::Token(Program {
        id: token.id,
        name: token.name,
        dangerous: token.dangerous,
        expires: token.expires,
    });
    let granted = standing.role;
    Ok(Caller::User(Box::new(User { id: maker.id, name: maker.name, granted, standing, means })))
}
