//! People who sign in, as admins see them.

use restic_manager_crypto::{SecretString, Token, TokenKind};
use restic_manager_proto::{
    Scope, SecretText, UserId,
    api::{
        self, Nothing, Page,
        users::{Create, EndSessions, InvitedUser, IssueSetupLink, List, Show, Update, WithdrawSetupLink},
    },
    vocabulary::{Action, AlertKind, Role},
};
use restic_manager_store::{
    PasswordHash, Read, Transaction, alerts::AlertSubject, setup_links::SetupLink, users::User,
};
use serde_json::Value;

use super::{
    check::{self, Fields},
    page,
    value::stored_hash,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::alerts,
    entry::subject,
    failure::Failure,
    parts::{Change, Follow},
};

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::users::User>, Failure> {
    let query = request.query;
    let part = page::request(query.limit, query.after.as_ref(), |id: UserId| id)?;
    let mut read = cx.read().await?;
    let found = read.users().page(part).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for user in found.items {
        items.push(user_body(&cx, read.as_mut(), user).await?);
    }
    page::finish(items, found.next, |id| id)
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<api::users::User>, Failure> {
    let mut read = cx.read().await?;
    versioned_body(&cx, read.as_mut(), request.path.user).await
}

/// Until the person has followed the link, the password is one that nobody knows.
pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<InvitedUser, Failure> {
    let name = request.body.name.trim().to_owned();
    let mut fields = Fields::default();
    fields.check("name", check::user_name(&name));
    check::scope(&mut fields, &request.body.scope);
    fields.finish()?;
    let nobody_knows = Token::mint(TokenKind::Setup, &*cx.parts().random);
    let password = cx.parts().passwords.hash(SecretString::new(nobody_knows.expose())).await?;
    let user = User {
        id: cx.parts().mint.user(),
        name,
        role: request.body.role,
        scope: request.body.scope,
        password: PasswordHash::new(password),
        password_set: None,
        disabled: false,
        created: cx.now(),
        last_login: None,
        version: 1,
    };
    let mut change = cx.begin().await?;
    if change.users().named(&user.name).await?.is_some() {
        return Err(Failure::conflict(
            format!("there is somebody named {} already", user.name),
            "choose another name, or make a new link for the one who is there",
        ));
    }
    known_hosts(change.as_mut(), &user.scope, cx.scope()).await?;
    change.users().add(&user).await?;
    if user.role == Role::Admin {
        told_admin(&cx, &mut change, &user).await?;
    }
    let token = link(&cx, change.as_mut(), &user).await?;
    let detail = serde_json::json!({ "role": user.role, "scope": user.scope });
    let subject = subject("user", user.id, user.name.clone());
    let invited = invite(&cx, change.reading(), user.id, &token).await?;
    change.commit(cx.audit_with(Action::UserCreate, subject, detail)).await?;
    Ok(invited)
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Reply<api::users::User>, Failure> {
    let (id, wanted) = (request.path.user, request.body);
    let mut fields = Fields::default();
    wanted.scope.iter().for_each(|scope| check::scope(&mut fields, scope));
    fields.finish()?;
    let mut change = cx.begin().await?;
    let before = existing(change.users().find(id).await?)?;
    let scope = wanted.scope.unwrap_or_else(|| before.scope.clone());
    if scope != before.scope {
        known_hosts(change.as_mut(), &scope, cx.scope()).await?;
    }
    let after = User { role: wanted.role, scope, disabled: wanted.disabled, ..before.clone() };
    change.users().update(&after, request.expected).await.map_err(Failure::stale)?;
    keep_an_admin(change.as_mut(), &before).await?;
    if after.role == Role::Admin && before.role != Role::Admin {
        told_admin(&cx, &mut change, &after).await?;
    }
    change.sessions().end_all_of(id, None).await?;
    if after.disabled {
        change.setup_links().remove(id).await?;
    }
    let detail = serde_json::json!({
        "role": { "before": before.role, "after": after.role },
        "scope": { "before": before.scope, "after": after.scope },
        "disabled": { "before": before.disabled, "after": after.disabled },
    });
    let subject = subject("user", id, before.name);
    change.then(Follow::SessionsEnded);
    let body = versioned_body(&cx, change.reading(), id).await?;
    change.commit(cx.audit_with(Action::UserUpdate, subject, detail)).await?;
    Ok(body)
}

async fn told_admin(cx: &Cx, change: &mut Change<'_>, user: &User) -> Result<(), Failure> {
    let summary = format!("{} made {} an admin.", cx.user()?.name, user.name);
    let about = AlertSubject::new("user", user.id);
    let finding = alerts::found(cx.parts(), AlertKind::AdminAdded, about, &user.name, summary, Value::Null);
    alerts::raise(change, &finding).await?;
    Ok(())
}

/// A scope that is given names hosts that there are, as far as the giver sees.
pub(super) async fn known_hosts(
    transaction: &mut dyn Transaction,
    scope: &Scope,
    sight: &Scope,
) -> Result<(), Failure> {
    let Scope::Hosts { hosts } = scope else { return Ok(()) };
    for id in hosts {
        let known = transaction.hosts().find(*id).await?;
        if known.is_none_or(|host| host.deleted.is_some() || !host.is_within(sight)) {
            return Err(Failure::field("scope", format!("there is no host {id}")));
        }
    }
    Ok(())
}

/// Looks after the change and within its transaction, so that of two admins who demote each other at once one is left.
async fn keep_an_admin(transaction: &mut dyn Transaction, before: &User) -> Result<(), Failure> {
    let could = before.role == Role::Admin
        && before.scope.is_all()
        && !before.disabled
        && before.password_set.is_some();
    if could && transaction.users().enabled_admins().await? == 0 {
        let detail = format!("{} is the last admin who can sign in", before.name);
        return Err(Failure::conflict(detail, "make somebody else an admin first, who has set a password"));
    }
    Ok(())
}

pub(crate) async fn end_sessions(cx: Cx, request: Request<EndSessions>) -> Result<Nothing, Failure> {
    let id = request.path.user;
    let mut change = cx.begin().await?;
    let user = existing(change.users().find(id).await?)?;
    let ended = change.sessions().end_all_of(id, None).await?;
    let detail = serde_json::json!({ "ended": ended });
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit_with(Action::SessionEnd, subject("user", id, user.name), detail)).await?;
    Ok(Nothing {})
}

pub(crate) async fn issue_setup_link(
    cx: Cx,
    request: Request<IssueSetupLink>,
) -> Result<InvitedUser, Failure> {
    let mut change = cx.begin().await?;
    let user = existing(change.users().find(request.path.user).await?)?;
    if user.disabled {
        let detail = format!("sign-in is refused to {}, so a link would open nothing", user.name);
        return Err(Failure::conflict(detail, "allow sign-in again first"));
    }
    let token = link(&cx, change.as_mut(), &user).await?;
    let invited = invite(&cx, change.reading(), user.id, &token).await?;
    change.commit(cx.audit(Action::SetupLinkIssue, subject("user", user.id, user.name))).await?;
    Ok(invited)
}

pub(crate) async fn withdraw_setup_link(
    cx: Cx,
    request: Request<WithdrawSetupLink>,
) -> Result<Nothing, Failure> {
    let mut change = cx.begin().await?;
    let user = existing(change.users().find(request.path.user).await?)?;
    if !change.setup_links().remove(user.id).await? {
        return Err(Failure::not_found("setup link"));
    }
    change.commit(cx.audit(Action::SetupLinkWithdraw, subject("user", user.id, user.name))).await?;
    Ok(Nothing {})
}

async fn link(cx: &Cx, transaction: &mut dyn Transaction, user: &User) -> Result<Token, Failure> {
    let token = Token::mint(TokenKind::Setup, &*cx.parts().random);
    transaction.setup_links().purge(cx.now()).await?;
    let link = SetupLink {
        user: user.id,
        token: stored_hash(&token.hash()),
        created: cx.now(),
        created_by: Some(cx.user()?.id),
        expires: cx.now().after(cx.parts().config.setup_lifetime),
    };
    transaction.setup_links().issue(&link).await?;
    Ok(token)
}

async fn invite(cx: &Cx, read: &mut dyn Read, id: UserId, token: &Token) -> Result<InvitedUser, Failure> {
    let user = existing(read.users().find(id).await?)?;
    Ok(InvitedUser {
        user: user_body(cx, read, user).await?,
        url: SecretText::new(address(&cx.parts().config.base_url, token)),
        token: SecretText::new(token.expose()),
        expires_at: cx.now().after(cx.parts().config.setup_lifetime),
    })
}

/// Browsers keep what stands behind the `#` to themselves: it comes into no log of a server or proxy.
pub(crate) fn address(base_url: &crate::config::BaseUrl, token: &Token) -> String {
    format!("{base_url}/setup#{}", token.expose())
}

async fn versioned_body(
    cx: &Cx,
    read: &mut dyn Read,
    id: UserId,
) -> Result<Reply<api::users::User>, Failure> {
    let user = existing(read.users().find(id).await?)?;
    let version = user.version;
    Ok(Reply::versioned(user_body(cx, read, user).await?, version))
}

fn existing(user: Option<User>) -> Result<User, Failure> {
    user.ok_or_else(|| Failure::not_found("user"))
}

async fn user_body(cx: &Cx, read: &mut dyn Read, user: User) -> Result<api::users::User, Failure> {
    let link = read.setup_links().of_user(user.id).await?.filter(|link| cx.now() < link.expires);
    let sessions = read.sessions().live_of(user.id, cx.now()).await?.len();
    Ok(api::users::User {
        second_factor: read.factors().has_second(user.id).await?,
        id: user.id,
        name: user.name,
        role: user.role,
        scope: user.scope,
        disabled: user.disabled,
        created_at: user.created,
        password_set_at: user.password_set,
        last_login_at: user.last_login,
        setup_link_expires_at: link.map(|link| link.expires),
        sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
        version: user.version,
    })
}
