//! Signing in and out.

use http::header;
use restic_manager_crypto::{SecretString, Token, TokenKind, Verdict};
use restic_manager_proto::{
    SecretText, Timestamp, UserId,
    api::{
        Code, Nothing, Problem,
        factors::PasskeyRequest,
        session::{
            Create, CreateWithPasskey, Delete, MissingStep, OfferPasskey, Proof, SecondStep, Session, Show,
        },
    },
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_store::{
    Audit, PasswordHash, Transaction,
    audit::{Actor, Subject},
    retry, sessions, users,
};

use super::{
    evidence::{self, Evidence, Once, Purpose},
    second_step,
    value::{secret, stored_hash},
};
use crate::{
    call::{Caller, Cx, Means, Reply, Request, SessionChange, Standing, User, device},
    entry::subject,
    failure::Failure,
    parts::Follow,
    parts::passwords::Guesser,
    parts::throttle::{self, Door, Turn},
};

/// Longer names are nobody's: they are not looked up, counted or logged as they are.
const LONGEST_NAME: usize = 64;

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Reply<Session>, Failure> {
    let parts = cx.parts();
    let name: String = request.body.name.trim().chars().take(LONGEST_NAME + 1).collect();
    let password = secret(request.body.password);
    let shown = cx.facts().device.as_deref();
    let device = device::recognise(&parts.keyring, shown, &name);
    let turn =
        throttle::take(parts, Door::Login { name: &name, device }, cx.facts().address, cx.now()).await?;
    let guesser = if device.is_some() { Guesser::Known } else { Guesser::Stranger };
    let known = cx.read().await?.users().named(&name).await?;
    let stored = known.as_ref().map(|user| user.password.as_str().to_owned());
    let verdict = parts.passwords.verify(password.clone(), stored, guesser).await?;
    let user = known.filter(|user| !user.disabled && verdict != Verdict::Wrong);
    let Some(user) = user else { return Err(refuse(&cx, name, "name or password is wrong").await?) };
    let user = match verdict {
        Verdict::RightButOutdated => strengthen(&cx, user, password).await?,
        _ => user,
    };
    if let Some(missing) = missing_step(&cx, &user).await? {
        return Err(missing);
    }
    let shown = ShownEvidence { evidence: &[Evidence::Password], once: None, turn: &turn };
    enter(&cx, user, device, shown).await
}

/// The question for the second factor, where the person has one. Wrong guesses are forgiven only when both are right.
async fn missing_step(cx: &Cx, user: &users::User) -> Result<Option<Failure>, Failure> {
    let mut read = cx.read().await?;
    if !read.factors().has_second(user.id).await? {
        return Ok(None);
    }
    let passkeys = read.factors().passkeys(user.id).await?;
    let purpose = Purpose::SecondStep(user.id);
    let mut problem = Problem::new(
        Code::SecondFactorNeeded,
        "the password is right, and this account has a second factor",
        "send it with the pending token to POST /api/v1/session/second-step within five minutes",
    );
    problem.missing_step = Some(Box::new(MissingStep {
        pending: second_step::note(cx, user),
        code: read.factors().totp(user.id).await?.is_some()
            || read.factors().recovery_codes_left(user.id).await? > 0,
        passkey: (!passkeys.is_empty()).then(|| evidence::request(cx.parts(), purpose, &passkeys, cx.now())),
    }));
    Ok(Some(Failure::Refused(Box::new(problem))))
}

pub(crate) async fn second_step(cx: Cx, request: Request<SecondStep>) -> Result<Reply<Session>, Failure> {
    let Some((user, once)) = second_step::open(&cx, &request.body.pending).await? else {
        return Err(Failure::new(
            Code::BadCredentials,
            "the first step was too long ago, or the password has changed",
            "start again with name and password",
        ));
    };
    let device = device::recognise(&cx.parts().keyring, cx.facts().device.as_deref(), &user.name);
    let door = Door::Login { name: &user.name, device };
    let turn = throttle::take(cx.parts(), door, cx.facts().address, cx.now()).await?;
    let found = match request.body.proof {
        Proof::Password { .. } => None,
        proof => evidence::examine(&cx, &user, proof, Purpose::SecondStep(user.id)).await?,
    };
    match found {
        Some(found) => {
            let shown =
                ShownEvidence { evidence: &[Evidence::Password, found], once: Some(once), turn: &turn };
            enter(&cx, user, device, shown).await
        }
        None => Err(refuse(&cx, user.name, "the second factor is wrong").await?),
    }
}

pub(crate) async fn offer_passkey(cx: Cx, _: Request<OfferPasskey>) -> Result<PasskeyRequest, Failure> {
    Ok(evidence::request(cx.parts(), Purpose::SignIn, &[], cx.now()))
}

pub(crate) async fn create_with_passkey(
    cx: Cx,
    request: Request<CreateWithPasskey>,
) -> Result<Reply<Session>, Failure> {
    let answer = request.body;
    // Counted by network and not by account: nobody can lock anybody out with a passkey that opens nothing.
    let turn = throttle::take(cx.parts(), Door::Token("passkey"), cx.facts().address, cx.now()).await?;
    let passkey = evidence::passkey_of(&cx, &answer).await?;
    let user = match &passkey {
        Some(passkey) => cx.read().await?.users().find(passkey.user).await?.filter(|user| !user.disabled),
        None => None,
    };
    let refusal = "the passkey was not accepted";
    let (Some(passkey), Some(user)) = (passkey, user) else {
        return Err(refuse(&cx, "unknown passkey".to_owned(), refusal).await?);
    };
    let Some(found) = evidence::examine_passkey(&cx, &passkey, &answer, Purpose::SignIn).await? else {
        return Err(refuse(&cx, user.name, refusal).await?);
    };
    let device = device::recognise(&cx.parts().keyring, cx.facts().device.as_deref(), &user.name);
    enter(&cx, user, device, ShownEvidence { evidence: &[found], once: None, turn: &turn }).await
}

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Session, Failure> {
    let user = cx.user()?;
    describe(&cx, user, user.session().map(|session| session.proved)).await
}

/// Who a caller is, proved at `proved`.
pub(super) async fn describe(cx: &Cx, user: &User, proved: Option<Timestamp>) -> Result<Session, Failure> {
    let (csrf, expires) = match &user.means {
        Means::Session(session) => (session.csrf.expose(), session.expires),
        Means::Token(program) => ("", program.expires),
    };
    let csrf = SecretText::new(csrf);
    let mut session = Session::new(user.id, user.name.clone(), user.standing.role, csrf, expires);
    session.scope = user.standing.scope.clone();
    session.proved_at = proved;
    session.second_factor = cx.read().await?.factors().has_second(user.id).await?;
    session.second_factor_missing = user.granted > user.standing.role;
    Ok(session)
}

pub(crate) async fn delete(cx: Cx, _: Request<Delete>) -> Result<Reply<Nothing>, Failure> {
    let (user, session) = (cx.user()?, cx.session()?);
    let mut change = cx.begin().await?;
    change.sessions().end_family(session.family).await?;
    change.then(Follow::SessionsEnded);
    change.commit(cx.audit(Action::Logout, subject("session", session.family, user.name.clone()))).await?;
    Ok(Reply::from(Nothing {}).with_session(SessionChange::End))
}

/// What opens an account.
struct ShownEvidence<'a> {
    evidence: &'a [Evidence],
    once: Option<Once>,
    turn: &'a Turn,
}

