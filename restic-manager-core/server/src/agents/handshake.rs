//! Whether an agent is who it says.

use core::net::IpAddr;
use restic_manager_core::{
    agent_token::{self, TokenMatch},
    handshake::{ServerSide, agent_token_context, enrolment_token_context, public_key},
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelKeys, SecretString, Token, TokenKind};
use restic_manager_proto::{
    HostId,
    agent::{Hello, Intent, RefusalCode},
    capability::{self, Capabilities},
    session::{Close, Event},
    vocabulary::{Action, AlertKind, JobKind, Outcome},
};
use restic_manager_store::{
    Audit, Error, TokenHash, alerts::AlertSubject, audit::NewAuditEntry, hosts::Host, retry,
};
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::{
    announced::{self, Guest},
    candidate::{Candidate, welcome},
    described,
    refusal::{Rejected, malformed, out_of_order, refused, unavailable},
    token::{self, hash_of},
};
use crate::{
    domain::alerts,
    entry::{ANONYMOUS, subject},
    limits::HELLO_TIME,
    parts::{Parts, refusals::Refused},
};

/// An agent that has proven itself.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) host: Host,
    pub(super) keys: ChannelKeys,
    /// Kinds of jobs that it says not to do.
    pub(super) lacks: Box<[JobKind]>,
}

/// What an agent is told when anything about it is wrong: not what.
const UNTRUSTED: &str = "this server does not know this agent; if it should, enrol the host again";

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
pub(crate) enum Entrance {
    /// `/ws/agent`: agents of hosts, and hosts that enrol.
    Agents,
    /// `/ws/agent/pending`: hosts that announce themselves.
    Pending,
}

/// An agent's first message.
pub(super) struct Greeting {
    hello: Hello,
    version: u16,
    frame: String,
}

/// Waits for the first message, and not for long.
pub(super) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    link: &mut Link<S>,
) -> Result<Greeting, Rejected> {
    match soon(link).await? {
        Event::Hello { hello, version, frame } => Ok(Greeting { hello, version, frame }),
        _ => Err(out_of_order()),
    }
}

/// Leads the handshake from there: up to, and including, the welcome of a host; up to the proof of an announced one.
pub(super) async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
    parts: &Arc<Parts>,
    link: &mut Link<S>,
    Greeting { hello, version, frame }: Greeting,
    entrance: Entrance,
    address: Option<IpAddr>,
) -> Result<Entrant, Rejected> {
    if entrance == Entrance::Pending {
        // Before anything is computed for a stranger.
        announced::count(parts, address).await?;
    }
    let agent = public_key(&hello).map_err(|_| malformed())?;
    let random = &*parts.random;
    let (side, challenge) =
        ServerSide::challenge(&parts.identity, &hello, &frame, version, random).map_err(|_| malformed())?;
    let now = link.now();
    link.session().challenge(now, challenge);
    let Event::Proof(proof) = soon(link).await? else { return Err(out_of_order()) };

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
    Ok(Entrant::Host(Box::new(Admitted { host, keys, lacks: lacking(&hello.capabilities) })))
}

/// The kinds of jobs that an agent says not to do: those that are newer than it.
fn lacking(can: &Capabilities) -> Box<[JobKind]> {
    JobKind::ALL.iter().copied().filter(|kind| !can.may(&capability::job(*kind))).collect()
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
        let mut change = self.parts.begin().await?;
        let Some(host) = change.hosts().find(id).await? else { return Ok(Known::No) };
        if host.public_key.as_bytes() != self.agent.as_bytes() {
            return Ok(Known::No);
        }
        if host.deleted.is_some() {
            return Ok(Known::Removed);
        }
        let Some(shown) = token else { return Ok(Known::No) };
        let audit = match agent_token::judge(&token::tokens(&host), &shown) {
            TokenMatch::Current => {
                if host.next_token.is_some() {
                    change.hosts().withdraw_token(id).await?;
                }
                Audit::Routine("an agent connected")
            }
            TokenMatch::Next => {
                change.hosts().confirm_token(id, &shown, self.parts.now()).await?;
                Audit::entry(token::replaced(self.parts, &host))
            }
            TokenMatch::Revoked => return Ok(Known::Replayed(Box::new(host))),
            TokenMatch::Unknown => return Ok(Known::No),
        };
        let host = self.note_connection(&mut change, host).await?;
        change.commit(audit).await?;
        Ok(Known::Yes(Box::new(host)))
    }

    /// Somebody holds the agent's key and a token that was revoked: a copy of its files is about.
    /// The alert is raised whatever else is refused; only its entries have a budget.
    async fn note_replay(&self, host: &Host) {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(client.address = address, host.id = %host.id, "an agent showed a revoked token");
        let detail = serde_json::json!({ "address": address, "key": self.agent.fingerprint().to_string() });
        let entry = NewAuditEntry {
            subject: subject("host", host.id, &host.name),
            outcome: Outcome::Refused,
            detail: detail.clone(),
            ..self.entry(ANONYMOUS, Action::AgentTokenReplay)
        };
        let may_record = self.parts.refusals.may_record(Refused::ByAgents, self.parts.now());
        let alert = alerts::found(
            self.parts,
            AlertKind::AgentTokenReplay,
            AlertSubject::new("host", host.id),
            &host.name,
            format!("The agent of {} showed a token that was replaced.", host.name),
            detail,
        );
        let recorded = retry(async || {
            let mut change = self.parts.begin().await?;
            alerts::raise(&mut change, &alert).await?;
            let audit = match may_record {
                true => Audit::entry(entry.clone()),
                false => Audit::Routine("a token was shown again"),
            };
            change.commit(audit).await
        });
        if let Err(error) = recorded.await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not record a refusal");
        }
    }
}

enum Known {
    Yes(Box<Host>),
    Replayed(Box<Host>),
    Removed,
    No,
}

/// The next message, which comes at once or not at all.
async fn soon<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>) -> Result<Event, Rejected> {
    let came = timeout(HELLO_TIME, link.next()).await;
    came.unwrap_or(Err(Ended::Closed(Close::HandshakeTimeout))).map_err(Rejected::Ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_core::clock::SystemClock;
    use restic_manager_proto::session::{Limits, Session};
    use tokio::time::Instant;
    use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let (server, silent) = tokio::io::duplex(1024);
        let socket = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        let clock = SystemClock;
        let session = Session::accept(restic_manager_core::clock::Clock::now(&clock), Limits::default());
        let mut link = Link::new(socket, session, &clock);
        let begun = Instant::now();
        let Err(Rejected::Ended(ended)) = greet(&mut link).await else { panic!("it said nothing") };
        assert!(matches!(ended, Ended::Closed(Close::HandshakeTimeout)), "{ended}");
        assert_eq!(begun.elapsed().as_secs(), HELLO_TIME.as_secs());
        drop(silent);
    }
}
