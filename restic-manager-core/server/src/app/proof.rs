//! Proving again who one is, while signed in.

use restic_manager_proto::{
    api::{
        Code,
        session::{Proof, Proofs, Prove, Session, ShowProofs},
    },
    vocabulary::{Action, Outcome},
};
use restic_manager_store::Audit;

use super::{
    evidence::{self, Purpose},
    session,
};
use crate::{
    call::{Cx, Request},
    entry::subject,
    failure::Failure,
    parts::throttle::{self, Door},
};

pub(crate) async fn show(cx: Cx, _: Request<ShowProofs>) -> Result<Proofs, Failure> {
    let (user, session) = (cx.user()?, cx.session()?);
    let mut read = cx.read().await?;
    let passkeys = read.factors().passkeys(user.id).await?;
    let mut proofs = Proofs::default();
    proofs.password = !read.factors().has_second(user.id).await?;
    proofs.code = !proofs.password
        && (read.factors().totp(user.id).await?.is_some()
            || read.factors().recovery_codes_left(user.id).await? > 0);
    proofs.passkey = (!passkeys.is_empty())
        .then(|| evidence::request(cx.parts(), Purpose::Act(session.family), &passkeys, cx.now()));
    Ok(proofs)
}

/// Who has a second factor proves with it: whoever took the session may have seen the password, too.
pub(crate) async fn prove(cx: Cx, request: Request<Prove>) -> Result<Session, Failure> {
    let (caller, session) = (cx.user()?, cx.session()?);
    let turn = throttle::take(cx.parts(), Door::Proof(caller.id), cx.facts().address, cx.now()).await?;
    let mut read = cx.read().await?;
    let user = read.users().find(caller.id).await?.ok_or_else(|| Failure::not_found("user"))?;
    let too_weak =
        matches!(request.body, Proof::Password { .. }) && read.factors().has_second(user.id).await?;
    drop(read);
    let found = match request.body {
        _ if too_weak => None,
        proof => evidence::examine(&cx, &user, proof, Purpose::Act(session.family)).await?,
    };
    let Some(found) = found else { return Err(refuse(&cx).await?) };

    let mut change = cx.begin().await?;
    if !found.spend(change.as_mut(), user.id, cx.now()).await? {
        drop(change);
        return Err(refuse(&cx).await?);
    }
    turn.give_back(change.as_mut()).await?;
    // The token that was shown may have been replaced meanwhile: the proof is the session's.
    let newest = change.sessions().newest_of(session.family).await?;
    let newest = newest.ok_or_else(|| Failure::not_found("session"))?;
    change.sessions().prove(newest.id, cx.now()).await?;
    let detail = serde_json::json!({ "with": found.word() });
    let subject = subject("session", session.family, user.name);
    change.commit(cx.audit_with(Action::Prove, subject, detail)).await?;
    session::describe(&cx, caller, Some(cx.now())).await
}

/// Counted like a wrong password at sign-in: a stolen session is no place to guess from.
async fn refuse(cx: &Cx) -> Result<Failure, Failure> {
    let (user, session) = (cx.user()?, cx.session()?);
    let subject = subject("session", session.family, user.name.clone());
    let entry = cx.entry(Action::ProofRefused, subject, Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(Audit::entry(entry)).await?;
    Ok(Failure::new(
        Code::BadCredentials,
        "that is not the proof, or it was used before",
        "try again; GET /api/v1/session/proof says which proofs will do",
    ))
}
