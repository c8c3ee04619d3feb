//! Who calls, checked once. Only dispatch can make a [`Cx`], so whoever holds one holds a checked caller.

use core::{net::IpAddr, time::Duration};
use restic_manager_crypto::{CsrfToken, Token, TokenKind};
use restic_manager_proto::{
    ApiTokenId, RequestId, Scope, SessionId, Timestamp, UserId,
    api::Code,
    vocabulary::{Action, ActorKind, Outcome, Role},
};
use restic_manager_store::{
    Audit, Read, Transaction,
    audit::{Actor, NewAuditEntry, Subject},
    sessions::Session,
    users,
};
use std::sync::Arc;

use crate::{config::SecondFactor, failure::Failure, shared::Shared};

/// A session is noted as used at most this often.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);
/// How long a proof of identity counts as recent.
const PROOF_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How often an open socket looks whether its person is still signed in. An end on this server is noticed at once.
const WATCH_INTERVAL: Duration = Duration::from_secs(30);

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody known.
    Anonymous,
    /// A signed-in person, or their program.
    User(Box<User>),
}

/// A person, or a program that acts for one.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    /// What this caller may do now.
    pub(crate) role: Role,
    /// What the person was given: more than `role` while a second factor is missing.
    pub(crate) granted: Role,
    pub(crate) scope: Scope,
    pub(crate) means: Means,
}

/// How a caller is known.
#[derive(Clone, Debug)]
pub(crate) enum Means {
    /// A person by their session.
    Session(SignedIn),
    /// A program by its token.
    Token(Program),
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) id: SessionId,
    pub(crate) family: SessionId,
    pub(crate) csrf: CsrfToken,
    /// When the person last proved who they are.
    pub(crate) proved: Timestamp,
    pub(crate) expires: Timestamp,
}

/// A program with an API token.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) id: ApiTokenId,
    pub(crate) name: String,
    /// Whether it may do what asks people for a recent proof.
    pub(crate) dangerous: bool,
    pub(crate) expires: Timestamp,
}

impl User {
    /// The session, where the caller is a person.
    pub(crate) const fn session(&self) -> Option<&SignedIn> {
        if let Means::Session(session) = &self.means { Some(session) } else { None }
    }

    /// Who acts, for the audit log: a program is named with the person whom it acts for.
    fn actor(&self) -> Actor {
        match &self.means {
            Means::Session(_) => {
                Actor { kind: ActorKind::User, id: Some(self.id.to_string()), name: Some(self.name.clone()) }
            }
            Means::Token(program) => Actor {
                kind: ActorKind::Token,
                id: Some(program.id.to_string()),
                name: Some(format!("{} of {}", program.name, self.name)),
            },
        }
    }

    /// Tells callers apart whose requests may have the same key.
    pub(super) fn key(&self) -> String {
        match &self.means {
            Means::Session(_) => self.id.to_string(),
            Means::Token(program) => program.id.to_string(),
        }
    }
}

/// What is known of a request besides its parts.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: RequestId,
    pub(crate) at: Timestamp,
    /// Where it comes from, by the word of trusted proxies alone.
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
}

/// The context of one use case: the checked caller, the request's facts and the server's parts.
#[derive(Clone)]
pub(crate) struct Cx {
    shared: Arc<Shared>,
    caller: Caller,
    facts: Facts,
}

