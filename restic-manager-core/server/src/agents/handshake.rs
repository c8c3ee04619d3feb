//! Whether an agent is who it says, and what an enrolment brings about.

use core::net::IpAddr;
use restic_manager_core::{
    agent_token::{self, Shown},
    handshake::{ServerSide, agent_token_context, enrolment_token_context, public_key},
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelKeys, PublicKey, SecretString, Token, TokenKind};
use restic_manager_proto::{
    HostFacts, HostId, Opaque,
    agent::{Intent, Refusal, RefusalCode, Welcome},
    api::events::FleetEvent,
    session::{Close, Event},
    vocabulary::{Action, ActorKind, AlertKind, EnrolmentState, Outcome},
};
use restic_manager_store::{
    Audit, Error, ErrorKind, TokenHash, Transaction,
    alerts::AlertSubject,
    audit::{Actor, NewAuditEntry, Subject},
    enrolments::Enrolment,
    hosts::Host,
    retry,
};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    described,
    pending::{self, Guest},
    token::{self, hash_of},
};
use crate::{
    app::{
        alerts,
        newcomer::{self, Plan},
        registration,
    },
    parts::{
        Parts,
        throttle::{self, Door},
    },
};

/// An agent that has proven itself.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) host: Host,
    pub(super) keys: ChannelKeys,
}

/// Why an agent was not admitted.
#[derive(Debug)]
pub(super) enum Rejected {
    /// The connection ended before it was decided.
    Ended(Ended),
    /// The agent is told why.
    Refused(Refusal),
}

/// What an agent is told when anything about it is wrong: not what.
const UNTRUSTED: &str = "this server does not know this agent; if it should, enrol the host again";
const ENROLMENT_REFUSED: &str =
    "the enrolment token cannot be spent; issue a new one and run the install line again";

const ENROLMENT_CLOSED: &str =
    "this server is closed to new hosts; ask an admin to open it, then run the install line again";
const CLOSED: &str = "the server is closed to new hosts";

/// Who was let in.
#[derive(Debug)]
pub(super) enum Entrant {
    /// The agent of a host, who has been welcomed.
    Host(Box<Admitted>),
    /// An announced host, who waits for its verdict.
    Guest(Box<Guest>),
}

/// Which address an agent came to. Each takes its own intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    /// `/ws/agent`: agents of hosts, and hosts that enrol.
    Agents,
    /// `/ws/agent/pending`: hosts that announce themselves.
    Pending,
}

/// Leads the handshake: up to, and including, the welcome of a host; up to the proof of an announced one.
pub(super) async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
    parts: &Arc<Parts>,
    link: &mut Link<S>,
    entrance: Entrance,
    address: Option<IpAddr>,
) -> Result<Entrant, Rejected> {
    if entrance == Entrance::Pending {
        // Before anything is computed for a stranger.
        pending::count(parts, address).await?;
    }
    let Event::Hello { hello, version, frame } = next(link).await? else { return Err(out_of_order()) };
    let agent = public_key(&hello).map_err(|_| malformed())?;
    let random = &*parts.random;
    let (side, challenge) =
        ServerSide::challenge(&parts.identity, &hello, &frame, version, random).map_err(|_| malformed())?;
    let now = link.now();
    link.session().challenge(now, challenge);
    let Event::Proof(proof) = next(link).await? else { return Err(out_of_order()) };

    let candidate = Candidate { parts, agent, facts: described::bounded(proof.facts.clone()), address };
    let context = match hello.intent {
        Intent::Connect { host } => agent_token_context(host),
        _ => enrolment_token_context(&agent),
    };
    let (token, keys) =
        side.accept(&agent, &context, &proof).map_err(|_| refused(RefusalCode::Untrusted, UNTRUSTED))?;
    let (host, new_token) = match (entrance, hello.intent) {
        (Entrance::Agents, Intent::Connect { host }) => (candidate.connect(host, &token).await?, None),
        (Entrance::Agents, Intent::Enrol {}) => {
            candidate.enrol(&token).await.map(|(host, token)| (host, Some(token)))?
        }
        (Entrance::Pending, Intent::Announce {}) => {
            return candidate.announce(keys).await.map(|guest| Entrant::Guest(Box::new(guest)));
        }
        _ => return Err(malformed()),
    };
    let generation = u64::try_from(host.generation).unwrap_or(0);
    let now = link.now();
    link.session().welcome(now, welcome(&host, generation, new_token.as_ref(), &keys));
    Ok(Entrant::Host(Box::new(Admitted { host, keys })))
}

