//! Tokens that programs sign in with.

use core::time::Duration;
use restic_manager_crypto::{Token, TokenKind};
use restic_manager_proto::{
    ApiTokenId, Scope, SecretText, Timestamp,
    api::{
        self, Nothing, Page,
        api_tokens::{Create, CreatedApiToken, List, NewApiToken, Revoke},
    },
    vocabulary::{Action, Role},
};
use restic_manager_store::{PageRequest, Read, alerts::AlertSubject, api_tokens::ApiToken};

use super::{
    check::{self, Fields},
    page,
    users::known_hosts,
    value::stored_hash,
};
use crate::{
    call::{Cx, Request, Standing},
    domain::alerts,
    entry::subject,
    failure::Failure,
    parts::Follow,
};

const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const MOST: usize = 100;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::api_tokens::ApiToken>, Failure> {
    let (caller, query) = (cx.user()?, request.query);
    let everybody = query.all == Some(true) && caller.is_admin_of_all();
    let part = page::request(query.limit, query.after.as_ref(), |id: ApiTokenId| id)?;
    let mut read = cx.read().await?;
    let found = read.api_tokens().page((!everybody).then_some(caller.id), part).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for token in found.items {
        items.push(token_body(read.as_mut(), token).await?);
    }
    page::finish(items, found.next, |id| id)
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<CreatedApiToken, Failure> {
    let (parts, caller, body) = (cx.parts(), cx.user()?, request.body);
    check_new(&body, &caller.standing, cx.now())?;
    let token = Token::mint(TokenKind::Api, &*parts.random);
    let stored = ApiToken {
        id: parts.mint.api_token(),
        user: caller.id,
        name: body.name.clone(),
        token: stored_hash(&token.hash()),
        role: body.role,
        scope: body.scope,
        dangerous: body.dangerous,
        created: cx.now(),
        expires: body.expires_at,
        last_used: None,
        last_address: None,
        revoked: None,
    };
    let mut change = cx.begin().await?;
    if change.api_tokens().page(Some(caller.id), PageRequest::first(MOST)).await?.items.len() >= MOST {
        let detail = format!("there are {MOST} API tokens of yours already");
        return Err(Failure::conflict(detail, "revoke one that is not used any more"));
    }
    known_hosts(change.as_mut(), &stored.scope, cx.scope()).await?;
    change.api_tokens().add(&stored).await?;
    let detail = serde_json::json!({
        "role": stored.role, "scope": stored.scope, "dangerous": stored.dangerous, "expires": stored.expires,
    });
    let subject = subject("api-token", stored.id, body.name);
    let api_token = token_body(change.reading(), stored).await?;
    change.commit(cx.audit_with(Action::ApiTokenCreate, subject, detail)).await?;
    Ok(CreatedApiToken { api_token, token: SecretText::new(token.expose()) })
}

fn check_new(body: &NewApiToken, most: &Standing, now: Timestamp) -> Result<(), Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    if !most.role.includes(body.role) {
        fields.check::<(), _>("role", Err(format!("more than your own role, which is {}", most.role)));
    }
    check::scope(&mut fields, &body.scope);
    if let (Scope::Tags { tags: own }, Scope::Tags { tags }) = (&most.scope, &body.scope)
        && let Some(foreign) = tags.difference(own).next()
    {
        fields.check::<(), _>("scope", Err(format!("`{foreign}` is not among the tags of your role")));
    }
    if body.expires_at <= now || body.expires_at > now.after(LONGEST_LIFE) {
        let example = now.after(Duration::from_secs(90 * 24 * 60 * 60));
        fields.check::<(), _>(
            "expires_at",
            Err(format!("later than now and within a year, such as {example}")),
        );
    }
    fields.finish()
}

pub(crate) async fn revoke(cx: Cx, request: Request<Revoke>) -> Result<Nothing, Failure> {
    let (caller, id) = (cx.user()?, request.path.token);
    let mut change = cx.begin().await?;
    let token = change.api_tokens().find(id).await?;
    let visible = token.filter(|token| token.user == caller.id || caller.is_admin_of_all());
    let Some(token) = visible else { return Err(Failure::not_found("API token")) };
    if !change.api_tokens().revoke(id, cx.now()).await? {
        return Err(Failure::not_found("API token"));
    }
    alerts::close_about(&mut change, &AlertSubject::new("api-token", id)).await?;
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit(Action::ApiTokenRevoke, subject("api-token", id, token.name))).await?;
    Ok(Nothing {})
}

/// The role is what the token may do now: never more than its maker.
async fn token_body(read: &mut dyn Read, token: ApiToken) -> Result<api::api_tokens::ApiToken, Failure> {
    let maker = read.users().find(token.user).await?;
    let most = maker.as_ref().map_or(Role::Viewer, |maker| maker.role);
    Ok(api::api_tokens::ApiToken {
        id: token.id,
        name: token.name,
        maker: maker.map(|maker| maker.name).unwrap_or_default(),
        role: token.role.min(most),
        scope: token.scope,
        dangerous: token.dangerous,
        created_at: token.created,
        expires_at: token.expires,
        last_used_at: token.last_used,
        last_address: token.last_address,
    })
}
