//! Staying connected: connects for ever, reports what is in the outbox, obeys.

use core::{fmt, time::Duration};
use std::sync::Arc;

use restic_manager_core::{
    backoff::Backoff,
    clock::Clock,
    handshake::{
        agent_token_context, configured_hooks_context, configured_secrets_context, job_hooks_context,
        job_secrets_context, question_secrets_context,
    },
    link::{Ended, Link},
    mint::Mint,
};
use restic_manager_crypto::{ChannelContext, ChannelKeys, Random, SecretBytes, Token, TokenKind};
use restic_manager_proto::{
    Hooks, HostFacts, Opaque,
    agent::{
        AgentToken, Configuration, ErrorCode, Intent, JobOrder, KnownJob, Message, RefusalCode, Reply,
        Welcome,
    },
    capability::Capabilities,
    limits::{self, INVENTORY_PART},
    session::{Close, Event, RequestNumber, SendError},
};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    dial::{self, Dial, Socket, warn_of_plain},
    introduce::{Introduction, LinkError},
    probe::Probe,
};
use crate::{
    config::Config,
    configuration::{CheckedConfiguration, CurrentConfiguration},
    facts,
    files::FileError,
    ledger::Ledger,
    policy::Guard,
    runner::{Browser, JobSecrets, NewestProgress, Questions, Runner},
    status::{Connection, ConnectionStatus},
    vault::{Membership, Vault},
};

/// A connection that lasted so long was a good one: the next attempt after it comes soon.
const GOOD: Duration = Duration::from_secs(10);
/// After a final refusal the agent only looks now and then whether the server has changed its mind, or its version.
const REFUSED_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Two agents with one identity take turns, and do not fight.
const REPLACED_PAUSE: Duration = Duration::from_secs(60);

/// The agent's side of all its connections.
pub(crate) struct Uplink {
    pub(crate) config: Config,
    pub(crate) vault: Arc<Vault>,
    pub(crate) membership: Membership,
    pub(crate) dialer: Box<dyn Dial>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) browser: Browser,
    pub(crate) probe: Probe,
    /// The version of restic that the server was told last.
    pub(crate) told: Option<String>,
    pub(crate) guard: Guard,
    pub(crate) ledger: Ledger,
    pub(crate) runner: Runner,
    pub(crate) progress: NewestProgress,
    pub(crate) status: ConnectionStatus,
    pub(crate) configuration: CurrentConfiguration,
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplink").field("server", &self.config.server).finish_non_exhaustive()
    }
}

