//! A scripted agent: speaks the real protocol over a real socket, and does what a test tells it.

use core::time::Duration;
use restic_manager_core::{
    clock::Clock,
    handshake::{AgentSide, agent_token_context, enrolment_token_context, job_secrets_context},
    link::{Ended, Link, socket_settings},
};
use restic_manager_crypto::{ChannelKeys, Identity, SecretString, SeededRandom, SystemRandom};
use restic_manager_proto::{
    HostFacts, HostId, JobEnd, JobId, LogLine, OutboxId, RepositorySecrets,
    agent::{Intent, JobOrder, KnownJob, Message, Refusal, Reply, Report, ReportItem, Welcome},
    session::{Event, Limits, RequestNumber, Session},
    vocabulary::{Cause, JobState, LogStream},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_tungstenite::client_async_with_config;

use crate::support::App;

/// Longest that anything may take before a test gives up: for hangs, not for speed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens, and the task that serves it.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) served: JoinHandle<()>,
}

impl App {
    /// Serves this server on a socket of its own.
    pub(crate) async fn listen(&self) -> Listening {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, service) = (self.server.clone(), self.service.clone());
        let served = tokio::spawn(async move {
            let _finish = server.serve(listener, service).await;
        });
        Listening { address, served }
    }
}

/// Who an agent is, between its connections.
pub(crate) struct Persona {
    pub(crate) identity: Identity,
    pub(crate) token: SecretString,
    pub(crate) host: HostId,
    pub(crate) outbox: OutboxId,
    pub(crate) sent: u64,
}

/// A connected agent.
pub(crate) struct Agent {
    pub(crate) link: Link<TcpStream>,
    pub(crate) keys: ChannelKeys,
    pub(crate) welcome: Welcome,
}

