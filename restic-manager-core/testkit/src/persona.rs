//! Who an agent is, and how it introduces itself.

use restic_manager_core::{
    clock::Clock,
    handshake::{AgentSide, agent_token_context, enrolment_token_context},
    link::{Link, socket_settings},
};
use restic_manager_crypto::{ChannelKeys, Fingerprint, Identity, SecretString, SystemRandom};
use restic_manager_proto::{
    HostFacts, HostId, OutboxId,
    agent::{Hello, Intent, Message, Refusal, Report, ReportItem},
    capability::Capabilities,
    session::{Event, Limits, Session},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async_with_config;

use crate::agent::{Agent, patiently};

/// A server as its agents know it.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where it listens.
    pub address: SocketAddr,
    /// What they pin.
    pub fingerprint: Fingerprint,
    /// The agents' clock.
    pub clock: Arc<dyn Clock>,
}

/// Who an agent is, between its connections.
#[derive(Debug)]
pub struct Persona {
    /// Its key.
    pub identity: Identity,
    /// What it got for its enrolment token.
    pub token: SecretString,
    /// The host it speaks for.
    pub host: HostId,
    /// Where its reports wait.
    pub outbox: OutboxId,
    /// The number of the last one that was acknowledged.
    pub sent: u64,
}

impl Persona {
    /// Spends an enrolment token, and stays connected.
    pub async fn enrol(server: &Remote, identity: Identity, token: &str) -> (Self, Agent) {
        let agent = shake_hands(server, &identity, Intent::Enrol {}, token).await.expect("a good token");
        let host = agent.welcome.host;
        let sealed = agent.welcome.token.clone().expect("an agent that enrols gets its token");
        let token = agent.keys.open(&agent_token_context(host), sealed.as_bytes()).unwrap();
        let outbox = OutboxId::from_bytes(*host.as_bytes());
        (Self { identity, token: token.into_string().unwrap(), host, outbox, sent: 0 }, agent)
    }

    /// Comes back.
    pub async fn connect(&self, server: &Remote) -> Agent {
        self.connect_stating(server, Capabilities::of_agent()).await
    }

    /// Comes back as an agent of another version: what it says that it can do is this.
    pub async fn connect_stating(&self, server: &Remote, capabilities: Capabilities) -> Agent {
        let (side, hello) = opening(&self.identity, Intent::Connect { host: self.host });
        let hello = hello.with_capabilities(capabilities);
        introduce(server, &self.identity, (side, hello), self.token.expose()).await.expect("a known agent")
    }

    /// Sends items and waits until they are acknowledged.
    pub async fn report(&mut self, agent: &mut Agent, items: Vec<ReportItem>) {
        let report = Report::new(self.outbox, self.sent + 1, items);
        self.sent = report.last();
        agent.send(Message::Report(report));
        agent.acknowledged(self.sent).await;
    }
}

/// Connects, and leads the handshake.
///
/// # Errors
/// When the server refuses.
pub async fn shake_hands(
    server: &Remote,
    identity: &Identity,
    intent: Intent,
    token: &str,
) -> Result<Agent, Refusal> {
    introduce(server, identity, opening(identity, intent), token).await
}

/// What an agent of this build says first.
pub(crate) fn opening(identity: &Identity, intent: Intent) -> (AgentSide, Hello) {
    AgentSide::start(intent, identity, "0.1.0", &SystemRandom::new())
}

async fn introduce(
    server: &Remote,
    identity: &Identity,
    opening: (AgentSide, Hello),
    token: &str,
) -> Result<Agent, Refusal> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut link, keys) =
        prove(server, stream, "/ws/agent", identity, opening, token, facts("web-01")).await?;
    match patiently(link.next()).await.unwrap() {
        Event::Established(Some(welcome)) => Ok(Agent { link, keys, welcome }),
        Event::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

/// Leads the handshake at a path of the server up to the proof.
pub(crate) async fn prove(
    server: &Remote,
    stream: TcpStream,
    path: &str,
    identity: &Identity,
    (side, hello): (AgentSide, Hello),
    token: &str,
    facts: HostFacts,
) -> Result<(Link<TcpStream>, ChannelKeys), Refusal> {
    stream.set_nodelay(true).unwrap();
    let url = format!("ws://{}{path}", server.address);
    let (socket, _) = client_async_with_config(url, stream, Some(socket_settings())).await.unwrap();
    let intent = hello.intent;
    let session = Session::connect(server.clock.now(), hello, Limits::default());
    let mut link = Link::new(socket, session, &*server.clock);
    let (challenge, frame) = match patiently(link.next()).await.unwrap() {
        Event::Challenge { challenge, hello_frame } => (challenge, hello_frame),
        Event::Refused(refusal) => return Err(refusal),
        other => panic!("{other:?}"),
    };
    let trusting = side.check(&frame, &challenge, &server.fingerprint).expect("the pinned server");
    let context = match intent {
        Intent::Connect { host } => agent_token_context(host),
        _ => enrolment_token_context(&identity.public_key()),
    };
    let (proof, keys) = trusting.prove(identity, &context, &SecretString::new(token), facts);
    let now = link.now();
    link.session().prove(now, proof);
    Ok((link, keys))
}

pub(crate) fn facts(hostname: &str) -> HostFacts {
    let mut facts = HostFacts::default();
    facts.hostname = hostname.into();
    facts.restic_version = Some("0.18.0".into());
    facts
}
