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
    value::{secret, stored_hash, subject},
};
use crate::{
    failure::Failure,
    http::{Cx, Request},
};

/// Guesses at the bootstrap token are counted as guesses at an account of this name, which nobody can have.
const BRAKE_ACCOUNT: &str = "the bootstrap token";

pub(crate) async fn state(cx: Cx, _: Request<BootstrapState>) -> Result<Bootstrap, Failure> {
    let current = cx.read().await?.bootstrap().current().await?;
    Ok(Bootstrap { needed: current.is_none_or(|token| token.spent.is_none()) })
}

pub(crate) async fn create(cx: Cx, request: Request<CreateFirstAdmin>) -> Result<Nothing, Failure> {
    let shared = cx.shared();
    shared.brake.check(cx.facts().address, BRAKE_ACCOUNT, cx.now())?;
    let body = request.body;
    let Ok(token) = Token::parse(TokenKind::Bootstrap, body.token.expose().trim()) else {
        return Err(refused(&cx));
    };
    let name = body.name.trim().to_owned();
    let password = secret(body.password);
    let mut fields = Fields::default();
    fields.check("name", check::user_name(&name));
    fields.check("password", check_password(&password, &[&name]).map_err(|weak| weak.to_string()));
    fields.finish()?;

    let mut transaction = cx.begin().await?;
    match transaction.bootstrap().spend(&stored_hash(&token.hash()), cx.now()).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            return Err(refused(&cx));
        }
        Err(error) => return Err(error.into()),
    }
    drop(transaction);

    // Hashing takes long: no transaction is open meanwhile, and the token is spent with the user's row.
    let password = PasswordHash::new(shared.passwords.hash(password).await?);
    let id = shared.mint.user();
    let user = User {
        id,
        name: name.clone(),
        role: Role::Admin,
        scope: Scope::All,
        password,
        disabled: false,
        created: cx.now(),
        version: 1,
    };
    let mut transaction = cx.begin().await?;
    match transaction.bootstrap().spend(&stored_hash(&token.hash()), cx.now()).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            return Err(refused(&cx));
        }
        Err(error) => return Err(error.into()),
    }
    transaction.users().add(&user).await?;
    transaction.commit(cx.audit(Action::Bootstrap, subject("user", id, name))).await?;
    Ok(Nothing {})
}

/// Spent, unknown and misspelt tokens get the same answer.
fn refused(cx: &Cx) -> Failure {
    cx.shared().brake.fail(cx.facts().address, BRAKE_ACCOUNT, cx.now());
    Failure::new(
        Code::BadCredentials,
        "this is not the token, or the first admin was made already",
        "copy the token that the server printed when it last started, or sign in",
    )
}
