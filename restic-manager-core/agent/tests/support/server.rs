#![expect(clippy::panic, reason = "a test that gets another event than it waits for has failed")]

use std::sync::Arc;

use restic_manager_agent::{
    config::ServerUrl,
    link::{Dial, DialFuture, Socket},
};
use restic_manager_core::{
    clock::{Clock, SystemClock},
    handshake::{
        ServerSide, agent_token_context, configured_hooks_context, configured_secrets_context,
        enrolment_token_context, job_hooks_context, job_secrets_context, public_key,
        question_secrets_context,
    },
    link::{Ended, Link, socket_settings},
};
use restic_manager_crypto::{
    ChannelKeys, Fingerprint, Identity, PublicKey, Random, SecretString, SeededRandom, Token, TokenKind,
};
use restic_manager_proto::{
    Hooks, HostId, JobId, Opaque, RepositorySecrets, Timestamp,
    agent::{
        AgentToken, AnswerPart, Ask, Configuration, ConfigurationVersion, ErrorCode, Hello, Intent, JobOrder,
        KnownJob, Message, OutboxPosition, Pending, Proof, Refusal, RefusalCode, Reply, Report, ReportItem,
        Unknown, Welcome,
    },
    capability::Capabilities,
    session::{Close, Event, Limits, RequestNumber, Session},
};
use tokio::{io::DuplexStream, sync::mpsc, time::Instant};
use tokio_tungstenite::accept_async_with_config;

/// A clock that follows tokio's time, so that it stands still when that is paused.
#[derive(Debug)]
pub(crate) struct TokioClock {
    since: Instant,
    start: Timestamp,
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.start.after(self.since.elapsed())
    }
}

/// Reaches the test's server through memory.
#[derive(Clone, Debug)]
pub(crate) struct MemoryDialer(mpsc::UnboundedSender<DuplexStream>);

impl Dial for MemoryDialer {
    fn dial<'a>(&'a self, _: &'a ServerUrl) -> DialFuture<'a> {
        Box::pin(async {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            self.0.send(theirs).map_err(std::io::Error::other)?;
            Ok(Box::new(ours) as Box<dyn Socket>)
        })
    }
}

