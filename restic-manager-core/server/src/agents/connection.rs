//! One agent's connection, from its first frame to its last.

use core::{net::IpAddr, time::Duration};
use restic_manager_core::{
    handshake::agent_token_context,
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelContext, ChannelKeys};
use restic_manager_proto::{
    JobId, Opaque,
    agent::{AgentToken, ConfigurationVersion, ErrorCode, Message, Refusal, RefusalCode, Reply, Report},
    api::{Nothing, events::FleetEvent},
    session::{Close, Event, Limits, RequestNumber, Session},
    vocabulary::Cause,
};
use restic_manager_store::{Audit, TokenHash, hosts::Host, retry};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tokio_tungstenite::WebSocketStream;

use super::{
    configuration::{self, Look},
    described,
    handshake::{Admitted, Entrance, Entrant, Rejected, admit},
    hub::{Mailbox, Word},
    inbox::Inbox,
    ingest::{self, Committed},
    orders::{self, Order},
    pending, reconcile, token,
};
use crate::{
    failure::Failure,
    http::{
        self, Cx, Request,
        plain::{AgentSocket, PendingAgentSocket},
    },
    shared::Shared,
};

/// Jobs that an agent holds at once, waiting ones included; more stay queued here.
const JOBS_AT_AGENT: usize = 16;
/// How long a refusal may take to leave.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// Takes an agent's connection; it proves itself in its first messages.
pub(crate) async fn socket(cx: Cx, _: Request<AgentSocket>) -> Result<http::Reply<Nothing>, Failure> {
    let (shared, address) = (Arc::clone(cx.shared()), cx.facts().address);
    Ok(http::Reply::socket(move |socket| serve(shared, socket, Entrance::Agents, address)))
}

/// Takes the connection of a host that announces itself; it gets its verdict there, and nothing else.
pub(crate) async fn pending_socket(
    cx: Cx,
    _: Request<PendingAgentSocket>,
) -> Result<http::Reply<Nothing>, Failure> {
    let (shared, address) = (Arc::clone(cx.shared()), cx.facts().address);
    Ok(http::Reply::socket(move |socket| serve(shared, socket, Entrance::Pending, address)))
}

/// Serves one agent until its connection ends.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    socket: WebSocketStream<S>,
    entrance: Entrance,
    address: Option<IpAddr>,
) {
    let session = Session::accept(shared.now(), Limits::default());
    let mut link = Link::new(socket, session, Arc::clone(&shared.clock));
    let Some(_place) = shared.agents.begin_handshake() else {
        let busy = Refusal::new(RefusalCode::Busy, "too many agents are connecting; try again later");
        return Box::pin(refuse(&mut link, busy)).await;
    };
    let admitted = tokio::select! {
        admitted = Box::pin(admit(&shared, &mut link, entrance, address)) => admitted,
        () = shared.shutdown.requested() => {
            let stopping = Refusal::new(RefusalCode::Busy, "the server is stopping; try again later");
            return Box::pin(refuse(&mut link, stopping)).await;
        }
    };
    drop(_place);
    match admitted {
        Ok(Entrant::Host(admitted)) => Connection::start(shared, link, *admitted).await,
        Ok(Entrant::Guest(guest)) => Box::pin(pending::wait(shared, link, *guest)).await,
        Err(Rejected::Refused(refusal)) => Box::pin(refuse(&mut link, refusal)).await,
        Err(Rejected::Ended(ended)) => {
            tracing::info!(client.address = ?address, reason = %ended, "an agent's handshake ended early");
        }
    }
}

pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>, refusal: Refusal) {
    let now = link.now();
    link.session().refuse(now, refusal);
    // The agent learns the reason if it still listens.
    let _ = tokio::time::timeout(FAREWELL, async { while link.next().await.is_ok() {} }).await;
}

/// What a request to the agent was about.
#[derive(Clone, Debug)]
enum Asked {
    Start(JobId),
    Cancel(JobId),
    /// Keep the token of this hash.
    Rotate(TokenHash),
    Configure(ConfigurationVersion),
}

