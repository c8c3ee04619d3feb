//! Setting a password by the link that an admin gave.

use restic_manager_crypto::{Token, TokenKind, check_password};
use restic_manager_proto::{
    SecretText,
    api::{
        Code,
        setup::{Check, Finish, Invited},
    },
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_store::{
    Audit, PasswordHash, Read, TokenHash, audit::Actor, setup_links::SetupLink, users::User,
};

use super::{
    check::Fields,
    value::{secret, stored_hash},
};
use crate::{
    call::{Cx, Request},
    entry::subject,
    failure::Failure,
    parts::{
        Follow,
        throttle::{self, Door},
    },
};

pub(crate) async fn check(cx: Cx, request: Request<Check>) -> Result<Invited, Failure> {
    let (_, link, user) = open(&cx, &request.body.token).await?;
    Ok(Invited { name: user.name, role: user.role, expires_at: link.expires })
}

pub(crate) async fn finish(cx: Cx, request: Request<Finish>) -> Result<Invited, Failure> {
    let (hash, link, user) = open(&cx, &request.body.token).await?;
    let password = secret(request.body.password);
    let mut fields = Fields::default();
    fields.check("password", check_password(&password, &[&user.name]).map_err(|weak| weak.to_string()));
    fields.finish()?;
    // Hashing takes long: no transaction is open meanwhile, and whether the link is still good is looked at again.
    let password = PasswordHash::new(cx.parts().passwords.hash(password).await?);

    let mut change = cx.begin().await?;
    let again = change.setup_links().with_token(&hash).await?;
    let still = change.users().find(user.id).await?.is_some_and(|user| !user.disabled);
    if again.as_ref() != Some(&link) || !still {
        drop(change);
        return Err(refused(&cx).await?);
    }
    change.setup_links().remove(user.id).await?;
    change.users().set_password(user.id, &password, cx.now()).await?;
    change.sessions().end_all_of(user.id, None).await?;
    let tokens_revoked = change.api_tokens().revoke_all_of(user.id, cx.now()).await?;
    let subject = subject("user", user.id, user.name.clone());
    let detail = serde_json::json!({ "tokens_revoked": tokens_revoked });
    let mut entry = cx.entry(Action::UserSetup, subject, Outcome::Done, detail);
    entry.actor =
        Actor { kind: ActorKind::User, id: Some(user.id.to_string()), name: Some(user.name.clone()) };
    change.then(Follow::SessionsEnded);
    change.commit(Audit::entry(entry)).await?;
    Ok(Invited { name: user.name, role: user.role, expires_at: link.expires })
}

/// The link of a token that can be followed now, and its person.
async fn open(cx: &Cx, token: &SecretText) -> Result<(TokenHash, SetupLink, User), Failure> {
    if let Ok(token) = Token::parse(TokenKind::Setup, token.expose().trim()) {
        let hash = stored_hash(&token.hash());
        let mut read = cx.read().await?;
        if let Some((link, user)) = find(cx, read.as_mut(), &hash).await? {
            return Ok((hash, link, user));
        }
    }
    Err(refused(cx).await?)
}

async fn find(cx: &Cx, read: &mut dyn Read, hash: &TokenHash) -> Result<Option<(SetupLink, User)>, Failure> {
    let link = read.setup_links().with_token(hash).await?.filter(|link| cx.now() < link.expires);
    let Some(link) = link else { return Ok(None) };
    let user = read.users().find(link.user).await?.filter(|user| !user.disabled);
    Ok(user.map(|user| (link, user)))
}

/// Spent, expired, withdrawn, unknown and misspelt links get the same answer.
async fn refused(cx: &Cx) -> Result<Failure, Failure> {
    throttle::take(cx.parts(), Door::Token("setup"), cx.facts().address, cx.now()).await?;
    let entry = cx.entry(Action::SetupRefused, None, Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(Audit::entry(entry)).await?;
    Ok(Failure::new(
        Code::BadCredentials,
        "this link opens nothing: it was used, has expired, or is not whole",
        "ask the admin who sent it for another; links work once, and for an hour",
    ))
}