/// Connects, and leads the handshake.
pub(crate) async fn shake_hands(
    app: &App,
    address: SocketAddr,
    identity: &Identity,
    intent: Intent,
    token: &str,
) -> Result<Agent, Refusal> {
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/ws/agent");
    let (socket, _) = client_async_with_config(url, stream, Some(socket_settings())).await.unwrap();
    let (side, hello) = AgentSide::start(intent, identity, "0.1.0", &SystemRandom::new());
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let session = Session::connect(clock.now(), hello, Limits::default());
    let mut link = Link::new(socket, session, clock);
    let challenge = patiently(link.next()).await.unwrap();
    let (challenge, frame) = match challenge {
        Event::Challenge { challenge, hello_frame } => (challenge, hello_frame),
        Event::Refused(refusal) => return Err(refusal),
        other => panic!("{other:?}"),
    };
    let trusting =
        side.check(&frame, &challenge, &app.fingerprint.parse().unwrap()).expect("the pinned server");
    let context = match intent {
        Intent::Connect { host } => agent_token_context(host),
        _ => enrolment_token_context(&identity.public_key()),
    };
    let mut facts = HostFacts::default();
    facts.hostname = "web-01".into();
    facts.restic_version = Some("0.18.0".into());
    let (proof, keys) = trusting.prove(identity, &context, &SecretString::new(token), facts);
    let now = link.now();
    link.session().prove(now, proof);
    match patiently(link.next()).await.unwrap() {
        Event::Established(Some(welcome)) => Ok(Agent { link, keys, welcome }),
        Event::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

impl Persona {
    /// Spends an enrolment token, and stays connected.
    pub(crate) async fn enrol(app: &App, address: SocketAddr, token: &str, seed: u64) -> (Self, Agent) {
        let random = SeededRandom::new(seed);
        let identity = Identity::generate(&random);
        let agent =
            shake_hands(app, address, &identity, Intent::Enrol {}, token).await.expect("a good token");
        let host = agent.welcome.host;
        let sealed = agent.welcome.token.clone().expect("an agent that enrols gets its token");
        let token =
            agent.keys.open(&agent_token_context(host), sealed.as_bytes()).unwrap().into_string().unwrap();
        let outbox = OutboxId::from_parts(app.now(), [u8::try_from(seed % 251).unwrap(); 10]);
        (Self { identity, token, host, outbox, sent: 0 }, agent)
    }

    pub(crate) async fn connect(&self, app: &App, address: SocketAddr) -> Agent {
        let intent = Intent::Connect { host: self.host };
        shake_hands(app, address, &self.identity, intent, self.token.expose()).await.expect("a known agent")
    }

    /// Sends items and waits until they are acknowledged.
    pub(crate) async fn report(&mut self, agent: &mut Agent, items: Vec<ReportItem>) {
        let report = Report::new(self.outbox, self.sent + 1, items);
        self.sent = report.last();
        agent.send(Message::Report(report));
        agent.acknowledged(self.sent).await;
    }
}

impl Agent {
    pub(crate) fn send(&mut self, message: Message) {
        let now = self.link.now();
        self.link.session().notify(now, message).unwrap();
    }

    /// Says which jobs it knows, as each connection begins, and waits for the answer.
    pub(crate) async fn take_stock(&mut self, jobs: Vec<KnownJob>) {
        let now = self.link.now();
        let asked = self.link.session().request(now, Message::Inventory { jobs }).unwrap();
        match patiently(self.link.next()).await.unwrap() {
            Event::Reply { number, reply: Reply::Ok {} } => assert_eq!(number, asked),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn message(&mut self) -> (RequestNumber, Message) {
        loop {
            match patiently(self.link.next()).await.unwrap() {
                Event::Message { number, message } => return (number, message),
                Event::Reply { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes the next order, and says that it will be carried out.
    pub(crate) async fn order(&mut self) -> JobOrder {
        let (number, order) = self.unanswered_order().await;
        let now = self.link.now();
        self.link.session().reply(now, number, Reply::Ok {}).unwrap();
        order
    }

    pub(crate) async fn unanswered_order(&mut self) -> (RequestNumber, JobOrder) {
        loop {
            match self.message().await {
                (number, Message::StartJob(order)) => return (number, *order),
                (_, Message::Acknowledge { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The job that it is asked to cancel.
    pub(crate) async fn cancellation(&mut self) -> JobId {
        match self.message().await {
            (number, Message::CancelJob { job }) => {
                let now = self.link.now();
                self.link.session().reply(now, number, Reply::Ok {}).unwrap();
                job
            }
            other => panic!("{other:?}"),
        }
    }

    async fn acknowledged(&mut self, wanted: u64) {
        match self.message().await {
            (_, Message::Acknowledge { through, .. }) => assert_eq!(through, wanted),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn secrets(&self, order: &JobOrder) -> RepositorySecrets {
        let context = job_secrets_context(order.job);
        let plain = self
            .keys
            .open(&context, order.repository.secrets.as_bytes())
            .expect("sealed for this connection");
        serde_json::from_slice(plain.expose()).unwrap()
    }

    /// How the connection ends, and nothing before it.
    pub(crate) async fn ended(mut self) -> Ended {
        patiently(self.link.next()).await.expect_err("the connection goes on")
    }
}

/// Items of a job that runs and ends well.
pub(crate) fn started(app: &App, job: JobId) -> ReportItem {
    ReportItem::JobStarted { job, at: app.now(), command: "restic backup --json -- /srv".into() }
}

pub(crate) fn lines(app: &App, job: JobId, numbers: core::ops::RangeInclusive<u64>) -> ReportItem {
    let lines = numbers
        .map(|sequence| LogLine {
            sequence,
            at: app.now(),
            stream: LogStream::Stderr,
            text: format!("line {sequence}"),
        })
        .collect();
    ReportItem::JobLog { job, lines, dropped: 0 }
}

pub(crate) fn ended(app: &App, job: JobId) -> ReportItem {
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.exit_code = Some(0);
    end.statistics.bytes_processed = 4096;
    ReportItem::JobEnded { job, at: app.now(), end }
}

/// For hangs, not for speed.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("something that must happen did not")
}