/// Signs a person in, and gives the browser what shows next time that it has opened this account before.
async fn enter(
    cx: &Cx,
    user: users::User,
    device: Option<&str>,
    shown: ShownEvidence<'_>,
) -> Result<Reply<Session>, Failure> {
    let parts = cx.parts();
    let known = device::remember(&parts.keyring, &*parts.random, device, &user.name, parts.config.cookies)?;
    let Some((session, token)) = retry(|| open(cx, &user, &shown)).await? else {
        return Err(refuse(cx, user.name, "it was used before, or opens the account no more").await?);
    };
    let standing = Standing::of_person(parts, cx.read().await?.as_mut(), &user).await?;
    let caller = User::in_session(parts, user, standing, &session, session.proved);
    let answer = describe(cx, &caller, Some(session.proved)).await?;
    Ok(Reply::from(answer).with_session(SessionChange::Begin(token)).with_header(header::SET_COOKIE, known))
}

/// Nothing when what was shown has been used meanwhile, or is not enough any more. The session that the browser had
/// before ends with the new one.
async fn open(
    cx: &Cx,
    user: &users::User,
    shown: &ShownEvidence<'_>,
) -> Result<Option<(sessions::Session, Token)>, Failure> {
    let ShownEvidence { evidence, once, turn } = shown;
    let mut change = cx.begin().await?;
    let mut fresh = is_enough(change.as_mut(), user, evidence).await?;
    if let Some(once) = once {
        fresh = fresh && once.spend(change.as_mut(), cx.now()).await?;
    }
    for one in *evidence {
        fresh = fresh && one.spend(change.as_mut(), user.id, cx.now()).await?;
    }
    if !fresh {
        return Ok(None);
    }
    turn.give_back(change.as_mut()).await?;
    if once.is_some() {
        // The first of the two steps was counted too.
        turn.give_back(change.as_mut()).await?;
    }
    change.users().note_login(user.id, cx.now()).await?;
    if let Caller::User(before) = cx.caller()
        && let Some(session) = before.session()
    {
        change.sessions().end_family(session.family).await?;
    }
    change.sessions().purge(cx.now()).await?;
    let (session, token) = start(cx, change.as_mut(), user.id, cx.now()).await?;
    let with: Vec<&str> = evidence.iter().map(Evidence::word).collect();
    let subject = subject("session", session.id, user.name.clone());
    let mut entry = cx.entry(Action::Login, subject, Outcome::Done, serde_json::json!({ "with": with }));
    entry.actor =
        Actor { kind: ActorKind::User, id: Some(user.id.to_string()), name: Some(user.name.clone()) };
    change.then(Follow::SessionsEnded);
    change.commit(Audit::entry(entry)).await?;
    Ok(Some((session, token)))
}