impl Uplink {
    /// Connects, and connects again, until it is to stop.
    pub(crate) async fn run(mut self, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        warn_of_plain(&self.config.server);
        while !stop.is_cancelled() {
            let Some(error) = self.attempt(stop, &mut backoff).await else { break };
            let pause = self.pause(&error, &mut backoff);
            self.note(&error, pause);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One connection, from dialling to its end; `None` when the agent stops.
    async fn attempt(&mut self, stop: &CancellationToken, backoff: &mut Backoff) -> Option<LinkError> {
        self.status.set(Connection::Connecting);
        let opened = tokio::select! {
            () = stop.cancelled() => return None,
            opened = self.open() => opened,
        };
        let (link, welcome, keys) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some(error),
        };
        tracing::info!(server = %self.config.server, host.name = %welcome.host_name, "connected");
        warn_of_older_server(&welcome);
        if let Err(error) = self.agree(&welcome).await {
            return Some(error.into());
        }
        self.status.connected(self.clock.now(), &welcome);
        let began = Instant::now();
        let ended = Conversation::begin(self, link, keys).await.go_on(stop).await;
        if began.elapsed() >= GOOD {
            backoff.reset();
        }
        (!stop.is_cancelled()).then_some(LinkError::Ended(ended))
    }

    async fn open(&mut self) -> Result<(Link<Box<dyn Socket>>, Welcome, ChannelKeys), LinkError> {
        let server = &self.config.server;
        self.probe.ask();
        let socket = dial::open(self.dialer.as_ref(), server, &server.agent_url()).await?;
        let (host, facts) = (self.membership.host, self.facts().await);
        self.told.clone_from(&facts.restic_version);
        let introduction = Introduction {
            intent: Intent::Connect { host },
            identity: self.vault.identity(),
            pinned: &self.config.server_fingerprint,
            token: &self.membership.token,
            context: agent_token_context(host),
            facts,
            clock: &self.clock,
            random: &self.random,
        };
        let opened = introduction.make(socket, None).await?;
        if opened.1.host == host { Ok(opened) } else { Err(LinkError::Untrusted) }
    }

    /// After the welcome and before anything is reported: the server knows this host, and what it has of the outbox is
    /// compared with what is here.
    async fn agree(&self, welcome: &Welcome) -> Result<(), FileError> {
        self.configuration.resume()?;
        let Some(server) = welcome.reported else { return Ok(()) };
        let (fresh, now) =
            (Mint::new(Arc::clone(&self.clock), Arc::clone(&self.random)).outbox(), self.clock.now());
        if self.ledger.with(move |journal| journal.meet(server, || fresh, now)).await? {
            tracing::error!(
                outbox = %fresh,
                "the server has more than this agent ever reported: its machine or its state folder was restored from a \
                 copy, or another agent works from one. The outbox begins anew, and all that it holds is reported again"
            );
        }
        Ok(())
    }

    async fn facts(&self) -> HostFacts {
        let mut facts = facts::collect(self.probe.version().await);
        facts.policy = Some(Box::new(self.guard.look().await));
        facts
    }

    fn pause(&self, error: &LinkError, backoff: &mut Backoff) -> Duration {
        let usual = backoff.next(&self.random);
        match error {
            LinkError::Refused(refusal) if refusal.code.is_final() => jittered(REFUSED_PAUSE, &self.random),
            error if is_removed(error) => jittered(REFUSED_PAUSE, &self.random),
            LinkError::Ended(Ended::ClosedByPeer { code, .. }) if *code == Close::Replaced.code() => {
                usual.max(REPLACED_PAUSE)
            }
            _ => usual,
        }
    }

    fn note(&self, error: &LinkError, pause: Duration) {
        if is_removed(error)
            && let Err(error) = self.configuration.suspend()
        {
            tracing::error!("could not {error}; after a restart schedules are fired again");
        }
        let until = self.clock.now().after(pause);
        let reason = format!("could not {error}");
        let seconds = pause.as_secs();
        match error {
            LinkError::Refused(refusal) if refusal.code.is_final() => {
                let range = refusal.versions.filter(|_| refusal.code == RefusalCode::Version);
                let range = range.map(|range| format!(" (it speaks protocol {range})")).unwrap_or_default();
                tracing::error!("{reason}{range}; nothing is tried for {seconds} seconds");
                self.status.set(Connection::Refused { reason, until });
            }
            LinkError::Untrusted => {
                tracing::error!("{reason}; trying again in {seconds} seconds");
                self.status.set(Connection::Waiting { reason, until });
            }
            _ => {
                tracing::warn!("{reason}; trying again in {seconds} seconds");
                self.status.set(Connection::Waiting { reason, until });
            }
        }
    }
}

/// What is said over one connection.
struct Conversation<'a, S> {
    uplink: &'a mut Uplink,
    link: Link<S>,
    keys: ChannelKeys,
    /// The question whether both ends know the same jobs; reports wait for its answer.
    inventory: Option<RequestNumber>,
    /// Number of the last item that was sent.
    sent: u64,
    questions: Questions,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    async fn begin(uplink: &'a mut Uplink, mut link: Link<S>, keys: ChannelKeys) -> Self {
        let (jobs, sent) =
            uplink.ledger.with(|journal| (journal.book().inventory(), journal.outbox().acknowledged())).await;
        let inventory = tell(&mut link, &jobs);
        let version = uplink.configuration.current().map(|current| current.version().clone());
        let questions = uplink.browser.questions();
        let mut conversation = Self { uplink, link, keys, inventory, sent, questions };
        conversation.send(Message::Configured { version });
        conversation
    }

    async fn go_on(mut self, stop: &CancellationToken) -> Ended {
        let mut position = self.uplink.ledger.position();
        let progress = self.uplink.progress.clone();
        let (mut policy, mut restic) = (self.uplink.guard.watch(), self.uplink.probe.watch());
        let mut closing = false;
        if *restic.borrow_and_update() != self.uplink.told {
            self.describe().await;
        }
        loop {
            let last = position.borrow_and_update().last;
            let sending = self.inventory.is_none() && self.sent < last && self.report().await;
            tokio::select! {
                biased;
                () = stop.cancelled(), if !closing => {
                    closing = true;
                    self.link.session().close(Close::Stopping);
                }
                received = receive(&mut self.link, sending) => match received {
                    Ok(Some(event)) => self.handle(event).await,
                    Ok(None) => {}
                    Err(ended) => return ended,
                },
                _ = position.changed() => {}
                () = policy.changed() => self.describe().await,
                _ = restic.changed() => self.describe().await,
                answer = self.questions.next() => self.send(Message::Answer(answer)),
                newest = progress.changed() => {
                    for (job, progress) in newest {
                        self.send(Message::Progress { job, progress });
                    }
                }
            }
        }
    }

