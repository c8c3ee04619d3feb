//! Proving again who one is, while signed in.

use restic_manager_crypto::Verdict;
use restic_manager_proto::{
    api::{
        Code,
        session::{Proof, Proofs, Prove, Session, ShowProofs},
    },
    vocabulary::{Action, Outcome},
};
use restic_manager_store::Audit;

use super::{
    session,
    value::{secret, subject},
};
use crate::{
    failure::Failure,
    http::{Cx, Request, User},
    throttle::{self, Door},
};

pub(crate) async fn show(cx: Cx, _: Request<ShowProofs>) -> Result<Proofs, Failure> {
    cx.user()?;
    let mut proofs = Proofs::default();
    proofs.password = true;
    Ok(proofs)
}

pub(crate) async fn prove(cx: Cx, request: Request<Prove>) -> Result<Session, Failure> {
    let user = cx.user()?.clone();
    let door = Door::Proof(user.id);
    let turn = throttle::take(cx.shared(), door, cx.facts().address, cx.now()).await?;
    let right = match request.body {
        Proof::Password { password } => {
            let stored = cx.read().await?.users().find(user.id).await?;
            let stored = stored.map(|user| user.password.as_str().to_owned());
            cx.shared().passwords.verify(secret(password), stored).await? != Verdict::Wrong
        }
        _ => false,
    };
    if !right {
        return Err(refuse(&cx, &user).await?);
    }
    let mut transaction = cx.begin().await?;
    turn.give_back(transaction.as_mut()).await?;
    // The token that was shown may have been replaced meanwhile: the proof is the session's.
    let session = transaction.sessions().newest_of(user.family).await?;
    let session = session.ok_or_else(|| Failure::not_found("session"))?;
    transaction.sessions().prove(session.id, cx.now()).await?;
    transaction.commit(cx.audit(Action::Prove, subject("session", user.family, user.name.clone()))).await?;
    Ok(session::describe(&user, cx.now()))
}

/// Counted like a wrong password at sign-in: a stolen session is no place to guess from.
async fn refuse(cx: &Cx, user: &User) -> Result<Failure, Failure> {
    let subject = subject("session", user.family, user.name.clone());
    let entry = cx.entry(Action::ProofRefused, subject, Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(Audit::entry(entry)).await?;
    Ok(Failure::new(Code::BadCredentials, "that is not the proof", "try again, or sign out and in"))
}
