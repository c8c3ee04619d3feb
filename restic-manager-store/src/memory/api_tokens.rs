use async_trait::async_trait;
use restic_manager_proto::{ApiTokenId, Timestamp, UserId};
use std::sync::Arc;

use super::tables::{Tables, page, remove, row};
use crate::{
    Error, ErrorKind, Page, PageRequest, TokenHash,
    api_tokens::{ApiToken, ApiTokenQueries, ApiTokens},
};

#[async_trait]
impl ApiTokenQueries for Tables {
    async fn find(&mut self, id: ApiTokenId) -> Result<Option<ApiToken>, Error> {
        Ok(self.api_tokens.get(&id).cloned())
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<ApiToken>, Error> {
        Ok(self.api_tokens.values().find(|one| one.token == *token).cloned())
    }

    async fn page(
        &mut self,
        user: Option<UserId>,
        request: PageRequest<ApiTokenId>,
    ) -> Result<Page<ApiToken, ApiTokenId>, Error> {
        let shown = |token: &&ApiToken| token.revoked.is_none() && user.is_none_or(|user| token.user == user);
        let newest = self.api_tokens.values().rev().filter(shown);
        Ok(page(newest, &request, |token, after| token.id < *after, |token| token.id))
    }

    async fn expiring(
        &mut self,
        after: Timestamp,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<ApiToken>, Error> {
        let ends =
            |token: &&ApiToken| token.revoked.is_none() && token.expires > after && token.expires <= by;
        let mut tokens: Vec<_> = self.api_tokens.values().filter(ends).cloned().collect();
        tokens.sort_by_key(|token| (token.expires, token.id));
        tokens.truncate(limit);
        Ok(tokens)
    }
}

#[async_trait]
impl ApiTokens for Tables {
    async fn add(&mut self, token: &ApiToken) -> Result<(), Error> {
        self.expect_user(token.user)?;
        if self.api_tokens.values().any(|other| other.id == token.id || other.token == token.token) {
            return Err(Error::new(ErrorKind::Taken, "API token"));
        }
        Arc::make_mut(&mut self.api_tokens).insert(token.id, token.clone());
        Ok(())
    }

    async fn touch(&mut self, id: ApiTokenId, now: Timestamp, address: Option<&str>) -> Result<(), Error> {
        let token = row(&mut self.api_tokens, &id, "API token")?;
        (token.last_used, token.last_address) = (Some(now), address.map(str::to_owned));
        Ok(())
    }

    async fn revoke(&mut self, id: ApiTokenId, now: Timestamp) -> Result<bool, Error> {
        let known = Arc::make_mut(&mut self.api_tokens).get_mut(&id);
        let Some(token) = known.filter(|token| token.revoked.is_none()) else { return Ok(false) };
        token.revoked = Some(now);
        Ok(true)
    }

    async fn revoke_all_of(&mut self, user: UserId, now: Timestamp) -> Result<u64, Error> {
        let tokens = Arc::make_mut(&mut self.api_tokens).values_mut();
        let mut revoked = 0;
        for token in tokens.filter(|token| token.user == user && token.revoked.is_none()) {
            token.revoked = Some(now);
            revoked += 1;
        }
        Ok(revoked)
    }

    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let is_over =
            |one: &&ApiToken| one.expires < before || one.revoked.is_some_and(|revoked| revoked < before);
        let doomed: Vec<_> = self.api_tokens.values().filter(is_over).take(limit).map(|one| one.id).collect();
        Ok(remove(&mut self.api_tokens, |one| doomed.contains(&one.id)))
    }
}