/// A server that knows one host.
pub(crate) struct TestServer {
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) host: HostId,
    pub(crate) token: Token,
    /// What it has of the agent's outbox, as its welcome says.
    pub(crate) reported: Option<OutboxPosition>,
    /// What it says that it understands.
    pub(crate) capabilities: Capabilities,
    agent: Option<PublicKey>,
    generation: u64,
    arrivals: mpsc::UnboundedReceiver<DuplexStream>,
    dialer: MemoryDialer,
}

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::at(Timestamp::from_milliseconds(1_795_316_400_000))
    }

    /// One whose time is that of the machine, because restic dates what it makes by it.
    pub(crate) fn of_today() -> Self {
        Self::at(SystemClock.now())
    }

    fn at(start: Timestamp) -> Self {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let (sender, arrivals) = mpsc::unbounded_channel();
        Self {
            identity: Identity::generate(&random),
            clock: Arc::new(TokioClock { since: Instant::now(), start }),
            token: Token::mint(TokenKind::Agent, &random),
            host: HostId::from_bytes([9; 16]),
            random,
            reported: None,
            capabilities: Capabilities::default(),
            agent: None,
            generation: 0,
            arrivals,
            dialer: MemoryDialer(sender),
        }
    }

    pub(crate) fn dialer(&self) -> MemoryDialer {
        self.dialer.clone()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.identity.public_key().fingerprint()
    }

    /// Waits for an agent's connection and reads its hello. Attempts that nobody waited for are passed over.
    pub(crate) async fn arrival(&mut self) -> Arrival {
        loop {
            let mut stream = self.arrivals.recv().await.expect("the dialer lives");
            while let Ok(newer) = self.arrivals.try_recv() {
                stream = newer;
            }
            let Ok(socket) = accept_async_with_config(stream, Some(socket_settings())).await else {
                continue;
            };
            let session = Session::accept(self.clock.now(), Limits::default());
            let mut link = Link::new(socket, session, &*self.clock);
            match link.next().await {
                Ok(Event::Hello { hello, frame, .. }) => return Arrival { link, hello, frame },
                Ok(event) => panic!("not a hello: {event:?}"),
                Err(_) => {}
            }
        }
    }

    /// Waits for an agent and lets it in, enrolling or not.
    pub(crate) async fn accept(&mut self) -> Peer {
        let arrival = self.arrival().await;
        self.admit(arrival).await.1
    }

    /// Lets an agent in; gives what it showed.
    pub(crate) async fn admit(&mut self, arrival: Arrival) -> (SecretString, Peer) {
        let joins = !matches!(arrival.hello.intent, Intent::Connect { .. });
        let (shown, guest) = self.challenge(arrival).await;
        (shown, self.welcome(guest, joins).await)
    }

    /// Lets an announced host wait.
    pub(crate) async fn hold(&mut self, arrival: Arrival) -> Guest {
        assert_eq!(arrival.hello.intent, Intent::Announce {});
        let (shown, mut guest) = self.challenge(arrival).await;
        assert_eq!(shown.expose(), "", "it has no token to show");
        let now = guest.link.now();
        guest.link.session().pend(now, Pending::new(3600));
        assert!(matches!(guest.link.next_or_sent().await, Ok(None)), "it says nothing of itself");
        guest
    }

    /// Accepts an announced host that waits.
    pub(crate) async fn let_in(&mut self, guest: Guest) -> Peer {
        self.welcome(guest, true).await
    }

    /// Sends an agent away that has proven itself, and that has seen who says so.
    pub(crate) async fn send_away(&mut self, code: RefusalCode) {
        let arrival = self.arrival().await;
        self.challenge(arrival).await.1.refuse(code).await;
    }

    async fn challenge(&mut self, arrival: Arrival) -> (SecretString, Guest) {
        let Arrival { mut link, hello, frame } = arrival;
        let (side, challenge) =
            ServerSide::challenge(&self.identity, &hello, &frame, 1, &self.random).expect("a good hello");
        let now = link.now();
        link.session().challenge(now, challenge);
        let proof = proof(&mut link).await;
        let key = public_key(&hello).expect("a key");
        let (known, context) = match hello.intent {
            Intent::Connect { .. } => {
                (self.agent.expect("the agent has enrolled"), agent_token_context(self.host))
            }
            _ => (key, enrolment_token_context(&key)),
        };
        let (shown, keys) = side.accept(&known, &context, &proof).expect("a good proof");
        (shown, Guest { link, key, keys })
    }

    async fn welcome(&mut self, guest: Guest, joins: bool) -> Peer {
        let Guest { mut link, key, keys } = guest;
        let now = link.now();
        self.generation += 1;
        let mut welcome = Welcome::new(self.host, "web-1", self.generation)
            .with_reported(self.reported)
            .with_capabilities(self.capabilities.clone());
        if joins {
            self.agent = Some(key);
            let sealed = keys.seal(&agent_token_context(self.host), self.token.expose().as_bytes());
            welcome = welcome.with_token(Opaque::new(sealed));
        }
        link.session().welcome(now, welcome);
        loop {
            if let Event::Established(_) = link.next().await.expect("the session") {
                break;
            }
        }
        Peer { link, keys, host: self.host, heard: Vec::new(), configured: None }
    }
}

/// An agent that has proven its key, and waits.
pub(crate) struct Guest {
    link: Link<DuplexStream>,
    key: PublicKey,
    keys: ChannelKeys,
}

impl Guest {
    /// Its fingerprint.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// Sends it away.
    pub(crate) async fn refuse(mut self, code: RefusalCode) {
        let now = self.link.now();
        self.link.session().refuse(now, Refusal::new(code, "go away"));
        while self.link.next().await.is_ok() {}
    }
}

async fn proof(link: &mut Link<DuplexStream>) -> Proof {
    match link.next().await.expect("a proof") {
        Event::Proof(proof) => proof,
        event => panic!("not a proof: {event:?}"),
    }
}

/// An agent that has said hello.
pub(crate) struct Arrival {
    pub(crate) link: Link<DuplexStream>,
    pub(crate) hello: Hello,
    pub(crate) frame: String,
}

