//! From a cookie to the person behind it: looks the session up, judges its token by the rule of `core::session`, and
//! replaces it when it is time.

use core::{net::IpAddr, time::Duration};
use restic_manager_core::session::{Rotation, ShownSession, Successor, TokenState, judge};
use restic_manager_crypto::{Token, TokenKind};
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Action, AlertKind, Outcome},
};
use restic_manager_store::{
    Audit, Error as StoreError, ErrorKind, Read, TokenHash,
    alerts::{AlertSubject, NewAlert},
    audit::NewAuditEntry,
    retry,
    sessions::Session,
    users,
};

use crate::{
    call::{Caller, Standing, User, caller::RequestFacts},
    domain::alerts,
    entry::{ANONYMOUS, entry, subject},
    failure::Failure,
    parts::{Follow, Parts, places::network},
};

/// A session or an API token is noted as used at most this often.
pub(super) const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// Who calls, and the token that the browser is to show from now on, if it is another.
pub(super) struct Identified {
    pub(super) caller: Caller,
    pub(super) renewed: Option<Token>,
}

/// Whether the answer to this request can bring the browser a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    Possible,
    Impossible,
}

/// Finds the person behind a session token. A token that opens nothing is nobody.
pub(super) async fn identify(
    parts: &Parts,
    token: Option<&str>,
    facts: &RequestFacts,
    renewal: Renewal,
) -> Result<Identified, Failure> {
    let nobody = Identified { caller: Caller::Anonymous, renewed: None };
    let Some(token) = token.and_then(|text| Token::parse(TokenKind::Session, text).ok()) else {
        return Ok(nobody);
    };
    let hash = TokenHash::new(*token.hash().as_bytes());
    let mut read = parts.store.read().await?;
    let Some(found) = find_session(parts, read.as_mut(), &hash, facts.at).await? else { return Ok(nobody) };
    drop(read);
    if found.token_state == TokenState::Replayed {
        end_family(parts, &found, facts, Action::SessionReplay).await?;
        return Ok(nobody);
    }
    if !is_where_it_belongs(parts, &found.session, facts) {
        end_family(parts, &found, facts, Action::SessionMoved).await?;
        return Ok(nobody);
    }
    let renewed = match found.token_state {
        TokenState::Due | TokenState::Lost if renewal == Renewal::Possible => {
            renew(parts, &found, facts).await?
        }
        TokenState::Good | TokenState::Due => {
            touch(parts, &found.session, facts.at).await?;
            None
        }
        _ => None,
    };
    let Found { session, user, proved, standing, .. } = found;
    let user = User::in_session(parts, user, standing, &session, proved);
    Ok(Identified { caller: Caller::User(Box::new(user)), renewed })
}

/// A session whose token was shown, and whose it is.
struct Found {
    session: Session,
    user: users::User,
    token_state: TokenState,
    /// When the person last proved who they are, whichever of the session's tokens was shown then.
    proved: Timestamp,
    standing: Standing,
}