struct Connection<S> {
    shared: Arc<Shared>,
    link: Link<S>,
    host: Host,
    keys: ChannelKeys,
    inbox: Inbox,
    asked: HashMap<RequestNumber, Asked>,
    /// Jobs that this agent may report progress of.
    jobs: BTreeSet<JobId>,
    /// Whether both ends agree on what runs; nothing is ordered before.
    reconciled: bool,
    /// When to look whether the agent's token has become old.
    next_look: Instant,
    configuration: Agreement,
}

/// What is known of the agent's configuration.
#[derive(Debug, Default)]
struct Agreement {
    /// Whether the agent said which one it has; nothing is sent before.
    known: bool,
    held: Option<ConfigurationVersion>,
    /// One is on its way; until the answer no other is sent.
    asked: bool,
    /// The one that the agent would not take; it is not sent again.
    refused: Option<ConfigurationVersion>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn start(shared: Arc<Shared>, link: Link<S>, admitted: Admitted) {
        let Admitted { host, keys } = admitted;
        let (id, generation) = (host.id, host.generation);
        let Some(mailbox) = shared.agents.enter(id, generation, shared.now()) else {
            tracing::info!(host.id = %id, generation, "a newer connection of the agent was faster");
            let mut link = link;
            link.session().close(Close::Replaced);
            // The agent learns the reason if it still listens.
            let _ = tokio::time::timeout(FAREWELL, link.next()).await;
            return;
        };
        tracing::info!(host.id = %id, host.name = host.name, generation, "an agent connected");
        shared.announce(FleetEvent::Host { host: id });
        let position = host.outbox.map(|position| (position.outbox, position.sequence));
        let next_look = Instant::now() + token::first_look(&host);
        let mut connection = Self {
            shared,
            link,
            host,
            keys,
            inbox: Inbox::new(position),
            asked: HashMap::new(),
            jobs: BTreeSet::new(),
            reconciled: false,
            next_look,
            configuration: Agreement::default(),
        };
        let ended = connection.run(&mailbox).await;
        Box::pin(connection.leave(&ended)).await;
    }

    // What acts is boxed here and above: a quiet connection, of which there are thousands, then holds no room for it.
    async fn run(&mut self, mailbox: &Mailbox) -> Ended {
        let shared = Arc::clone(&self.shared);
        let mut stopping = false;
        loop {
            let step = tokio::select! {
                biased;
                () = shared.shutdown.requested(), if !stopping => {
                    stopping = true;
                    self.link.session().close(Close::Stopping);
                    Ok(())
                }
                event = self.link.next() => match event {
                    Ok(event) => Box::pin(self.handle(event)).await,
                    Err(ended) => return ended,
                },
                word = mailbox.receive(), if !stopping => Box::pin(self.obey(word)).await,
                () = sleep_until(self.next_look), if !stopping => Box::pin(self.look_at_token()).await,
            };
            if let Err(error) = step {
                tracing::error!(host.id = %self.host.id, error = &error as &dyn core::error::Error, "could not serve an agent");
                self.link.session().close(Close::Failed);
            }
        }
    }

    async fn leave(self, ended: &Ended) {
        let (id, generation) = (self.host.id, self.host.generation);
        let last_seen = self.shared.agents.last_seen(id);
        if self.shared.agents.leave(id, generation) {
            tracing::info!(host.id = %id, host.name = self.host.name, generation, reason = %ended, "an agent's connection ended");
            let store = &self.shared.store;
            let noted = retry(async || {
                let mut transaction = store.begin().await?;
                transaction
                    .hosts()
                    .note_last_seen(id, last_seen.unwrap_or_else(|| self.shared.now()))
                    .await?;
                transaction.commit(Audit::Routine("an agent's connection ended")).await
            });
            if let Err(error) = noted.await {
                tracing::error!(host.id = %id, error = &error as &dyn core::error::Error, "could not note when a host was last seen");
            }
            let left = retry(async || {
                let mut transaction = store.begin().await?;
                if transaction.leases().leave_queue(id).await? > 0 {
                    transaction.commit(Audit::Routine("a host that is away waits in no queue")).await?;
                }
                Ok::<_, ingest::Error>(())
            });
            if let Err(error) = left.await {
                tracing::error!(host.id = %id, error = &error as &dyn core::error::Error, "could not take a host from the queue");
            }
            self.shared.setups.left(id).into_iter().for_each(|waiting| self.shared.agents.wake(waiting));
            self.shared.announce(FleetEvent::Host { host: id });
        }
    }