impl Arrival {
    /// Challenges it, and sees that it does not trust this server.
    pub(crate) async fn must_not_prove(mut self, server: &TestServer) {
        let (_, challenge) =
            ServerSide::challenge(&server.identity, &self.hello, &self.frame, 1, &server.random)
                .expect("a good hello");
        let now = self.link.now();
        self.link.session().challenge(now, challenge);
        while let Ok(event) = self.link.next().await {
            assert!(!matches!(event, Event::Proof(_)), "the token was sent to a stranger");
        }
    }

    /// Sends it away.
    pub(crate) async fn refuse(mut self, code: RefusalCode) {
        let now = self.link.now();
        self.link.session().refuse(now, Refusal::new(code, "go away"));
        while self.link.next().await.is_ok() {}
    }
}

/// An agent that has been let in.
pub(crate) struct Peer {
    link: Link<DuplexStream>,
    keys: ChannelKeys,
    host: HostId,
    /// Items that came, with their numbers.
    pub(crate) heard: Vec<(u64, ReportItem)>,
    /// What the agent said of its configuration.
    pub(crate) configured: Option<Option<ConfigurationVersion>>,
}

impl Peer {
    /// The next event that is not a progress.
    pub(crate) async fn event(&mut self) -> Result<Event, Ended> {
        loop {
            match self.link.next().await? {
                Event::Message { message: Message::Progress { .. }, .. } => {}
                Event::Message { message: Message::Configured { version }, .. } => {
                    self.configured = Some(version);
                }
                event => return Ok(event),
            }
        }
    }

    /// The next event of a job's progress.
    pub(crate) async fn progress(&mut self) -> (JobId, restic_manager_proto::Progress) {
        loop {
            if let Event::Message { message: Message::Progress { job, progress }, .. } =
                self.link.next().await.expect("the session")
            {
                return (job, progress);
            }
        }
    }

    /// Reads the inventory, in all its parts, and takes it.
    pub(crate) async fn inventory(&mut self) -> Vec<KnownJob> {
        let mut all = Vec::new();
        loop {
            match self.event().await.expect("the session") {
                Event::Message { number, message: Message::Inventory { jobs, more } } => {
                    self.reply(number);
                    all.extend(jobs);
                    if !more {
                        return all;
                    }
                }
                event => panic!("not an inventory: {event:?}"),
            }
        }
    }

    fn reply(&mut self, number: RequestNumber) {
        let now = self.link.now();
        self.link.session().reply(now, number, Reply::Ok {}).expect("the session");
    }

    /// Reads the next report, and does not confirm it.
    pub(crate) async fn report(&mut self) -> Report {
        loop {
            if let Event::Message { message: Message::Report(report), .. } =
                self.event().await.expect("the session")
            {
                return report;
            }
        }
    }

    /// Confirms a report.
    pub(crate) fn acknowledge(&mut self, report: &Report) {
        let message = Message::Acknowledge { outbox: report.outbox, through: report.last() };
        let now = self.link.now();
        self.link.session().notify(now, message).expect("the session");
    }

