//! The first admin.

use restic_manager_crypto::{Token, TokenKind, check_password};
use restic_manager_proto::{
    Scope,
    api::{
        Code, Nothing,
        server::{Bootstrap, BootstrapState, CreateFirstAdmin},
    },
    vocabulary::{Action, Role},
};
use restic_manager_store::{ErrorKind, PasswordHash, users::User};

use super::{
    check::{self, Fields},
    value::{secret, stored_hash},
};
use crate::{
    call::{Cx, Request},
    entry::subject,
    failure::Failure,
    parts::{
        Change,
        throttle::{self, Door},
    },
};

pub(crate) async fn state(cx: Cx, _: Request<BootstrapState>) -> Result<Bootstrap, Failure> {
    let current = cx.read().await?.bootstrap().current().await?;
    Ok(Bootstrap { needed: current.is_none_or(|token| token.spent.is_none()) })
}

pub(crate) async fn create(cx: Cx, request: Request<CreateFirstAdmin>) -> Result<Nothing, Failure> {
    let parts = cx.parts();
    let body = request.body;
    let Ok(token) = Token::parse(TokenKind::Bootstrap, body.token.expose().trim()) else {
        return Err(refused(&cx).await?);
    };
    let name = body.name.trim().to_owned();
    let password = secret(body.password);
    let mut fields = Fields::default();
    fields.check("name", check::user_name(&name));
    fields.check("password", check_password(&password, &[&name]).map_err(|weak| weak.to_string()));
    fields.finish()?;

    if spend(&cx, &token).await?.is_none() {
        return Err(refused(&cx).await?);
    }

    // Hashing takes long: no transaction is open meanwhile, and the token is spent with the user's row.
    let password = PasswordHash::new(parts.passwords.hash(password).await?);
    let id = parts.mint.user();
    let user = User {
        id,
        name: name.clone(),
        role: Role::Admin,
        scope: Scope::All,
        password,
        password_set: Some(cx.now()),
        disabled: false,
        created: cx.now(),
        last_login: None,
        version: 1,
    };
    let Some(mut transaction) = spend(&cx, &token).await? else { return Err(refused(&cx).await?) };
    transaction.users().add(&user).await?;
    transaction.commit(cx.audit(Action::Bootstrap, subject("user", id, name))).await?;
    Ok(Nothing {})
}

/// A change that spends the token; none when it is not the one. Dropped, the token is as it was.
async fn spend<'c>(cx: &'c Cx, token: &Token) -> Result<Option<Change<'c>>, Failure> {
    let mut change = cx.begin().await?;
    match change.bootstrap().spend(&stored_hash(&token.hash()), cx.now()).await {
        Ok(()) => Ok(Some(change)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Spent, unknown and misspelt tokens get the same answer.
async fn refused(cx: &Cx) -> Result<Failure, Failure> {
    throttle::take(cx.parts(), Door::Token("bootstrap"), cx.facts().address, cx.now()).await?;
    Ok(Failure::new(
        Code::BadCredentials,
        "this is not the token, or the first admin was made already",
        "copy the token that the server printed when it last started, or sign in",
    ))
}
