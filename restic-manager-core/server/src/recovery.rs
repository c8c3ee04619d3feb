//! The way back in for somebody who is locked out: by whoever may run commands on the server's machine, and by nobody
//! else. There is no route to it.

use restic_manager_core::{clock::Clock, mint::Mint};
use restic_manager_crypto::{
    PasswordCost, PasswordError, Passwords, Random, SecretString, Token, TokenKind, WeakPassword,
    check_password,
};
use restic_manager_proto::{
    Scope, Timestamp,
    vocabulary::{Action, Role},
};
use restic_manager_store::{
    Audit, Error as StoreError, PageRequest, PasswordHash, Retryable, Store, TokenHash, Transaction,
    audit::{Actor, NewAuditEntry},
    retry,
    setup_links::SetupLink,
    users::User,
};
use std::sync::Arc;

use crate::{
    app::users::address,
    config::Config,
    entry::{SYSTEM, entry, subject},
};

/// What is to be restored.
#[derive(Clone, Debug)]
pub struct Reset {
    /// Whose access.
    pub name: String,
    /// How the person gets in.
    pub password: NewPassword,
    /// Allow sign-in again, if it is refused.
    pub enable: bool,
    /// Make the person an admin, and add it if it is unknown; only while no admin can sign in.
    pub make_admin: bool,
    /// Who runs the command, as the operating system says.
    pub operator: String,
}

/// How a person gets in after a reset.
#[derive(Clone, Debug)]
pub enum NewPassword {
    /// By a link that works once, and for an hour.
    Link,
    /// By this password.
    Given(SecretString),
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Whose access; the name as it is stored.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person was added.
    pub added: bool,
    /// The link and when it expires, where one was made.
    pub link: Option<(SecretString, Timestamp)>,
    /// How many sessions ended.
    pub sessions_ended: u64,
    /// How many API tokens were revoked.
    pub tokens_revoked: u64,
    /// Whether a second factor was removed.
    pub factors_removed: bool,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// There is nobody of this name.
    #[error("there is nobody named {name}; there are: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// Sign-in is refused to the person.
    #[error("sign-in is refused to {0}; give --enable to allow it again")]
    Disabled(String),
    /// An admin can sign in, who can do it on the pages.
    #[error(
        "there is an admin who can sign in ({0}): reset that one, or let that one do it on the page of the user"
    )]
    AdminThere(String),
    /// The first admin is made by the bootstrap token.
    #[error("there is no user yet; start the server and open /bootstrap with the token that it prints")]
    NotBootstrapped,
    /// The name cannot be.
    #[error("the name has to be {0}")]
    Name(&'static str),
    /// The password cannot be.
    #[error("the password is refused: {0}")]
    Weak(#[from] WeakPassword),
    /// The password could not be hashed.
    #[error("could not hash the password")]
    Password(#[from] PasswordError),
    /// The database.
    #[error("could not use the database")]
    Store(#[from] StoreError),
}

impl Retryable for RecoverError {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_contention())
    }
}

/// Restores access. A server that runs meanwhile needs no restart.
pub async fn recover(
    store: &dyn Store,
    config: &Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    reset: &Reset,
) -> Result<Recovered, RecoverError> {
    let passwords = Passwords::new(PasswordCost::default());
    let token = Token::mint(TokenKind::Setup, &*random);
    let password = match &reset.password {
        NewPassword::Given(password) => {
            check_password(password, &[&reset.name])?;
            passwords.hash(password, &random)?
        }
        // Until the link is followed the password is one that nobody knows.
        NewPassword::Link => passwords.hash(&SecretString::new(token.expose()), &random)?,
    };
    let now = clock.now();
    let recovery = Recovery {
        config,
        mint: Mint::new(clock, Arc::clone(&random)),
        reset,
        password: PasswordHash::new(password),
        token,
        now,
    };
    let recovered = retry(async || recovery.run(store).await).await?;
    tracing::warn!(
        user.name = recovered.name,
        user.role = %recovered.role,
        operator = reset.operator,
        "access was restored by a command on the server's machine"
    );
    Ok(recovered)
}

struct Recovery<'a> {
    config: &'a Config,
    mint: Mint,
    reset: &'a Reset,
    password: PasswordHash,
    token: Token,
    now: Timestamp,
}

