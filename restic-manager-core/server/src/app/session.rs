//! Signing in and out.

use http::header;
use restic_manager_crypto::{Mark, SecretString, Token, TokenKind, Verdict};
use restic_manager_proto::{
    SecretText, Timestamp, UserId,
    api::{
        Code, Nothing,
        session::{Create, Delete, Session, Show},
    },
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_store::{
    Audit, PasswordHash, Transaction,
    audit::{Actor, Subject},
    retry, sessions, users,
};

use super::value::{secret, stored_hash, subject};
use crate::{
    failure::Failure,
    http::{Caller, Cx, Reply, Request, SessionChange, User, device},
    throttle::{self, Door, Turn},
};

/// Longer names are nobody's: they are not looked up, counted or logged as they are.
const LONGEST_NAME: usize = 64;

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Reply<Session>, Failure> {
    let shared = cx.shared();
    let name: String = request.body.name.trim().chars().take(LONGEST_NAME + 1).collect();
    let password = secret(request.body.password);
    let shown = cx.facts().device.as_deref();
    let device = device::recognise(&shared.keyring, shown, &name);
    let turn =
        throttle::take(shared, Door::Login { name: &name, device }, cx.facts().address, cx.now()).await?;
    let known = cx.read().await?.users().named(&name).await?;
    let stored = known.as_ref().map(|user| user.password.as_str().to_owned());
    let verdict = shared.passwords.verify(password.clone(), stored).await?;
    let user = known.filter(|user| !user.disabled && verdict != Verdict::Wrong);
    let Some(user) = user else { return Err(refuse(&cx, name).await?) };
    if verdict == Verdict::RightButOutdated {
        strengthen(&cx, &user, password).await?;
    }
    let known = device::remember(&shared.keyring, &*shared.random, device, &name, shared.config.cookies)?;
    let reply = retry(|| open(&cx, &user, &turn)).await?;
    Ok(reply.with_header(header::SET_COOKIE, known))
}

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Session, Failure> {
    let user = cx.user()?;
    Ok(describe(user, user.proved))
}

/// Who the caller is, proved at `proved`.
pub(super) fn describe(user: &User, proved: Timestamp) -> Session {
    let csrf = SecretText::new(user.csrf.expose());
    let mut session = Session::new(user.id, user.name.clone(), user.role, csrf, user.expires);
    session.scope = user.scope.clone();
    session.proved_at = Some(proved);
    session
}

pub(crate) async fn delete(cx: Cx, _: Request<Delete>) -> Result<Reply<Nothing>, Failure> {
    let user = cx.user()?;
    let mut transaction = cx.begin().await?;
    transaction.sessions().end_family(user.family).await?;
    transaction.commit(cx.audit(Action::Logout, subject("session", user.family, user.name.clone()))).await?;
    cx.shared().sessions_changed.notify_waiters();
    Ok(Reply::from(Nothing {}).with_session(SessionChange::End))
}

/// Signs a person in; the session that the browser had before ends with it.
async fn open(cx: &Cx, user: &users::User, turn: &Turn) -> Result<Reply<Session>, Failure> {
    let mut transaction = cx.begin().await?;
    turn.give_back(transaction.as_mut()).await?;
    transaction.users().note_login(user.id, cx.now()).await?;
    if let Caller::User(before) = cx.caller() {
        transaction.sessions().end_family(before.family).await?;
    }
    transaction.sessions().purge(cx.now()).await?;
    let (session, token) = start(cx, transaction.as_mut(), user.id).await?;
    let mut entry = cx.entry(
        Action::Login,
        subject("session", session.id, user.name.clone()),
        Outcome::Done,
        serde_json::Value::Null,
    );
    entry.actor =
        Actor { kind: ActorKind::User, id: Some(user.id.to_string()), name: Some(user.name.clone()) };
    transaction.commit(Audit::entry(entry)).await?;
    cx.shared().sessions_changed.notify_waiters();
    let csrf = cx.shared().keyring.mark(Mark::SessionForm, session.family.as_bytes());
    let csrf = SecretText::new(csrf.expose());
    let mut answer = Session::new(user.id, user.name.clone(), user.role, csrf, session.expires);
    answer.scope = user.scope.clone();
    answer.proved_at = Some(session.proved);
    Ok(Reply::from(answer).with_session(SessionChange::Begin(token)))
}

/// Starts a session of a person who has just proven who they are; the browser must be given its token.
pub(super) async fn start(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    user: UserId,
) -> Result<(sessions::Session, Token), Failure> {
    let shared = cx.shared();
    let token = Token::mint(TokenKind::Session, &*shared.random);
    let lifetime = shared.config.sessions;
    let (id, expires) = (shared.mint.session(), cx.now().after(lifetime.absolute));
    let session = sessions::Session {
        id,
        family: id,
        user,
        token: stored_hash(&token.hash()),
        started: cx.now(),
        created: cx.now(),
        proved: cx.now(),
        confirmed: Some(cx.now()),
        last_seen: cx.now(),
        idle_expires: cx.now().after(lifetime.idle).min(expires),
        expires,
        address: cx.facts().address.map(|address| address.to_string()),
        user_agent: cx.facts().user_agent.clone(),
        replaced_by: None,
    };
    transaction.sessions().open(&session).await?;
    Ok((session, token))
}

/// Wrong name, wrong password and disabled account get the same answer.
async fn refuse(cx: &Cx, name: String) -> Result<Failure, Failure> {
    let subject = Subject { kind: "user".to_owned(), id: None, name: Some(name) };
    let entry = cx.entry(Action::LoginRefused, Some(subject), Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(Audit::entry(entry)).await?;
    Ok(Failure::new(
        Code::BadCredentials,
        "name or password is wrong",
        "try again; who has lost the password asks an admin for a new one",
    ))
}

/// Hashes the password at today's cost while it is at hand.
async fn strengthen(cx: &Cx, user: &users::User, password: SecretString) -> Result<(), Failure> {
    let stronger = PasswordHash::new(cx.shared().passwords.hash(password).await?);
    let mut transaction = cx.begin().await?;
    transaction.users().strengthen_password(user.id, &user.password, &stronger).await?;
    Ok(transaction.commit(Audit::Routine("the hash of an unchanged password was strengthened")).await?)
}
