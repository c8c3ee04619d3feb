use async_trait::async_trait;
use restic_manager_proto::{Scope, Timestamp, UserId, vocabulary::Role};

use super::{
    Connection, Sql,
    transaction::lost,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind, Page, PageRequest, PasswordHash, fold,
    users::{User, UserQueries, Users},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, scope, password, password_set, disabled, created, last_login, version \
             FROM users ",
            $rest
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<User, Error> {
    Ok(User {
        id: columns.next()?,
        name: columns.next()?,
        role: columns.next()?,
        scope: columns.next()?,
        password: columns.next()?,
        password_set: columns.next()?,
        disabled: columns.next()?,
        created: columns.next()?,
        last_login: columns.next()?,
        version: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> UserQueries for Sql<C> {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, Error> {
        self.row(select!("WHERE id = $1"), values![id], "user", read).await
    }

    async fn named(&mut self, name: &str) -> Result<Option<User>, Error> {
        self.row(select!("WHERE name_key = $1"), values![fold(name)], "user", read).await
    }

    async fn page(&mut self, request: PageRequest<UserId>) -> Result<Page<User, UserId>, Error> {
        let after = request.after.unwrap_or(UserId::from_bytes([0; 16]));
        let sql = select!("WHERE id > $1 ORDER BY id LIMIT $2");
        let users = self.rows(sql, values![after, request.limit + 1], "user", read).await?;
        Ok(Page::from_overfull(users, request.limit, |user| user.id))
    }

    async fn enabled_admins(&mut self) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM users \
                   WHERE role = $1 AND scope = $2 AND NOT disabled AND password_set IS NOT NULL";
        let admins =
            self.row(sql, values![Role::Admin, Scope::All], "user", |columns| columns.next()).await?;
        Ok(admins.unwrap_or(0))
    }
}

#[async_trait]
impl<C: Connection> Users for Sql<C> {
    async fn add(&mut self, user: &User) -> Result<(), Error> {
        let sql = "INSERT INTO users (id, name, name_key, role, scope, password, password_set, disabled, created, \
                   last_login, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) ON CONFLICT DO NOTHING";
        let values = values![
            user.id,
            user.name,
            fold(&user.name),
            user.role,
            user.scope,
            user.password,
            user.password_set,
            user.disabled,
            user.created,
            user.last_login
        ];
        if self.change(sql, values).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "user name")) }
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
        if self.change(sql, values![id, password, now]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "user"))
        }
    }

    async fn note_login(&mut self, id: UserId, now: Timestamp) -> Result<(), Error> {
        if self.change("UPDATE users SET last_login = $2 WHERE id = $1", values![id, now]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "user"))
        }
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
