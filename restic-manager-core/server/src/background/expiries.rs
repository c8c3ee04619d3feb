//! API tokens whose end is near, told while a program still uses them.

use core::time::Duration;
use restic_manager_core::alert::{API_TOKEN_NOTICE, API_TOKEN_USED};
use restic_manager_proto::{ApiTokenId, Timestamp, vocabulary::AlertKind};
use restic_manager_store::{
    Audit, Error, PageRequest,
    alerts::{Alert, AlertFilter, AlertSubject},
    api_tokens::ApiToken,
    retry,
};
use std::sync::Arc;

use super::rounds;
use crate::{domain::alerts, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Tokens, and alerts about some, that are looked at in one round.
const ROUND: usize = 200;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "look for tokens that end", || round(&parts)).await;
}

/// Raises what ends soon, and resolves what does so no more.
async fn round(parts: &Parts) -> Result<(), Error> {
    let now = parts.now();
    let mut read = parts.store.read().await?;
    let ending = read.api_tokens().expiring(now, now.after(API_TOKEN_NOTICE), ROUND).await?;
    let filter = AlertFilter { kind: Some(AlertKind::ApiTokenEnding), ..AlertFilter::default() };
    let told = read.alerts().page(filter, PageRequest::first(ROUND)).await?.items;
    drop(read);
    for token in ending.iter().filter(|token| is_used(token, now)) {
        retry(|| raise(parts, token)).await?;
    }
    for alert in told.iter().filter(|alert| alert.resolved.is_none()) {
        retry(|| look_again(parts, alert)).await?;
    }
    Ok(())
}

fn is_used(token: &ApiToken, now: Timestamp) -> bool {
    token.last_used.is_some_and(|used| used.after(API_TOKEN_USED) > now)
}

async fn raise(parts: &Parts, token: &ApiToken) -> Result<(), Error> {
    let (kind, about) = (AlertKind::ApiTokenEnding, AlertSubject::new("api-token", token.id));
    let mut change = parts.begin().await?;
    if change.alerts().unresolved(kind, &about).await?.is_some_and(|lasts| lasts.settles.is_none()) {
        return Ok(());
    }
    let maker = change.users().find(token.user).await?.map(|maker| maker.name).unwrap_or_default();
    let summary = format!("The API token {} of {maker} ends at {}.", token.name, token.expires);
    let finding = alerts::found(parts, kind, about, &token.name, summary, serde_json::Value::Null);
    alerts::raise(&mut change, &finding).await?;
    change.commit(Audit::Routine("tokens that end soon were looked for")).await
}

async fn look_again(parts: &Parts, alert: &Alert) -> Result<(), Error> {
    let mut change = parts.begin().await?;
    let token = match alert.subject.id.parse::<ApiTokenId>() {
        Ok(id) => change.api_tokens().find(id).await?,
        Err(_) => None,
    };
    if token.is_some_and(|token| token.is_good(parts.now())) {
        return Ok(());
    }
    if alerts::resolve(&mut change, alert.kind, &alert.subject).await? {
        change.commit(Audit::Routine("a token has ended")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};
    use fixture::ROUTINE;
    use restic_manager_proto::{Scope, UserId, vocabulary::Role};
    use restic_manager_store::{PasswordHash, TokenHash, users::User};

    const DAY: Duration = Duration::from_secs(86_400);

    fn token(number: u8, expires: Timestamp, last_used: Option<Timestamp>) -> ApiToken {
        ApiToken {
            id: ApiTokenId::from_bytes([number; 16]),
            user: UserId::from_bytes([1; 16]),
            name: format!("nightly-{number}"),
            token: TokenHash::new([number; 32]),
            role: Role::Viewer,
            scope: Scope::All,
            dangerous: false,
            created: Timestamp::from_milliseconds(1),
            expires,
            last_used,
            last_address: None,
            revoked: None,
        }
    }

    fn alice(created: Timestamp) -> User {
        User {
            id: UserId::from_bytes([1; 16]),
            name: "alice".to_owned(),
            role: Role::Admin,
            scope: Scope::All,
            password: PasswordHash::new("$argon2id$nobody"),
            password_set: None,
            disabled: false,
            created,
            last_login: None,
            version: 1,
        }
    }

    async fn told(parts: &Parts) -> Vec<String> {
        round(parts).await.unwrap();
        let mut read = parts.store.read().await.unwrap();
        let filter = AlertFilter { kind: Some(AlertKind::ApiTokenEnding), ..AlertFilter::default() };
        let page = read.alerts().page(filter, PageRequest::first(9)).await.unwrap();
        let lasting = page.items.into_iter().filter(|alert| alert.resolved.is_none());
        let mut told: Vec<_> =
            lasting.map(|alert| format!("{} {}", alert.subject_name, alert.count)).collect();
        told.sort_unstable();
        told
    }

    #[tokio::test]
    async fn a_token_that_is_used_and_ends_soon_is_told_once_until_it_has_ended() {
        let (server, clock) = fixture::server().await;
        let parts = server.parts();
        let now = parts.now();
        let mut tx = parts.store.begin().await.unwrap();
        tx.users().add(&alice(now)).await.unwrap();
        for (number, days, used) in
            [(1, 20, Some(now)), (2, 20, Some(now)), (3, 20, None), (4, 20, Some(now.before(25 * DAY)))]
        {
            tx.api_tokens().add(&token(number, now.after(days * DAY), used)).await.unwrap();
        }
        tx.commit(ROUTINE).await.unwrap();
        assert!(told(parts).await.is_empty(), "there is time");
        clock.advance(6 * DAY);
        for _ in 0..2 {
            assert_eq!(told(parts).await, ["nightly-1 1", "nightly-2 1"]);
        }
        let mut tx = parts.store.begin().await.unwrap();
        tx.api_tokens().revoke(ApiTokenId::from_bytes([1; 16]), parts.now()).await.unwrap();
        tx.commit(ROUTINE).await.unwrap();
        assert_eq!(told(parts).await, ["nightly-2 1"]);
        clock.advance(14 * DAY);
        assert!(told(parts).await.is_empty());
    }
}