impl Cx {
    pub(super) const fn new(shared: Arc<Shared>, caller: Caller, facts: Facts) -> Self {
        Self { shared, caller, facts }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The moment of the request: the same throughout one use case.
    pub(crate) const fn now(&self) -> Timestamp {
        self.facts.at
    }

    /// The signed-in person. Routes for roles always have one.
    pub(crate) fn user(&self) -> Result<&User, Failure> {
        match &self.caller {
            Caller::User(user) => Ok(user),
            Caller::Anonymous => Err(unauthenticated()),
        }
    }

    /// What part of the fleet the caller sees: nothing, when nobody is signed in.
    pub(crate) fn scope(&self) -> &Scope {
        static NOTHING: Scope = Scope::nothing();
        match &self.caller {
            Caller::User(user) => &user.scope,
            Caller::Anonymous => &NOTHING,
        }
    }

    /// The caller's session. Routes for persons always have one.
    pub(crate) fn session(&self) -> Result<&SignedIn, Failure> {
        self.user()?.session().ok_or_else(needs_person)
    }

    /// A look at one state of the data.
    pub(crate) async fn read(&self) -> Result<Box<dyn Read>, Failure> {
        Ok(self.shared.store.read().await?)
    }

    /// A change.
    pub(crate) async fn begin(&self) -> Result<Box<dyn Transaction>, Failure> {
        Ok(self.shared.store.begin().await?)
    }

    /// The audit entry of what this caller does.
    pub(crate) fn audit(&self, action: Action, subject: Option<Subject>) -> Audit {
        Audit::entry(self.entry(action, subject, Outcome::Done, serde_json::Value::Null))
    }

    /// The same with more words about it: an object without secrets.
    pub(crate) fn audit_with(
        &self,
        action: Action,
        subject: Option<Subject>,
        detail: serde_json::Value,
    ) -> Audit {
        Audit::entry(self.entry(action, subject, Outcome::Done, detail))
    }

    /// An audit entry with every part given.
    pub(crate) fn entry(
        &self,
        action: Action,
        subject: Option<Subject>,
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> NewAuditEntry {
        NewAuditEntry {
            id: self.shared.mint.audit(),
            moment: self.facts.at,
            actor: self.actor(),
            action,
            subject,
            outcome,
            address: self.facts.address.map(|address| address.to_string()),
            detail,
        }
    }

    fn actor(&self) -> Actor {
        match &self.caller {
            Caller::Anonymous => Actor { kind: ActorKind::Anonymous, id: None, name: None },
            Caller::User(user) => user.actor(),
        }
    }
}

/// Finds the person behind a session token. A token that opens nothing is nobody.
pub(super) async fn identify(
    shared: &Shared,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Caller, Failure> {
    let Some(token) = token.and_then(|text| Token::parse(TokenKind::Session, text).ok()) else {
        return Ok(Caller::Anonymous);
    };
    let hash = restic_manager_store::TokenHash::new(*token.hash().as_bytes());
    let mut read = shared.store.read().await?;
    let Some(session) = read.sessions().with_token(&hash).await?.filter(|session| is_live(session, now))
    else {
        return Ok(Caller::Anonymous);
    };
    let Some(user) = read.users().find(session.user).await?.filter(|user| !user.disabled) else {
        return Ok(Caller::Anonymous);
    };
    let role = acting_role(shared, read.as_mut(), &user).await?;
    drop(read);
    touch(shared, &session, now).await?;
    let means = Means::Session(SignedIn {
        id: session.id,
        family: session.family,
        csrf: CsrfToken::of(&token),
        proved: session.proved,
        expires: session.expires,
    });
    let users::User { id, name, role: granted, scope, .. } = user;
    Ok(Caller::User(Box::new(User { id, name, role, granted, scope, means })))
}

/// What a person may do: an admin without the second factor that is asked for can only look.
async fn acting_role(shared: &Shared, read: &mut dyn Read, user: &users::User) -> Result<Role, Failure> {
    let asked = user.role == Role::Admin && shared.config.second_factor == SecondFactor::RequiredForAdmins;
    let missing = asked && !read.factors().has_second(user.id).await?;
    Ok(if missing { Role::Viewer } else { user.role })
}

/// Finds the program behind an API token, and who made it. A token that opens nothing is nobody.
pub(super) async fn identify_program(
    shared: &Shared,
    token: &Token,
    facts: &Facts,
) -> Result<Caller, Failure> {
    let hash = restic_manager_store::TokenHash::new(*token.hash().as_bytes());
    let mut read = shared.store.read().await?;
    let known = read.api_tokens().with_token(&hash).await?;
    let Some(token) = known.filter(|token| token.revoked.is_none() && facts.at < token.expires) else {
        return Ok(Caller::Anonymous);
    };
    let Some(maker) = read.users().find(token.user).await?.filter(|user| !user.disabled) else {
        return Ok(Caller::Anonymous);
    };
    let role = token.role.min(acting_role(shared, read.as_mut(), &maker).await?);
    drop(read);
    if token.last_used.is_none_or(|used| facts.at.since(used) >= TOUCH_INTERVAL) {
        let address = facts.address.map(|address| address.to_string());
        let mut transaction = shared.store.begin().await?;
        transaction.api_tokens().touch(token.id, facts.at, address.as_deref()).await?;
        transaction.commit(Audit::Routine("an API token was used")).await?;
    }
    let means = Means::Token(Program {
        id: token.id,
        name: token.name,
        dangerous: token.dangerous,
        expires: token.expires,
    });
    let users::User { id, name, scope, .. } = maker;
    Ok(Caller::User(Box::new(User { id, name, role, granted: role, scope, means })))
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    session.replaced_by.is_none() && now < session.idle_expires && now < session.expires
}

/// Waits until a person is no longer signed in.
pub(super) async fn signed_out(shared: Arc<Shared>, user: Box<User>) {
    loop {
        // Listens before it looks, so that no end falls in between.
        let mut news = core::pin::pin!(shared.sessions_changed.notified());
        news.as_mut().enable();
        match is_signed_in(&shared, &user).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn core::error::Error,
                    "could not look whether a session has ended"
                );
            }
        }
        tokio::select! {
            () = news => {}
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
        }
    }
}