    async fn obey(&mut self, word: Word) -> Result<(), ingest::Error> {
        if let Some(close) = word.close {
            self.link.session().close(close);
            return Ok(());
        }
        for job in word.cancel {
            self.ask(Message::CancelJob { job }, Asked::Cancel(job));
        }
        if word.rotate {
            self.look_at_token().await?;
        }
        if word.configure {
            self.configure().await?;
        }
        if word.work { self.dispatch().await } else { Ok(()) }
    }

    /// Replaces the agent's token when that is due.
    async fn look_at_token(&mut self) -> Result<(), ingest::Error> {
        self.next_look = Instant::now() + token::LOOK;
        if !token::is_due(&self.shared, self.host.id).await? {
            return Ok(());
        }
        if let Some(token) = token::offer(&self.shared, self.host.id).await? {
            let sealed = self.keys.seal(&agent_token_context(self.host.id), token.expose().as_bytes());
            let message = Message::RotateToken(AgentToken { token: Opaque::new(sealed) });
            self.ask(message, Asked::Rotate(token::hash_of(&token)));
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) -> Result<(), ingest::Error> {
        let now = self.link.now();
        self.shared.agents.note_seen(self.host.id, now);
        match event {
            Event::Message { number, message } => self.handle_message(number, message).await,
            Event::Reply { number, reply } => match self.asked.remove(&number) {
                Some(asked) => self.handle_reply(asked, reply).await,
                None => Ok(()),
            },
            Event::Unanswered { number } => match self.asked.remove(&number) {
                Some(Asked::Start(job)) => orders::requeue(&self.shared, job).await,
                Some(Asked::Configure(_)) => {
                    // It says what it has when it comes back.
                    self.configuration.asked = false;
                    Ok(())
                }
                // Its job's deadline ends it, or the agent's own report.
                // The agent's next connection shows whether it has kept its new token.
                Some(Asked::Cancel(_) | Asked::Rotate(_)) | None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn handle_message(&mut self, number: RequestNumber, message: Message) -> Result<(), ingest::Error> {
        match message {
            Message::Report(report) => self.take(report).await,
            Message::Progress { job, progress } => {
                if self.jobs.contains(&job) {
                    self.shared.agents.set_progress(job, progress);
                }
                Ok(())
            }
            Message::Inventory { jobs, .. } => {
                let agreed = reconcile::agree(&self.shared, &self.host, &jobs).await?;
                self.jobs = agreed.running;
                self.reconciled = true;
                self.reply(number, Reply::Ok {});
                for job in agreed.cancel {
                    self.ask(Message::CancelJob { job }, Asked::Cancel(job));
                }
                self.dispatch().await
            }
            Message::Facts(facts) => {
                let facts = described::bounded(facts);
                let (store, id) = (&self.shared.store, self.host.id);
                retry(async || {
                    let mut transaction = store.begin().await?;
                    transaction.hosts().describe(id, &facts).await?;
                    transaction.commit(Audit::Routine("a host described itself")).await
                })
                .await?;
                self.shared.announce(FleetEvent::Host { host: id });
                self.reply(number, Reply::Ok {});
                Ok(())
            }
            Message::Configured { version } => {
                self.reply(number, Reply::Ok {});
                self.configuration.known = true;
                self.note_held(version).await?;
                self.configure().await
            }
            // The session has answered it already.
            Message::Unknown(_) => Ok(()),
            _ => {
                let message = "this message is for agents".to_owned();
                self.reply(number, Reply::Error { code: ErrorCode::Invalid, message });
                Ok(())
            }
        }
    }

    /// Commits what was reported, then says so.
    async fn take(&mut self, report: Report) -> Result<(), ingest::Error> {
        let batch = match self.inbox.admit(report) {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::warn!(host.id = %self.host.id, %error, "an agent's report cannot be taken");
                self.link.session().close(Close::OutOfOrder);
                return Ok(());
            }
        };
        let (outbox, through) = (batch.outbox, batch.through);
        let Committed { ended, queued } = ingest::commit(&self.shared, &self.host, batch).await?;
        for job in &ended {
            self.jobs.remove(job);
        }
        let now = self.link.now();
        // It fails only when the session has ended; then the agent sends it again to the next one.
        let _ = self.link.session().notify(now, Message::Acknowledge { outbox, through });
        if ended.is_empty() && !queued { Ok(()) } else { self.dispatch().await }
    }

    /// Sends queued jobs, as many as the agent may hold.
    async fn dispatch(&mut self) -> Result<(), ingest::Error> {
        while self.reconciled && self.jobs.len() < JOBS_AT_AGENT {
            let seal = |context: &ChannelContext, secret: &[u8]| self.keys.seal(context, secret);
            match orders::claim(&self.shared, &self.host, seal).await? {
                None => break,
                Some(Order::Unfit) => {}
                Some(Order::Waits) => break,
                Some(Order::Ready(order)) => {
                    let job = order.job;
                    self.jobs.insert(job);
                    self.ask(Message::StartJob(order), Asked::Start(job));
                }
            }
        }
        Ok(())
    }

    /// Sends the configuration that the agent shall have, unless it has it or is just taking one.
    async fn configure(&mut self) -> Result<(), ingest::Error> {
        let agreement = &self.configuration;
        if !agreement.known || agreement.asked {
            return Ok(());
        }
        let (host, held) = (self.host.id, agreement.held.as_ref());
        let seal = |context: &ChannelContext, secret: &[u8]| self.keys.seal(context, secret);
        match configuration::look(&self.shared, host, held, seal).await? {
            Look::Held => Ok(()),
            Look::Unfit(reason) => configuration::refuse(&self.shared, host, &reason).await,
            Look::Send(configuration) if agreement.refused.as_ref() == Some(&configuration.version) => Ok(()),
            Look::Send(configuration) => {
                let version = configuration.version.clone();
                self.configuration.asked = true;
                self.ask(Message::Configure(configuration), Asked::Configure(version));
                Ok(())
            }
        }
    }

    async fn note_held(&mut self, held: Option<ConfigurationVersion>) -> Result<(), ingest::Error> {
        configuration::hold(&self.shared, self.host.id, held.as_ref()).await?;
        self.configuration.held = held;
        self.shared.announce(FleetEvent::Host { host: self.host.id });
        Ok(())
    }

    async fn handle_reply(&mut self, asked: Asked, reply: Reply) -> Result<(), ingest::Error> {
        match (asked, reply) {
            (Asked::Start(job), Reply::Error { code, message }) => {
                self.jobs.remove(&job);
                orders::refused(&self.shared, job, code, &message).await?;
            }
            (Asked::Cancel(job), Reply::Error { code: ErrorCode::UnknownJob, .. }) => {
                self.jobs.remove(&job);
                orders::end(&self.shared, job, orders::cancelled(), Cause::Cancelled).await?;
            }
            (Asked::Rotate(hash), Reply::Ok {}) => {
                token::confirm(&self.shared, &self.host, hash).await?;
                self.shared.announce(FleetEvent::Host { host: self.host.id });
            }
            (Asked::Rotate(_), Reply::Error { message, .. }) => {
                tracing::warn!(host.id = %self.host.id, reason = %message.escape_debug(), "an agent could not keep its new token");
            }
            (Asked::Configure(version), Reply::Ok {}) => {
                self.configuration.asked = false;
                self.note_held(Some(version)).await?;
                // It may have changed again in the meantime.
                self.configure().await?;
            }
            (Asked::Configure(version), Reply::Error { message, .. }) => {
                self.configuration.asked = false;
                self.configuration.refused = Some(version);
                configuration::refuse(&self.shared, self.host.id, &message).await?;
                self.shared.announce(FleetEvent::Host { host: self.host.id });
                self.configure().await?;
            }
            _ => {}
        }
        Ok(())
    }

    fn ask(&mut self, message: Message, asked: Asked) {
        let now = self.link.now();
        match self.link.session().request(now, message) {
            Ok(number) => {
                self.asked.insert(number, asked);
            }
            // The row stays as it is; the next connection, or its deadline, takes it up.
            Err(error) => tracing::warn!(host.id = %self.host.id, %error, "could not send word to an agent"),
        }
    }

    fn reply(&mut self, number: RequestNumber, reply: Reply) {
        let now = self.link.now();
        // It fails only when the session has ended.
        let _ = self.link.session().reply(now, number, reply);
    }
}
