//! Who calls, checked once: dispatch alone makes a [`Cx`], so whoever holds one holds a checked caller.

use core::{net::IpAddr, time::Duration};
use restic_manager_crypto::{Mark, SecretString};
use restic_manager_proto::{
    ApiTokenId, RequestId, Scope, SessionId, Timestamp, UserId,
    api::Code,
    vocabulary::{Action, ActorKind, Outcome, Role},
};
use restic_manager_store::{
    Audit, Read,
    audit::{Actor, NewAuditEntry, Subject},
    sessions, users,
};
use std::sync::Arc;

use super::standing::Standing;
use crate::{
    entry::{ANONYMOUS, entry},
    failure::Failure,
    parts::{Change, Parts},
};

/// How long a proof of identity counts as recent.
const PROOF_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody known.
    Anonymous,
    /// A signed-in person, or their program.
    User(Box<User>),
}

impl Caller {
    /// Tells callers apart.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::User(user) => user.key(),
        }
    }
}

/// A person, or a program that acts for one.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    /// The role that was given: more than that of `standing` while a second factor is missing.
    pub(crate) granted: Role,
    /// What this caller may do now.
    pub(crate) standing: Standing,
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
    /// The session, by the id that stays when its token is replaced.
    pub(crate) family: SessionId,
    pub(crate) csrf: SecretString,
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
    /// A person in a session of theirs, proved at `proved`.
    pub(crate) fn in_session(
        parts: &Parts,
        person: users::User,
        standing: Standing,
        session: &sessions::Session,
        proved: Timestamp,
    ) -> Self {
        let means = Means::Session(SignedIn {
            family: session.family,
            csrf: parts.keyring.mark(Mark::SessionForm, session.family.as_bytes()),
            proved,
            expires: session.expires,
        });
        Self { id: person.id, name: person.name, granted: person.role, standing, means }
    }

    /// Whether the caller is an admin of the whole fleet.
    pub(crate) fn is_admin_of_all(&self) -> bool {
        self.standing.role == Role::Admin && self.standing.scope.is_all()
    }

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
    pub(crate) fn key(&self) -> String {
        match &self.means {
            Means::Session(_) => self.id.to_string(),
            Means::Token(program) => program.id.to_string(),
        }
    }
}

/// What is known of a request besides its parts.
#[derive(Clone, Debug)]
pub(crate) struct RequestFacts {
    pub(crate) id: RequestId,
    pub(crate) at: Timestamp,
    /// Where it comes from, by the word of trusted proxies alone.
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    /// What the browser shows of having been here before, not yet believed.
    pub(crate) device: Option<String>,
}

/// The context of one use case: the checked caller, the request's facts and the server's parts.
#[derive(Clone)]
pub(crate) struct Cx {
    parts: Arc<Parts>,
    caller: Caller,
    facts: RequestFacts,
}

impl Cx {
    pub(crate) const fn new(parts: Arc<Parts>, caller: Caller, facts: RequestFacts) -> Self {
        Self { parts, caller, facts }
    }

    pub(crate) const fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    pub(crate) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) const fn facts(&self) -> &RequestFacts {
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
            Caller::User(user) => &user.standing.scope,
            Caller::Anonymous => &NOTHING,
        }
    }

    /// The caller's session. Routes for persons always have one.
    pub(crate) fn session(&self) -> Result<&SignedIn, Failure> {
        self.user()?.session().ok_or_else(needs_person)
    }

    /// Refuses whoever is no admin, or has not proved for a while who they are: for what a request may ask beyond what its
    /// row of the table of routes allows.
    pub(crate) fn expect_admin(&self, what: &str) -> Result<(), Failure> {
        let user = self.user()?;
        if !user.standing.role.includes(Role::Admin) {
            let detail = format!("{what} needs the role {}", Role::Admin);
            return Err(Failure::new(Code::Forbidden, detail, "ask an admin to do it, or for the role"));
        }
        check_proof(user, self.now())
    }

    /// Refuses whoever has not proved for a while who they are.
    pub(crate) fn expect_proof(&self) -> Result<(), Failure> {
        check_proof(self.user()?, self.now())
    }

    /// A look at one state of the data.
    pub(crate) async fn read(&self) -> Result<Box<dyn Read>, Failure> {
        Ok(self.parts.store.read().await?)
    }

    /// A change.
    pub(crate) async fn begin(&self) -> Result<Change<'_>, Failure> {
        Ok(self.parts.begin().await?)
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
            subject,
            outcome,
            address: self.facts.address.map(|address| address.to_string()),
            detail,
            ..entry(self.parts.mint.audit(), self.facts.at, self.actor(), action)
        }
    }

    fn actor(&self) -> Actor {
        match &self.caller {
            Caller::Anonymous => ANONYMOUS,
            Caller::User(user) => user.actor(),
        }
    }
}

/// Whether a proof of identity is fresh enough for what asks for a recent one.
fn is_recent(proved: Timestamp, now: Timestamp) -> bool {
    now.since(proved) <= PROOF_LIFETIME
}

/// Refuses who has not proved for a while who they are: an open browser is not its owner.
pub(crate) fn check_proof(user: &User, now: Timestamp) -> Result<(), Failure> {
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

pub(crate) fn needs_person() -> Failure {
    Failure::new(
        Code::Forbidden,
        "this is for a person in their own session, and the caller is a program with an API token",
        "sign in and do it there",
    )
}

pub(crate) fn unauthenticated() -> Failure {
    Failure::new(Code::Unauthenticated, "nobody is signed in, or the session has ended", "sign in")
}
