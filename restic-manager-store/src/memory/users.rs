use async_trait::async_trait;
use restic_manager_proto::{Timestamp, UserId, vocabulary::Role};
use std::sync::Arc;

use super::tables::{Tables, expect_version, page, row};
use crate::{
    Error, ErrorKind, Page, PageRequest, PasswordHash, fold,
    users::{User, UserQueries, Users},
};

#[async_trait]
impl UserQueries for Tables {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, Error> {
        Ok(self.users.get(&id).cloned())
    }

    async fn named(&mut self, name: &str) -> Result<Option<User>, Error> {
        let key = fold(name);
        Ok(self.users.values().find(|user| fold(&user.name) == key).cloned())
    }

    async fn page(&mut self, request: PageRequest<UserId>) -> Result<Page<User, UserId>, Error> {
        Ok(page(self.users.values(), &request, |user, after| user.id > *after, |user| user.id))
    }

    async fn enabled_admins(&mut self) -> Result<u64, Error> {
        let can_sign_in = |user: &&User| {
            user.role == Role::Admin && user.scope.is_all() && !user.disabled && user.password_set.is_some()
        };
        Ok(self.users.values().filter(can_sign_in).count() as u64)
    }
}

#[async_trait]
impl Users for Tables {
    async fn add(&mut self, user: &User) -> Result<(), Error> {
        self.expect_free_user_name(user)?;
        if self.users.contains_key(&user.id) {
            return Err(Error::new(ErrorKind::Taken, "user"));
        }
        Arc::make_mut(&mut self.users).insert(user.id, User { version: 1, ..user.clone() });
        Ok(())
    }

    async fn update(&mut self, user: &User, expected: i64) -> Result<i64, Error> {
        let stored = row(&mut self.users, &user.id, "user")?.version;
        expect_version(stored, expected, "user")?;
        self.expect_free_user_name(user)?;
        let stored = row(&mut self.users, &user.id, "user")?;
        stored.name.clone_from(&user.name);
        stored.role = user.role;
        stored.scope.clone_from(&user.scope);
        stored.disabled = user.disabled;
        stored.version += 1;
        Ok(stored.version)
    }

    async fn set_password(
        &mut self,
        id: UserId,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), Error> {
        let stored = row(&mut self.users, &id, "user")?;
        stored.password = password.clone();
        stored.password_set = Some(now);
        stored.version += 1;
        Ok(())
    }

    async fn note_login(&mut self, id: UserId, now: Timestamp) -> Result<(), Error> {
        row(&mut self.users, &id, "user")?.last_login = Some(now);
        Ok(())
    }

    async fn strengthen_password(
        &mut self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Error> {
        match Arc::make_mut(&mut self.users).get_mut(&id) {
            Some(user) if user.password == *old => {
                user.password = new.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

impl Tables {
    fn expect_free_user_name(&self, user: &User) -> Result<(), Error> {
        let key = fold(&user.name);
        if self.users.values().any(|other| other.id != user.id && fold(&other.name) == key) {
            return Err(Error::new(ErrorKind::Taken, "user name"));
        }
        Ok(())
    }
}