    /// Tells the server what has become of the host, its policy above all.
    async fn describe(&mut self) {
        let facts = self.uplink.facts().await;
        self.uplink.told.clone_from(&facts.restic_version);
        let now = self.link.now();
        // It fails only when the session has ended; the next one begins with the facts.
        let _ended = self.link.session().request(now, Message::Facts(facts));
    }

    /// Sends the next items of the outbox; whether there were any.
    async fn report(&mut self) -> bool {
        let after = self.sent;
        match self.uplink.ledger.with(move |journal| journal.report(after, limits::REPORT_BYTES)).await {
            Ok(Some(report)) => {
                self.sent = report.last();
                self.send(Message::Report(report));
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::error!("could not {error}");
                self.link.session().close(Close::Failed);
                false
            }
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Message { number, message } => self.obey(number, message).await,
            Event::Reply { number, reply } if Some(number) == self.inventory => {
                if let Reply::Error { message, .. } = reply {
                    tracing::warn!(reason = %message.escape_debug(), "the server does not take the inventory");
                }
                self.inventory = None;
            }
            Event::Unanswered { number } if Some(number) == self.inventory => {
                self.link.session().close(Close::Failed);
            }
            _ => {}
        }
    }

    async fn obey(&mut self, number: RequestNumber, message: Message) {
        let reply = match message {
            Message::StartJob(order) => self.start(*order).await,
            Message::CancelJob { job } => self.uplink.runner.cancel(job).await,
            Message::RotateToken(token) => self.rotate(&token),
            Message::Configure(configuration) => self.configure(*configuration).await,
            Message::Acknowledge { outbox, through } => {
                let done = self.uplink.ledger.with(move |journal| journal.acknowledge(outbox, through)).await;
                if let Err(error) = done {
                    tracing::warn!("could not {error}; what the server has confirmed is sent again later");
                }
                return;
            }
            Message::Ask(ask) => {
                let secrets = opened(&self.keys, &question_secrets_context(ask.id), &ask.repository.secrets);
                self.questions.ask(*ask, secrets)
            }
            Message::AnswerMore { question, parts } => return self.questions.more(question, parts),
            Message::AnswerStop { question } => return self.questions.stop(question),
            // The session has answered it already.
            Message::Unknown(_) => return,
            _ => error(ErrorCode::Invalid, "this message is for servers"),
        };
        let now = self.link.now();
        // It fails only when the session has ended; then the server asks the next one.
        let _ended = self.link.session().reply(now, number, reply);
    }

    async fn start(&mut self, order: JobOrder) -> Reply {
        let (job, repository) = (order.job, order.repository.secrets.clone());
        let hooks = order.source().and_then(|source| source.hooks.clone());
        let keys = &self.keys;
        let open = || {
            Some(JobSecrets {
                repository: opened(keys, &job_secrets_context(job), &repository)?,
                hooks: hooks
                    .map_or(Some(Hooks::default()), |hooks| opened(keys, &job_hooks_context(job), &hooks))?,
            })
        };
        self.uplink.runner.start(order, open).await
    }

    /// Takes a new configuration; it is on the disk before the server is told so.
    async fn configure(&mut self, mut configuration: Configuration) -> Reply {
        for repository in &mut configuration.repositories {
            let context = configured_secrets_context(repository.id);
            let Ok(plain) = self.keys.open(&context, repository.secrets.as_bytes()) else {
                return error(ErrorCode::SecretUnreadable, "the secrets of a repository do not open");
            };
            repository.secrets = self.uplink.vault.seal_secrets(repository.id, plain.expose());
        }
        for source in configuration.groups.iter_mut().map(|group| &mut group.source) {
            let Some(hooks) = &source.hooks else { continue };
            let Ok(plain) = self.keys.open(&configured_hooks_context(source.group), hooks.as_bytes()) else {
                return error(ErrorCode::SecretUnreadable, "the hooks of a source group do not open");
            };
            source.hooks = Some(self.uplink.vault.seal_hooks(source.group, plain.expose()));
        }
        let checked = match CheckedConfiguration::check(configuration) {
            Ok(checked) => checked,
            Err(problem) => return error(ErrorCode::Invalid, &problem),
        };
        match self.uplink.configuration.replace(checked, &self.uplink.ledger, self.uplink.clock.now()).await {
            Ok(()) => Reply::Ok {},
            Err(failed) => error(ErrorCode::Failed, &format!("could not {failed}")),
        }
    }