/// The welcome of a host, with its token when it has just become one.
pub(super) fn welcome(
    host: &Host,
    generation: u64,
    token: Option<&SecretString>,
    keys: &ChannelKeys,
) -> Welcome {
    let welcome = Welcome::new(host.id, host.name.clone(), generation);
    match token {
        Some(token) => {
            let sealed = keys.seal(&agent_token_context(host.id), token.expose().as_bytes());
            welcome.with_token(Opaque::new(sealed))
        }
        None => welcome,
    }
}

/// Somebody who holds a key and shows a token.
pub(super) struct Candidate<'a> {
    pub(super) parts: &'a Arc<Parts>,
    pub(super) agent: PublicKey,
    pub(super) facts: HostFacts,
    pub(super) address: Option<IpAddr>,
}

impl Candidate<'_> {
    /// Key, token and host must belong together.
    async fn connect(&self, id: HostId, token: &SecretString) -> Result<Host, Rejected> {
        let hash = Token::parse(TokenKind::Agent, token.expose()).ok().map(|token| hash_of(&token));
        let found = retry(|| self.take_up(id, hash)).await.map_err(|error| unavailable(&error))?;
        match found {
            Known::Yes(host) => Ok(*host),
            Known::Removed => {
                Err(refused(RefusalCode::Removed, "this host was removed from the server; enrol it again"))
            }
            Known::Replayed(host) => {
                self.note_replay(&host).await;
                Err(refused(RefusalCode::Untrusted, UNTRUSTED))
            }
            Known::No => {
                self.note_refusal(
                    Action::AgentRefused,
                    "host",
                    &id.to_string(),
                    "key, token and host do not match",
                )
                .await;
                Err(refused(RefusalCode::Untrusted, UNTRUSTED))
            }
        }
    }

    async fn take_up(&self, id: HostId, token: Option<TokenHash>) -> Result<Known, Error> {
        let mut transaction = self.parts.store.begin().await?;
        let Some(host) = transaction.hosts().find(id).await? else { return Ok(Known::No) };
        if host.public_key.as_bytes() != self.agent.as_bytes() {
            return Ok(Known::No);
        }
        if host.deleted.is_some() {
            return Ok(Known::Removed);
        }
        let Some(shown) = token else { return Ok(Known::No) };
        let audit = match agent_token::judge(&token::tokens(&host), &shown) {
            Shown::Current => {
                if host.next_token.is_some() {
                    transaction.hosts().withdraw_token(id).await?;
                }
                Audit::Routine("an agent connected")
            }
            Shown::Next => {
                transaction.hosts().confirm_token(id, &shown, self.parts.now()).await?;
                Audit::entry(token::replaced(self.parts, &host))
            }
            Shown::Revoked => return Ok(Known::Replayed(Box::new(host))),
            Shown::Unknown => return Ok(Known::No),
        };
        let host = self.note_connection(transaction.as_mut(), host).await?;
        transaction.commit(audit).await?;
        Ok(Known::Yes(Box::new(host)))
    }

    /// Somebody holds the agent's key and a token that was revoked: a copy of its files is about.
    /// The alert is raised whatever else is refused; only its entries have a budget.
    async fn note_replay(&self, host: &Host) {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(client.address = address, host.id = %host.id, "an agent showed a revoked token");
        let subject =
            Subject { kind: "host".to_owned(), id: Some(host.id.to_string()), name: Some(host.name.clone()) };
        let actor = Actor { kind: ActorKind::Anonymous, id: None, name: None };
        let detail = serde_json::json!({ "address": address, "key": self.agent.fingerprint().to_string() });
        let entry =
            self.entry(actor, Action::AgentTokenReplay, Some(subject), Outcome::Refused, detail.clone());
        let may_record = self.parts.hub.may_record_refusal(self.parts.now());
        let alert = alerts::found(
            self.parts,
            AlertKind::AgentTokenReplay,
            AlertSubject::new("host", host.id),
            &host.name,
            format!("The agent of {} showed a token that was replaced.", host.name),
            detail,
        );
        let recorded = retry(async || {
            let mut transaction = self.parts.store.begin().await?;
            transaction.alerts().raise(&alert).await?;
            let audit = match may_record {
                true => Audit::entry(entry.clone()),
                false => Audit::Routine("a token was shown again"),
            };
            transaction.commit(audit).await
        });
        match recorded.await {
            Ok(()) => self.parts.announce(FleetEvent::Alerts {}),
            Err(error) => {
                tracing::error!(error = &error as &dyn core::error::Error, "could not record a refusal");
            }
        }
    }

    async fn note_connection(
        &self,
        transaction: &mut dyn Transaction,
        mut host: Host,
    ) -> Result<Host, Error> {
        let now = self.parts.now();
        let address = self.address.map(|address| address.to_string());
        host.generation = transaction.hosts().connect(host.id, now, &self.facts, address.as_deref()).await?;
        host.last_seen = Some(now);
        host.facts.clone_from(&self.facts);
        Ok(host)
    }

    /// Spends an enrolment token: the host and all that the invitation promised come into being at once.
    async fn enrol(&self, token: &SecretString) -> Result<(Host, SecretString), Rejected> {
        let Ok(token) = Token::parse(TokenKind::Enrolment, token.expose()) else {
            return Err(self.refuse_enrolment("the token is malformed").await);
        };
        let hash = hash_of(&token);
        let outcome = retry(|| self.spend(hash)).await.map_err(|error| unavailable(&error))?;
        match outcome {
            Ok((host, agent_token)) => Ok((*host, agent_token)),
            Err(CLOSED) => {
                self.note_refusal(Action::EnrolmentRefused, "enrolment", "", CLOSED).await;
                Err(refused(RefusalCode::EnrolmentClosed, ENROLMENT_CLOSED))
            }
            Err(reason) => Err(self.refuse_enrolment(reason).await),
        }
    }

    /// Whoever tries too often is told to come again later, which a mistaken agent does by itself.
    async fn refuse_enrolment(&self, reason: &'static str) -> Rejected {
        let door = Door::Token("enrolment");
        if let Err(failure) = throttle::take(self.parts, door, self.address, self.parts.now()).await {
            tracing::debug!(error = &failure as &dyn core::error::Error, "an enrolment was not counted");
            return refused(RefusalCode::Busy, "too many failed attempts from this network; try again later");
        }
        self.note_refusal(Action::EnrolmentRefused, "enrolment", "", reason).await;
        refused(RefusalCode::EnrolmentRefused, ENROLMENT_REFUSED)
    }

    async fn spend(&self, hash: TokenHash) -> Result<Result<(Box<Host>, SecretString), &'static str>, Error> {
        let now = self.parts.now();
        let mut transaction = self.parts.store.begin().await?;
        // Before the token is looked at: a closed server tells nobody whether a token is good.
        if !registration::is_open_in(transaction.as_mut()).await? {
            return Ok(Err(CLOSED));
        }
        let Some(invitation) = transaction.enrolments().with_token(&hash).await? else {
            return Ok(Err("the token is unknown"));
        };
        if invitation.expires <= now {
            return Ok(Err("the token has expired"));
        }
        let agent_token = Token::mint(TokenKind::Agent, &*self.parts.random);
        let host = match (invitation.state, invitation.take_over) {
            (EnrolmentState::Open, Some(host)) => {
                self.take_over(transaction.as_mut(), &invitation, host, &agent_token).await?
            }
            (EnrolmentState::Open, None) => {
                self.make_host(transaction.as_mut(), &invitation, &agent_token).await?
            }
            (EnrolmentState::Spent, _) => {
                self.repeat(transaction.as_mut(), &invitation, &agent_token).await?
            }
            _ => Err("the token was withdrawn"),
        };
        let host = match host {
            Ok(id) => transaction.hosts().find(id).await?.ok_or(Error::new(ErrorKind::NotFound, "host"))?,
            Err(reason) => return Ok(Err(reason)),
        };
        let host = self.note_connection(transaction.as_mut(), host).await?;
        transaction.commit(Audit::entry(self.enrolled(&host, &invitation))).await?;
        if invitation.take_over.is_some() {
            self.parts.hub.disconnect(host.id, Close::Removed);
        }
        self.parts.announce(FleetEvent::Enrolment { enrolment: invitation.id });
        Ok(Ok((Box::new(host), SecretString::new(agent_token.expose()))))
    }

    /// The record that an open invitation gives to this agent. Key and token of the old one end with this commit.
    async fn take_over(
        &self,
        transaction: &mut dyn Transaction,
        invitation: &Enrolment,
        host: HostId,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let key = restic_manager_store::PublicKey::new(*self.agent.as_bytes());
        match transaction.hosts().take_over(host, &key, &hash_of(agent_token), self.parts.now()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err("the host was removed")),
            taken => taken?,
        }
        transaction.enrolments().spend(invitation.id, host).await?;
        Ok(Ok(host))
    }

    /// The host that an open invitation promises.
    async fn make_host(
        &self,
        transaction: &mut dyn Transaction,
        invitation: &Enrolment,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let plan = Plan {
            host_name: &invitation.host_name,
            tags: &invitation.tags,
            presence_mode: invitation.presence_mode,
            attachments: &invitation.attachments,
            include_paths: &invitation.include_paths,
        };
        let key = restic_manager_store::PublicKey::new(*self.agent.as_bytes());
        let made = newcomer::make(self.parts, transaction, plan, key, hash_of(agent_token)).await;
        match made {
            Err(error) if error.kind() == ErrorKind::Taken => Ok(Err("the host's name is in use")),
            made => {
                let id = made?;
                transaction.enrolments().spend(invitation.id, id).await?;
                Ok(Ok(id))
            }
        }
    }

    /// The host that this very agent became with this token without hearing of it: the connection broke after the commit
    /// and before the welcome. Only the holder of the token and of the key gets an answer again.
    async fn repeat(
        &self,
        transaction: &mut dyn Transaction,
        invitation: &Enrolment,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let host = match invitation.spent_by {
            Some(id) => transaction.hosts().find(id).await?,
            None => None,
        };
        let ours = host.filter(|host| {
            host.deleted.is_none()
                && host.outbox.is_none()
                && host.public_key.as_bytes() == self.agent.as_bytes()
        });
        let Some(host) = ours else { return Ok(Err("the token was spent")) };
        transaction.hosts().rotate_token(host.id, &hash_of(agent_token)).await?;
        Ok(Ok(host.id))
    }

    fn enrolled(&self, host: &Host, invitation: &Enrolment) -> NewAuditEntry {
        let (id, name) = (Some(host.id.to_string()), Some(host.name.clone()));
        let subject = Subject { kind: "host".to_owned(), id: id.clone(), name: name.clone() };
        let actor = Actor { kind: ActorKind::Agent, id, name };
        let detail = serde_json::json!({
            "enrolment": invitation.id.to_string(),
            "key": self.agent.fingerprint().to_string(),
        });
        let action = if invitation.take_over.is_some() { Action::HostTakeOver } else { Action::HostEnrol };
        self.entry(actor, action, Some(subject), Outcome::Done, detail)
    }

    /// Records a refusal, within a budget: whoever knocks a thousand times fills no disk.
    pub(super) async fn note_refusal(&self, action: Action, subject: &str, id: &str, reason: &'static str) {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(client.address = address, agent.key = %self.agent.fingerprint(), reason, "refused an agent");
        if !self.parts.hub.may_record_refusal(self.parts.now()) {
            return;
        }
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        let subject = Subject { kind: subject.to_owned(), id, name: None };
        let actor = Actor { kind: ActorKind::Anonymous, id: None, name: None };
        let detail = serde_json::json!({ "reason": reason, "key": self.agent.fingerprint().to_string() });
        let entry = self.entry(actor, action, Some(subject), Outcome::Refused, detail);
        if let Err(error) = self.record(entry).await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not record a refusal");
        }
    }

    async fn record(&self, entry: NewAuditEntry) -> Result<(), Error> {
        retry(async || self.parts.store.begin().await?.commit(Audit::entry(entry.clone())).await).await
    }

    fn entry(
        &self,
        actor: Actor,
        action: Action,
        subject: Option<Subject>,
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> NewAuditEntry {
        NewAuditEntry {
            id: self.parts.mint.audit(),
            moment: self.parts.now(),
            actor,
            action,
            subject,
            outcome,
            address: self.address.map(|address| address.to_string()),
            detail,
        }
    }
}

enum Known {
    Yes(Box<Host>),
    Replayed(Box<Host>),
    Removed,
    No,
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>) -> Result<Event, Rejected> {
    link.next().await.map_err(Rejected::Ended)
}

pub(super) fn refused(code: RefusalCode, message: &str) -> Rejected {
    Rejected::Refused(Refusal::new(code, message))
}

fn malformed() -> Rejected {
    refused(RefusalCode::Malformed, "the first messages cannot be read; update the agent")
}

/// The session lets nothing else through; this is for the compiler.
fn out_of_order() -> Rejected {
    refused(RefusalCode::Malformed, "the first messages came in the wrong order; update the agent")
}

pub(super) fn unavailable(error: &Error) -> Rejected {
    tracing::error!(error = error as &dyn core::error::Error, "could not look up an agent");
    refused(RefusalCode::Busy, "the server's database does not answer; try again later")
}