impl Recovery<'_> {
    async fn run(&self, store: &dyn Store) -> Result<Recovered, RecoverError> {
        let mut change = store.begin().await?;
        if change.bootstrap().current().await?.is_none_or(|token| token.spent.is_none()) {
            return Err(RecoverError::NotBootstrapped);
        }
        if self.reset.make_admin {
            expect_no_admin(change.as_mut()).await?;
        }
        let (before, added) = self.person(change.as_mut()).await?;
        let user = self.change(change.as_mut(), &before).await?;
        let link = match self.reset.password {
            NewPassword::Given(_) => {
                change.users().set_password(user.id, &self.password, self.now).await?;
                change.setup_links().remove(user.id).await?;
                None
            }
            NewPassword::Link => Some(self.link(change.as_mut(), &user).await?),
        };
        let sessions_ended = change.sessions().end_all_of(user.id, None).await?;
        // Whoever took the account over may have made tokens and factors of their own.
        let tokens_revoked = change.api_tokens().revoke_all_of(user.id, self.now).await?;
        let factors_removed = change.factors().clear(user.id).await?;
        let (name, role) = (user.name.clone(), user.role);
        let recovered =
            Recovered { name, role, added, link, sessions_ended, tokens_revoked, factors_removed };
        change.commit(Audit::entry(self.entry(&before, &user, &recovered))).await?;
        Ok(recovered)
    }

    async fn person(&self, transaction: &mut dyn Transaction) -> Result<(User, bool), RecoverError> {
        if let Some(user) = transaction.users().named(&self.reset.name).await? {
            return Ok((user, false));
        }
        if !self.reset.make_admin {
            let known = names(transaction, |_| true).await?;
            return Err(RecoverError::Unknown { name: self.reset.name.clone(), known });
        }
        let name = self.reset.name.trim().to_owned();
        restic_manager_proto::rules::user_name(&name)
            .map_err(|refusal| RecoverError::Name(refusal.as_str()))?;
        let user = User {
            id: self.mint.user(),
            name,
            role: Role::Admin,
            scope: Scope::All,
            password: self.password.clone(),
            password_set: None,
            disabled: false,
            created: self.now,
            last_login: None,
            version: 1,
        };
        transaction.users().add(&user).await?;
        Ok((user, true))
    }

    async fn change(&self, transaction: &mut dyn Transaction, before: &User) -> Result<User, RecoverError> {
        if before.disabled && !self.reset.enable {
            return Err(RecoverError::Disabled(before.name.clone()));
        }
        let role = if self.reset.make_admin { Role::Admin } else { before.role };
        // An admin of a part of the fleet could not help the others.
        let scope = if self.reset.make_admin { Scope::All } else { before.scope.clone() };
        let user = User { role, scope, disabled: false, ..before.clone() };
        if user != *before {
            transaction.users().update(&user, before.version).await?;
        }
        Ok(user)
    }

    async fn link(
        &self,
        transaction: &mut dyn Transaction,
        user: &User,
    ) -> Result<(SecretString, Timestamp), RecoverError> {
        let expires = self.now.after(self.config.setup_lifetime);
        let token = TokenHash::new(*self.token.hash().as_bytes());
        let link = SetupLink { user: user.id, token, created: self.now, created_by: None, expires };
        transaction.setup_links().issue(&link).await?;
        Ok((SecretString::new(address(&self.config.base_url, &self.token)), expires))
    }

    fn entry(&self, before: &User, user: &User, done: &Recovered) -> NewAuditEntry {
        let operator = Actor { name: Some(self.reset.operator.clone()), ..SYSTEM };
        NewAuditEntry {
            subject: subject("user", user.id, &user.name),
            detail: serde_json::json!({
                "by": if done.link.is_some() { "setup link" } else { "new password" },
                "added": done.added,
                "enabled": before.disabled,
                "role": user.role,
                "sessions_ended": done.sessions_ended,
                "tokens_revoked": done.tokens_revoked,
                "factors_removed": done.factors_removed,
            }),
            ..entry(self.mint.audit(), self.now, operator, Action::LocalRecovery)
        }
    }
}

async fn expect_no_admin(transaction: &mut dyn Transaction) -> Result<(), RecoverError> {
    if transaction.users().enabled_admins().await? == 0 {
        return Ok(());
    }
    let can_sign_in = |user: &User| {
        user.role == Role::Admin && user.scope.is_all() && !user.disabled && user.password_set.is_some()
    };
    Err(RecoverError::AdminThere(names(transaction, can_sign_in).await?))
}

/// The names of some people, as many as fit a message.
async fn names(
    transaction: &mut dyn Transaction,
    which: impl Fn(&User) -> bool,
) -> Result<String, StoreError> {
    let page = transaction.users().page(PageRequest::first(100)).await?;
    let names: Vec<String> = page.items.into_iter().filter(which).map(|user| user.name).collect();
    Ok(names.join(", "))
}
