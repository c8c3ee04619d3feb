use async_trait::async_trait;
use restic_manager_proto::{PasskeyId, Timestamp, UserId};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, PageRequest, TokenHash,
    factors::{FactorQueries, Factors, Passkey, Totp},
};

columns! {
    Totp of totp, "authenticator app", key "user_id" { user = user_id, secret, created, last_step, last_used }
}

columns! {
    Passkey of passkeys, "passkey" {
        id, user = user_id, name, credential, key = public_key, counter, created, last_used,
    }
}

#[async_trait]
impl<C: Connection> FactorQueries for Sql<C> {
    async fn has_second(&mut self, user: UserId) -> Result<bool, Error> {
        Ok(self.any("SELECT user_id FROM totp WHERE user_id = $1", values![user]).await?
            || self.any("SELECT id FROM passkeys WHERE user_id = $1 LIMIT 1", values![user]).await?)
    }

    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, Error> {
        self.row(select!(Totp: "WHERE user_id = $1"), values![user]).await
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";
        Ok(self.only(sql, values![user], "recovery code").await?.unwrap_or(0))
    }

    async fn passkeys(&mut self, user: UserId) -> Result<Vec<Passkey>, Error> {
        let sql = select!(Passkey: "WHERE user_id = $1 ORDER BY id LIMIT $2");
        self.rows(sql, values![user, PageRequest::<()>::LIMIT]).await
    }

    async fn passkey_of(&mut self, credential: &[u8]) -> Result<Option<Passkey>, Error> {
        let sql = select!(Passkey: "WHERE credential = $1");
        self.row(sql, values![credential.to_vec()]).await
    }
}

#[async_trait]
impl<C: Connection> Factors for Sql<C> {
    async fn set_totp(&mut self, totp: &Totp) -> Result<(), Error> {
        self.expect_user(totp.user).await?;
        self.upsert(totp).await
    }

    async fn remove_totp(&mut self, user: UserId) -> Result<bool, Error> {
        self.change("DELETE FROM totp WHERE user_id = $1", values![user]).await
    }

    async fn spend_totp(&mut self, user: UserId, step: u64, now: Timestamp) -> Result<bool, Error> {
        let sql = "UPDATE totp SET last_step = $2, last_used = $3 WHERE user_id = $1 AND last_step < $2";
        self.change(sql, values![user, step, now]).await
    }

    async fn replace_recovery_codes(&mut self, user: UserId, codes: &[TokenHash]) -> Result<(), Error> {
        self.expect_user(user).await?;
        self.execute("DELETE FROM recovery_codes WHERE user_id = $1", values![user]).await?;
        for code in codes {
            let sql = "INSERT INTO recovery_codes (user_id, code) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            self.execute(sql, values![user, code]).await?;
        }
        Ok(())
    }

    async fn spend_recovery_code(&mut self, user: UserId, code: &TokenHash) -> Result<bool, Error> {
        self.change("DELETE FROM recovery_codes WHERE user_id = $1 AND code = $2", values![user, code]).await
    }

    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<(), Error> {
        self.expect_user(passkey.user).await?;
        if self.insert(passkey).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "passkey")) }
    }

    async fn use_passkey(&mut self, id: PasskeyId, counter: u32, now: Timestamp) -> Result<bool, Error> {
        let sql = "UPDATE passkeys SET counter = $2, last_used = $3 \
                   WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))";
        self.change(sql, values![id, counter, now]).await
    }

    async fn remove_passkey(&mut self, user: UserId, id: PasskeyId) -> Result<bool, Error> {
        self.change("DELETE FROM passkeys WHERE id = $1 AND user_id = $2", values![id, user]).await
    }

    async fn clear(&mut self, user: UserId) -> Result<bool, Error> {
        let totp = self.remove_totp(user).await?;
        let codes = self.change("DELETE FROM recovery_codes WHERE user_id = $1", values![user]).await?;
        let passkeys = self.change("DELETE FROM passkeys WHERE user_id = $1", values![user]).await?;
        Ok(totp || codes || passkeys)
    }

    async fn spend_once(
        &mut self,
        what: &TokenHash,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.execute("DELETE FROM spent WHERE expires < $1", values![now]).await?;
        let sql = "INSERT INTO spent (what, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.change(sql, values![what, expires]).await
    }
}

impl<C: Connection> Sql<C> {
    pub(super) async fn expect_user(&mut self, user: UserId) -> Result<(), Error> {
        let known = self.any("SELECT id FROM users WHERE id = $1", values![user]).await?;
        if known { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "user")) }
    }
}