    /// Reads and confirms reports until one of the items is as wanted.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&ReportItem) -> bool) -> ReportItem {
        loop {
            let report = self.report().await;
            self.acknowledge(&report);
            let found = report.items.iter().find(|item| wanted(item)).cloned();
            self.heard.extend((report.first..).zip(report.items));
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Reads and confirms reports until a job has ended.
    pub(crate) async fn end_of(&mut self, job: JobId) -> restic_manager_proto::JobEnd {
        let item =
            self.until(|item| matches!(item, ReportItem::JobEnded { job: ended, .. } if *ended == job)).await;
        let ReportItem::JobEnded { end, .. } = item else { unreachable!("it was looked for") };
        end
    }

    /// Sends a message and waits for the answer.
    pub(crate) async fn ask(&mut self, message: Message) -> Reply {
        let now = self.link.now();
        let asked = self.link.session().request(now, message).expect("the session");
        loop {
            match self.event().await.expect("the session") {
                Event::Reply { number, reply } if number == asked => return reply,
                Event::Message { message: Message::Report(report), .. } => {
                    self.acknowledge(&report);
                    self.heard.extend((report.first..).zip(report.items));
                }
                _ => {}
            }
        }
    }

    /// Asks a question, and reads nothing but whether it is accepted.
    pub(crate) async fn question_only(&mut self, mut ask: Ask, secrets: &RepositorySecrets) -> Reply {
        let text = serde_json::to_vec(secrets).expect("secrets are JSON");
        ask.repository.secrets = Opaque::new(self.keys.seal(&question_secrets_context(ask.id), &text));
        self.ask(Message::Ask(Box::new(ask))).await
    }

    /// Asks a question and reads the parts of its answer, granting room for each as it comes.
    pub(crate) async fn question(
        &mut self,
        ask: Ask,
        secrets: &RepositorySecrets,
    ) -> Result<Vec<AnswerPart>, (ErrorCode, String)> {
        let question = ask.id;
        if let Reply::Error { code, message } = self.question_only(ask, secrets).await {
            return Err((code, message));
        }
        let mut parts = Vec::new();
        loop {
            let event = self.event().await.expect("the session");
            let Event::Message { message: Message::Answer(answer), .. } = event else { continue };
            assert_eq!(answer.question, question);
            match answer.part {
                AnswerPart::End { more } => {
                    parts.push(AnswerPart::End { more });
                    return Ok(parts);
                }
                AnswerPart::Failed { code, message } => return Err((code, message)),
                part => parts.push(part),
            }
            let now = self.link.now();
            self.link.session().notify(now, Message::AnswerMore { question, parts: 1 }).expect("the session");
        }
    }

    /// Sends an order with its secrets.
    pub(crate) async fn start(&mut self, mut order: JobOrder, secrets: &RepositorySecrets) -> Reply {
        let text = serde_json::to_vec(secrets).expect("secrets are JSON");
        order.repository.secrets = Opaque::new(self.keys.seal(&job_secrets_context(order.job), &text));
        self.ask(Message::StartJob(Box::new(order))).await
    }

    /// The same order with hooks.
    pub(crate) fn with_hooks(&self, mut order: JobOrder, hooks: &Hooks) -> JobOrder {
        let text = serde_json::to_vec(hooks).expect("hooks are JSON");
        let sealed = Opaque::new(self.keys.seal(&job_hooks_context(order.job), &text));
        order.source_mut().expect("a source").hooks = Some(sealed);
        order
    }

    /// The same configuration with hooks around every source group.
    pub(crate) fn hooked(&self, mut configuration: Configuration, hooks: &Hooks) -> Configuration {
        let text = serde_json::to_vec(hooks).expect("hooks are JSON");
        for source in configuration.groups.iter_mut().map(|group| &mut group.source) {
            let sealed = self.keys.seal(&configured_hooks_context(source.group), &text);
            source.hooks = Some(Opaque::new(sealed));
        }
        configuration
    }

    /// Sends a configuration, with the same secrets for every repository.
    pub(crate) async fn configure(
        &mut self,
        mut configuration: Configuration,
        secrets: &RepositorySecrets,
    ) -> Reply {
        let text = serde_json::to_vec(secrets).expect("secrets are JSON");
        for repository in &mut configuration.repositories {
            let context = configured_secrets_context(repository.id);
            repository.secrets = Opaque::new(self.keys.seal(&context, &text));
        }
        self.ask(Message::Configure(Box::new(configuration))).await
    }

    /// Hands out a new token.
    pub(crate) async fn rotate(&mut self, token: &Token) -> Reply {
        let sealed = self.keys.seal(&agent_token_context(self.host), token.expose().as_bytes());
        self.ask(Message::RotateToken(AgentToken { token: Opaque::new(sealed) })).await
    }

    /// Ends the connection for a reason.
    pub(crate) async fn close(mut self, why: Close) {
        self.link.session().close(why);
        while self.link.next().await.is_ok() {}
    }

    /// Says something of the given kind, without content; gives how the agent takes it.
    pub(crate) async fn say(mut self, kind: &str) -> Ended {
        let now = self.link.now();
        self.link.session().notify(now, strange(kind)).expect("the session");
        self.farewell().await
    }

    /// Reads until the agent has hung up; gives how.
    pub(crate) async fn farewell(mut self) -> Ended {
        loop {
            match self.link.next().await {
                Ok(Event::Message { message: Message::Report(report), .. }) => self.acknowledge(&report),
                Ok(_) => {}
                Err(ended) => return ended,
            }
        }
    }
}

/// A message of any kind, without content.
pub(crate) fn strange(kind: &str) -> Message {
    Message::Unknown(Unknown::new(kind, "{}"))
}