async fn is_signed_in(shared: &Shared, user: &User) -> Result<bool, Failure> {
    let mut read = shared.store.read().await?;
    let now = shared.now();
    let live = match &user.means {
        Means::Session(session) => {
            read.sessions().find(session.id).await?.is_some_and(|session| is_live(&session, now))
        }
        Means::Token(program) => {
            let token = read.api_tokens().find(program.id).await?;
            token.is_some_and(|token| token.revoked.is_none() && now < token.expires)
        }
    };
    let may_as_before =
        |person: &users::User| !person.disabled && person.role >= user.role && person.scope == user.scope;
    let person = read.users().find(user.id).await?.filter(may_as_before);
    Ok(live && person.is_some())
}

async fn touch(shared: &Shared, session: &Session, now: Timestamp) -> Result<(), Failure> {
    if now.since(session.last_seen) < TOUCH_INTERVAL {
        return Ok(());
    }
    let idle_expires = now.after(shared.config.sessions.idle).min(session.expires);
    let mut transaction = shared.store.begin().await?;
    let touched = transaction.sessions().touch(session.id, now, idle_expires).await;
    match touched {
        Ok(()) => Ok(transaction.commit(Audit::Routine("a session was used")).await?),
        // It ended at this very moment; the next request is told.
        Err(error) if error.kind() == restic_manager_store::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a proof of identity is fresh enough for what asks for a recent one.
fn is_recent(proved: Timestamp, now: Timestamp) -> bool {
    now.since(proved) <= PROOF_LIFETIME
}

/// Refuses who has not proved for a while who they are: an open browser is not its owner.
pub(super) fn check_proof(user: &User, now: Timestamp) -> Result<(), Failure> {
    match &user.means {
        Means::Session(session) if is_recent(session.proved, now) => Ok(()),
        Means::Session(_) => Err(Failure::new(
            Code::ProofNeeded,
            "this asks for a proof of identity from the last ten minutes",
            "prove who you are with POST /api/v1/session/proof, and send this again",
        )),
        Means::Token(program) if program.dangerous => Ok(()),
        Means::Token(program) => Err(Failure::new(
            Code::Forbidden,
            format!("the API token {} was not made for dangerous acts", program.name),
            "make a token that may do them too, or do it as a person",
        )),
    }
}

pub(super) fn needs_person() -> Failure {
    Failure::new(
        Code::Forbidden,
        "this is for a person in their own session, and the caller is a program with an API token",
        "sign in and do it there",
    )
}

pub(super) fn unauthenticated() -> Failure {
    Failure::new(Code::Unauthenticated, "nobody is signed in, or the session has ended", "sign in")
}