    /// Takes a new token; it is on the disk before the server is told so.
    fn rotate(&mut self, new: &AgentToken) -> Reply {
        let uplink = &mut *self.uplink;
        let token = self
            .keys
            .open(&agent_token_context(uplink.membership.host), new.token.as_bytes())
            .and_then(SecretBytes::into_string);
        let Ok(token) = token else {
            return error(ErrorCode::SecretUnreadable, "the new token does not open");
        };
        if Token::parse(TokenKind::Agent, token.expose()).is_err() {
            return error(ErrorCode::Invalid, "the new token is not one");
        }
        let membership = Membership { token, ..uplink.membership.clone() };
        match uplink.vault.store(&membership) {
            Ok(()) => {
                uplink.membership = membership;
                Reply::Ok {}
            }
            // What counts is what the next start will read.
            Err(failed) => match uplink.vault.membership() {
                Ok(Some(kept)) if kept == membership => {
                    uplink.membership = membership;
                    Reply::Ok {}
                }
                _ => error(ErrorCode::Failed, &format!("could not {failed}")),
            },
        }
    }

    fn send(&mut self, message: Message) {
        let now = self.link.now();
        match self.link.session().notify(now, message) {
            Ok(()) | Err(SendError::NotEstablished) => {}
            Err(error) => {
                tracing::error!("could not send a message: {error}");
                self.link.session().close(Close::Failed);
            }
        }
    }
}

/// Tells the server every job, in as many parts as it takes; gives the number of the last, whose answer counts.
fn tell<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>, jobs: &[KnownJob]) -> Option<RequestNumber> {
    let now = link.now();
    let (mut rest, mut last) = (jobs, None);
    loop {
        let (part, after) = rest.split_at(rest.len().min(INVENTORY_PART));
        let message = Message::Inventory { jobs: part.to_vec(), more: !after.is_empty() };
        last = link
            .session()
            .request(now, message)
            .inspect_err(|_| link.session().close(Close::Failed))
            .ok()
            .or(last);
        if after.is_empty() {
            return last;
        }
        rest = after;
    }
}

/// Whether the server says that this host was removed.
fn is_removed(error: &LinkError) -> bool {
    match error {
        LinkError::Refused(refusal) => refusal.code == RefusalCode::Removed,
        LinkError::Ended(Ended::ClosedByPeer { code, .. }) => *code == Close::Removed.code(),
        _ => false,
    }
}

async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    link: &mut Link<S>,
    sending: bool,
) -> Result<Option<Event>, Ended> {
    if sending { link.next_or_sent().await } else { link.next().await.map(Some) }
}

/// A secret of one job.
fn opened<T: DeserializeOwned>(keys: &ChannelKeys, context: &ChannelContext, sealed: &Opaque) -> Option<T> {
    let plain = keys.open(context, sealed.as_bytes()).ok()?;
    serde_json::from_slice(plain.expose()).ok()
}

/// Between half of a length and all of it.
fn jittered(length: Duration, random: &dyn Random) -> Duration {
    let mut entropy = [0; 4];
    random.fill(&mut entropy);
    length.mul_f64(0.5 + f64::from(u32::from_be_bytes(entropy)) / f64::from(u32::MAX) / 2.0)
}

fn error(code: ErrorCode, message: &str) -> Reply {
    Reply::Error { code, message: message.to_owned() }
}

/// What this agent would report, and its server says not to understand, is lost there; everything else goes on.
fn warn_of_older_server(welcome: &Welcome) {
    let lacking = welcome.capabilities.lacking(&Capabilities::of_server());
    if !lacking.is_empty() {
        tracing::warn!(
            lacking = lacking.join(" "),
            "the server is older than this agent and does not understand all that it reports; update the server"
        );
    }
}
