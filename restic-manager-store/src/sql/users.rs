use async_trait::async_trait;
use restic_manager_proto::{Scope, Timestamp, UserId, vocabulary::Role};

use super::{
    Connection, Sql,
    record::{columns, select},
    transaction::lost,
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest, PasswordHash, fold,
    users::{User, UserQueries, Users},
};

columns! {
    User of users, "user" {
        id, name, role, scope, password, password_set, disabled, created, last_login, version,
    }
    and |row| { name_key: fold(&row.name) }
}

#[async_trait]
impl<C: Connection> UserQueries for Sql<C> {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, Error> {
        self.row(select!(User: "WHERE id = $1"), values![id]).await
    }

    async fn named(&mut self, name: &str) -> Result<Option<User>, Error> {
        self.row(select!(User: "WHERE name_key = $1"), values![fold(name)]).await
    }

    async fn page(&mut self, request: PageRequest<UserId>) -> Result<Page<User, UserId>, Error> {
        let after = request.after.unwrap_or(UserId::from_bytes([0; 16]));
        let sql = select!(User: "WHERE id > $1 ORDER BY id LIMIT $2");
        let users = self.rows(sql, values![after, request.limit + 1]).await?;
        Ok(Page::from_overfull(users, request.limit, |user| user.id))
    }

    async fn enabled_admins(&mut self) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM users \
                   WHERE role = $1 AND scope = $2 AND NOT disabled AND password_set IS NOT NULL";
        let admins = self.only(sql, values![Role::Admin, Scope::All], "user").await?;
        Ok(admins.unwrap_or(0))
    }
}

#[async_trait]
impl<C: Connection> Users for Sql<C> {
    async fn add(&mut self, user: &User) -> Result<(), Error> {
        let new = User { version: 1, ..user.clone() };
        if self.insert(&new).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "user name")) }
    }

    async fn update(&mut self, user: &User, expected: i64) -> Result<i64, Error> {
        let stored = self.version("SELECT version FROM users WHERE id = $1", values![user.id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "user"));
        }
        let key = fold(&user.name);
        if self.any("SELECT id FROM users WHERE name_key = $1 AND id <> $2", values![key, user.id]).await? {
            return Err(Error::new(ErrorKind::Taken, "user name"));
        }
        let sql = "UPDATE users SET name = $2, name_key = $3, role = $4, scope = $5, disabled = $6, \
                   version = version + 1 WHERE id = $1";
        self.execute(sql, values![user.id, user.name, key, user.role, user.scope, user.disabled]).await?;
        Ok(expected + 1)
    }

    async fn set_password(
        &mut self,
        id: UserId,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "UPDATE users SET password = $2, password_set = $3, version = version + 1 WHERE id = $1";
        self.expect((sql, values![id, password, now]), Error::new(ErrorKind::NotFound, "user")).await
    }

    async fn note_login(&mut self, id: UserId, now: Timestamp) -> Result<(), Error> {
        self.expect(
            ("UPDATE users SET last_login = $2 WHERE id = $1", values![id, now]),
            Error::new(ErrorKind::NotFound, "user"),
        )
        .await
    }

    async fn strengthen_password(
        &mut self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Error> {
        let sql = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2";
        self.change(sql, values![id, old, new]).await
    }
}