/// Whether the evidence still opens the account. Hashing takes long: meanwhile sign-in may have been refused, the
/// password changed, or a second factor set up, each of which ends the sessions that there are.
async fn is_enough(
    transaction: &mut dyn Transaction,
    user: &users::User,
    evidence: &[Evidence],
) -> Result<bool, Failure> {
    let now = transaction.users().find(user.id).await?;
    let same = now.is_some_and(|now| !now.disabled && now.password == user.password);
    let alone = matches!(evidence, [Evidence::Password]);
    Ok(same && !(alone && transaction.factors().has_second(user.id).await?))
}

/// Starts a session of a person who proved at `proved` who they are; the browser must be given its token.
pub(super) async fn start(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    user: UserId,
    proved: Timestamp,
) -> Result<(sessions::Session, Token), Failure> {
    let parts = cx.parts();
    let token = Token::mint(TokenKind::Session, &*parts.random);
    let lifetime = parts.config.sessions;
    let (id, expires) = (parts.mint.session(), cx.now().after(lifetime.absolute));
    let session = sessions::Session {
        id,
        family: id,
        user,
        token: stored_hash(&token.hash()),
        started: cx.now(),
        created: cx.now(),
        proved,
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
async fn refuse(cx: &Cx, name: String, detail: &str) -> Result<Failure, Failure> {
    let subject = Subject { kind: "user".to_owned(), id: None, name: Some(name) };
    let entry = cx.entry(Action::LoginRefused, Some(subject), Outcome::Refused, serde_json::Value::Null);
    cx.begin().await?.commit(Audit::entry(entry)).await?;
    Ok(Failure::new(
        Code::BadCredentials,
        detail,
        "try again; who has lost what opens the account asks an admin",
    ))
}

/// Hashes the password at today's cost while it is at hand; answers the person as they are stored now.
async fn strengthen(cx: &Cx, user: users::User, password: SecretString) -> Result<users::User, Failure> {
    let stronger = PasswordHash::new(cx.parts().passwords.hash(password).await?);
    let mut change = cx.begin().await?;
    if !change.users().strengthen_password(user.id, &user.password, &stronger).await? {
        // Changed meanwhile.
        return Ok(user);
    }
    change.commit(Audit::Routine("the hash of an unchanged password was strengthened")).await?;
    Ok(users::User { password: stronger, ..user })
}