async fn find_session(
    parts: &Parts,
    read: &mut dyn Read,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<Found>, Failure> {
    let Some(session) = read.sessions().with_token(token).await? else { return Ok(None) };
    let successor = match session.replaced_by {
        Some(id) => read.sessions().find(id).await?,
        None => None,
    };
    let shown = ShownSession {
        created: session.created,
        confirmed: session.confirmed,
        idle_expires: session.idle_expires,
        expires: session.expires,
        successor: successor.map(|one| Successor { created: one.created, confirmed: one.confirmed }),
    };
    let lifetime = parts.config.sessions;
    let token_state = judge(&shown, Rotation { every: lifetime.rotation, grace: lifetime.grace }, now);
    if token_state == TokenState::Ended {
        return Ok(None);
    }
    let newest = match session.replaced_by {
        Some(_) => read.sessions().newest_of(session.family).await?,
        None => None,
    };
    let proved = newest.map_or(session.proved, |newest| newest.proved);
    let Some(user) = read.users().find(session.user).await?.filter(|user| !user.disabled) else {
        return Ok(None);
    };
    let standing = Standing::of_person(parts, read, &user).await?;
    Ok(Some(Found { session, user, token_state, proved, standing }))
}

/// Makes the token that takes this one's place. Another request may have been faster: then its token counts.
async fn renew(parts: &Parts, found: &Found, facts: &RequestFacts) -> Result<Option<Token>, Failure> {
    let old = &found.session;
    let token = Token::mint(TokenKind::Session, &*parts.random);
    let new = Session {
        id: parts.mint.session(),
        token: TokenHash::new(*token.hash().as_bytes()),
        created: facts.at,
        proved: found.proved,
        confirmed: None,
        last_seen: facts.at,
        idle_expires: facts.at.after(parts.config.sessions.idle).min(old.expires),
        address: facts.address.map(|address| address.to_string()),
        user_agent: facts.user_agent.clone(),
        replaced_by: None,
        ..old.clone()
    };
    let made = retry(async || {
        let mut change = parts.begin().await?;
        match old.replaced_by {
            Some(stale) => change.sessions().supersede(old.id, stale, &new).await?,
            None => change.sessions().rotate(old.id, &new).await?,
        }
        change.commit(Audit::Routine("a session's token was replaced")).await
    });
    match made.await {
        Ok(()) => Ok(Some(token)),
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(None),
        made => may_fail("replace a session's token", made).map(|()| None),
    }
}

/// What is noted beside a request may wait for the next one where the database takes no changes right now: who only looks
/// is answered all the same.
pub(super) fn may_fail(what: &str, noted: Result<(), StoreError>) -> Result<(), Failure> {
    match noted {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Contention | ErrorKind::Damaged
            ) =>
        {
            tracing::warn!(error = &error as &dyn core::error::Error, "could not {what}");
            Ok(())
        }
        noted => Ok(noted?),
    }
}

/// A session that is bound is good from its own network and browser alone.
fn is_where_it_belongs(parts: &Parts, session: &Session, facts: &RequestFacts) -> bool {
    let binding = parts.config.sessions.binding;
    let began = session.address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
    let same_network = began.map(network) == facts.address.map(network);
    (!binding.address || same_network) && (!binding.user_agent || session.user_agent == facts.user_agent)
}

/// Two hold what one should, or one holds it who should not: nobody can tell which, so both sign in again.
async fn end_family(
    parts: &Parts,
    found: &Found,
    facts: &RequestFacts,
    action: Action,
) -> Result<(), Failure> {
    let (session, user) = (&found.session, &found.user);
    let address = facts.address.map(|address| address.to_string());
    tracing::warn!(
        user.name = user.name,
        session.family = %session.family,
        client.address = address,
        action = action.as_str(),
        "ended a session that was used by somebody else or from elsewhere"
    );
    let entry = NewAuditEntry {
        subject: subject("session", session.family, &user.name),
        outcome: Outcome::Refused,
        address,
        detail: serde_json::json!({ "user_agent": facts.user_agent }),
        ..entry(parts.mint.audit(), facts.at, ANONYMOUS, action)
    };
    let replay = (action == Action::SessionReplay).then(|| replay(parts, found, facts));
    retry(async || {
        let mut change = parts.begin().await?;
        change.sessions().end_family(session.family).await?;
        change.then(Follow::SessionsEnded);
        if let Some(replay) = &replay {
            alerts::raise(&mut change, replay).await?;
        }
        change.commit(Audit::entry(entry.clone())).await
    })
    .await
    .map_err(Failure::from)
}

fn replay(parts: &Parts, found: &Found, facts: &RequestFacts) -> NewAlert {
    let Found { session, user, .. } = found;
    let detail = serde_json::json!({
        "session": session.family.to_string(),
        "shown_from": facts.address.map(|address| address.to_string()),
        "given_to": session.address,
    });
    let summary = "A session token was used again after another had taken its place; the session has ended.";
    alerts::found(
        parts,
        AlertKind::TokenReplay,
        AlertSubject::new("user", user.id),
        &user.name,
        summary,
        detail,
    )
}

async fn touch(parts: &Parts, session: &Session, now: Timestamp) -> Result<(), Failure> {
    if session.confirmed.is_some() && now.since(session.last_seen) < TOUCH_INTERVAL {
        return Ok(());
    }
    let idle_expires = now.after(parts.config.sessions.idle).min(session.expires);
    let touched = retry(async || {
        let mut change = parts.begin().await?;
        change.sessions().touch(session.id, now, idle_expires).await?;
        change.commit(Audit::Routine("a session was used")).await
    });
    match touched.await {
        // It ended at this very moment; the next request is told.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        touched => may_fail("note that a session was used", touched),
    }
}
