//! The caller's own account.

use restic_manager_crypto::{Verdict, check_password};
use restic_manager_proto::{
    SessionId,
    api::{
        self, Code, Nothing, Page,
        account::{EndOtherSessions, EndSession, Sessions, SetPassword, Show, SignIn},
    },
    vocabulary::{Action, Outcome},
};
use restic_manager_store::{PasswordHash, sessions::Session};

use super::{check::Fields, page, session, value::secret};
use crate::{
    call::{Cx, Reply, Request, SessionChange},
    entry::subject,
    failure::Failure,
    parts::{
        Follow,
        passwords::Guesser,
        throttle::{self, Door},
    },
};

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<api::account::Account, Failure> {
    let caller = cx.user()?;
    let user = cx.read().await?.users().find(caller.id).await?;
    let user = user.ok_or_else(|| Failure::not_found("user"))?;
    Ok(api::account::Account {
        user: user.id,
        name: user.name,
        role: user.role,
        scope: user.scope,
        created_at: user.created,
        password_set_at: user.password_set,
    })
}

/// Whoever has the session alone must not be able to take the account: the current password is asked for.
pub(crate) async fn set_password(cx: Cx, request: Request<SetPassword>) -> Result<Reply<Nothing>, Failure> {
    let (parts, caller) = (cx.parts(), cx.user()?);
    let (current, new) = (secret(request.body.current), secret(request.body.new));
    let turn = throttle::take(parts, Door::Proof(caller.id), cx.facts().address, cx.now()).await?;
    let user = cx.read().await?.users().find(caller.id).await?;
    let user = user.ok_or_else(|| Failure::not_found("user"))?;
    let stored = Some(user.password.as_str().to_owned());
    if parts.passwords.verify(current.clone(), stored, Guesser::Known).await? == Verdict::Wrong {
        return Err(refuse_proof(&cx).await?);
    }
    let mut fields = Fields::default();
    fields.check("new", check_password(&new, &[&user.name]).map_err(|weak| weak.to_string()));
    if current.expose() == new.expose() {
        fields.check::<(), _>("new", Err("the same as the current one"));
    }
    fields.finish()?;
    let hash = PasswordHash::new(parts.passwords.hash(new).await?);

    let mut change = cx.begin().await?;
    if change.users().find(user.id).await?.is_none_or(|now| now.password != user.password) {
        let next_step = "sign in again with the password as it is now";
        return Err(Failure::conflict("the password was changed by somebody else meanwhile", next_step));
    }
    turn.give_back(change.as_mut()).await?;
    change.users().set_password(user.id, &hash, cx.now()).await?;
    change.setup_links().remove(user.id).await?;
    change.sessions().end_all_of(user.id, None).await?;
    let tokens_revoked = change.api_tokens().revoke_all_of(user.id, cx.now()).await?;
    // The password alone is no fresh proof for who has a second factor.
    let proved = match change.factors().has_second(user.id).await? {
        true => cx.session()?.proved,
        false => cx.now(),
    };
    let (_, token) = session::start(&cx, change.as_mut(), user.id, proved).await?;
    let detail = serde_json::json!({ "tokens_revoked": tokens_revoked });
    change.then(Follow::SessionsEnded);
    let entry = cx.audit_with(Action::PasswordChange, subject("user", user.id, user.name), detail);
    change.commit(entry).await?;
    Ok(Reply::from(Nothing {}).with_session(SessionChange::Begin(token)))
}

async fn refuse_proof(cx: &Cx) -> Result<Failure, Failure> {
    let caller = cx.user()?;
    let subject = subject("user", caller.id, caller.name.clone());
    let entry = cx.entry(Action::ProofRefused, subject, Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(restic_manager_store::Audit::entry(entry)).await?;
    let mut problem = restic_manager_proto::api::Problem::new(
        Code::BadCredentials,
        "the current password is wrong",
        "type the password that you sign in with now",
    );
    let message = "this is not the password of this account".to_owned();
    problem.fields.push(api::FieldProblem { field: "current".to_owned(), message });
    Ok(Failure::Refused(Box::new(problem)))
}

pub(crate) async fn sessions(cx: Cx, _: Request<Sessions>) -> Result<Page<SignIn>, Failure> {
    let (caller, family) = (cx.user()?, cx.session()?.family);
    let live = cx.read().await?.sessions().live_of(caller.id, cx.now()).await?;
    Ok(page::whole(live.into_iter().map(|session| sign_in_body(session, family)).collect()))
}

pub(crate) async fn end_session(cx: Cx, request: Request<EndSession>) -> Result<Reply<Nothing>, Failure> {
    let (caller, wanted) = (cx.user()?, request.path.session);
    let mut change = cx.begin().await?;
    let live = change.sessions().live_of(caller.id, cx.now()).await?;
    if !live.iter().any(|session| session.family == wanted) {
        return Err(Failure::not_found("session"));
    }
    change.sessions().end_family(wanted).await?;
    let subject = subject("session", wanted, caller.name.clone());
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit(Action::SessionEnd, subject)).await?;
    let reply = Reply::from(Nothing {});
    Ok(if wanted == cx.session()?.family { reply.with_session(SessionChange::End) } else { reply })
}

pub(crate) async fn end_other_sessions(cx: Cx, _: Request<EndOtherSessions>) -> Result<Nothing, Failure> {
    let (caller, family) = (cx.user()?, cx.session()?.family);
    let mut change = cx.begin().await?;
    let ended = change.sessions().end_all_of(caller.id, Some(family)).await?;
    let detail = serde_json::json!({ "ended": ended, "kept": family.to_string() });
    let subject = subject("user", caller.id, caller.name.clone());
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit_with(Action::SessionEnd, subject, detail)).await?;
    Ok(Nothing {})
}

/// A session is shown under its family's id, which stays when its token changes.
fn sign_in_body(session: Session, current: SessionId) -> SignIn {
    SignIn {
        id: session.family,
        current: session.family == current,
        since: session.started,
        last_seen_at: session.last_seen,
        idle_expires_at: session.idle_expires,
        expires_at: session.expires,
        address: session.address,
        user_agent: session.user_agent,
    }
}
