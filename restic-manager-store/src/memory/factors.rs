use async_trait::async_trait;
use restic_manager_proto::{PasskeyId, Timestamp, UserId};
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error, ErrorKind, PageRequest, TokenHash,
    factors::{FactorQueries, Factors, Passkey, Totp},
};

#[async_trait]
impl FactorQueries for Tables {
    async fn has_second(&mut self, user: UserId) -> Result<bool, Error> {
        Ok(self.totps.contains_key(&user) || self.passkeys.values().any(|passkey| passkey.user == user))
    }

    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, Error> {
        Ok(self.totps.get(&user).cloned())
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u64, Error> {
        Ok(self.recovery_codes.keys().filter(|(owner, _)| *owner == user).count() as u64)
    }

    async fn passkeys(&mut self, user: UserId) -> Result<Vec<Passkey>, Error> {
        let own = self.passkeys.values().filter(|passkey| passkey.user == user);
        Ok(own.take(PageRequest::<()>::LIMIT).cloned().collect())
    }

    async fn passkey_of(&mut self, credential: &[u8]) -> Result<Option<Passkey>, Error> {
        Ok(self.passkeys.values().find(|passkey| passkey.credential == credential).cloned())
    }
}

#[async_trait]
impl Factors for Tables {
    async fn set_totp(&mut self, totp: &Totp) -> Result<(), Error> {
        self.expect_user(totp.user)?;
        Arc::make_mut(&mut self.totps).insert(totp.user, totp.clone());
        Ok(())
    }

    async fn remove_totp(&mut self, user: UserId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.totps).remove(&user).is_some())
    }

    async fn spend_totp(&mut self, user: UserId, step: u64, now: Timestamp) -> Result<bool, Error> {
        let Some(totp) = Arc::make_mut(&mut self.totps).get_mut(&user).filter(|totp| totp.last_step < step)
        else {
            return Ok(false);
        };
        (totp.last_step, totp.last_used) = (step, Some(now));
        Ok(true)
    }

    async fn replace_recovery_codes(&mut self, user: UserId, codes: &[TokenHash]) -> Result<(), Error> {
        self.expect_user(user)?;
        self.remove_codes(user);
        Arc::make_mut(&mut self.recovery_codes).extend(codes.iter().map(|code| ((user, *code), ())));
        Ok(())
    }

    async fn spend_recovery_code(&mut self, user: UserId, code: &TokenHash) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.recovery_codes).remove(&(user, *code)).is_some())
    }

    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<(), Error> {
        self.expect_user(passkey.user)?;
        let same = |other: &Passkey| other.id == passkey.id || other.credential == passkey.credential;
        if self.passkeys.values().any(same) {
            return Err(Error::new(ErrorKind::Taken, "passkey"));
        }
        Arc::make_mut(&mut self.passkeys).insert(passkey.id, passkey.clone());
        Ok(())
    }

    async fn use_passkey(&mut self, id: PasskeyId, counter: u32, now: Timestamp) -> Result<bool, Error> {
        let known = Arc::make_mut(&mut self.passkeys).get_mut(&id);
        let forward =
            known.filter(|passkey| passkey.counter < counter || (passkey.counter, counter) == (0, 0));
        let Some(passkey) = forward else { return Ok(false) };
        (passkey.counter, passkey.last_used) = (counter, Some(now));
        Ok(true)
    }

    async fn remove_passkey(&mut self, user: UserId, id: PasskeyId) -> Result<bool, Error> {
        Ok(remove(&mut self.passkeys, |passkey| passkey.id == id && passkey.user == user) > 0)
    }

    async fn clear(&mut self, user: UserId) -> Result<bool, Error> {
        let totp = Arc::make_mut(&mut self.totps).remove(&user).is_some();
        let codes = self.remove_codes(user);
        let passkeys = remove(&mut self.passkeys, |passkey| passkey.user == user) > 0;
        Ok(totp || codes || passkeys)
    }

    async fn spend_once(
        &mut self,
        what: &TokenHash,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        remove(&mut self.spent, |expires| *expires < now);
        if self.spent.contains_key(what) {
            return Ok(false);
        }
        Arc::make_mut(&mut self.spent).insert(*what, expires);
        Ok(true)
    }
}

impl Tables {
    pub(super) fn expect_user(&self, user: UserId) -> Result<(), Error> {
        if self.users.contains_key(&user) { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "user")) }
    }

    fn remove_codes(&mut self, user: UserId) -> bool {
        let before = self.recovery_codes.len();
        Arc::make_mut(&mut self.recovery_codes).retain(|(owner, _), ()| *owner != user);
        self.recovery_codes.len() < before
    }
}
