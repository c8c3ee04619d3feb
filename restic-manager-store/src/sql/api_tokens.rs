use async_trait::async_trait;
use restic_manager_proto::{ApiTokenId, Timestamp, UserId};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest, TokenHash,
    api_tokens::{ApiToken, ApiTokenQueries, ApiTokens},
};

columns! {
    ApiToken of api_tokens, "API token" {
        id, user = user_id, name, token, role, scope, dangerous, created, expires, last_used, last_address,
        revoked,
    }
}

#[async_trait]
impl<C: Connection> ApiTokenQueries for Sql<C> {
    async fn find(&mut self, id: ApiTokenId) -> Result<Option<ApiToken>, Error> {
        self.row(select!(ApiToken: "WHERE id = $1"), values![id]).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<ApiToken>, Error> {
        self.row(select!(ApiToken: "WHERE token = $1"), values![token]).await
    }

    async fn page(
        &mut self,
        user: Option<UserId>,
        request: PageRequest<ApiTokenId>,
    ) -> Result<Page<ApiToken, ApiTokenId>, Error> {
        let after = request.after.unwrap_or(ApiTokenId::from_bytes([0xff; 16]));
        let limit = request.limit + 1;
        let (sql, values) = match user {
            Some(user) => (
                select!(ApiToken: "WHERE user_id = $1 AND revoked IS NULL AND id < $2 ORDER BY id DESC LIMIT $3"),
                values![user, after, limit],
            ),
            None => (
                select!(ApiToken: "WHERE revoked IS NULL AND id < $1 ORDER BY id DESC LIMIT $2"),
                values![after, limit],
            ),
        };
        let tokens = self.rows(sql, values).await?;
        Ok(Page::from_overfull(tokens, request.limit, |token| token.id))
    }

    async fn expiring(
        &mut self,
        after: Timestamp,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<ApiToken>, Error> {
        let sql = select!(ApiToken: "WHERE revoked IS NULL AND expires > $1 AND expires <= $2 ORDER BY expires, id LIMIT $3");
        self.rows(sql, values![after, by, limit]).await
    }
}

#[async_trait]
impl<C: Connection> ApiTokens for Sql<C> {
    async fn add(&mut self, token: &ApiToken) -> Result<(), Error> {
        self.expect_user(token.user).await?;
        if self.insert(token).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "API token")) }
    }

    async fn touch(&mut self, id: ApiTokenId, now: Timestamp, address: Option<&str>) -> Result<(), Error> {
        let sql = "UPDATE api_tokens SET last_used = $2, last_address = $3 WHERE id = $1";
        self.expect((sql, values![id, now, address]), Error::new(ErrorKind::NotFound, "API token")).await
    }

    async fn revoke(&mut self, id: ApiTokenId, now: Timestamp) -> Result<bool, Error> {
        let sql = "UPDATE api_tokens SET revoked = $2 WHERE id = $1 AND revoked IS NULL";
        self.change(sql, values![id, now]).await
    }

    async fn revoke_all_of(&mut self, user: UserId, now: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE api_tokens SET revoked = $2 WHERE user_id = $1 AND revoked IS NULL";
        self.execute(sql, values![user, now]).await
    }

    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM api_tokens WHERE id IN \
                   (SELECT id FROM api_tokens WHERE revoked < $1 OR expires < $1 ORDER BY id LIMIT $2)";
        self.execute(sql, values![before, limit]).await
    }
}
