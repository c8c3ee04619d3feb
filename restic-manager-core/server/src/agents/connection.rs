//! One agent's connection, from its first frame to its last.

use core::net::IpAddr;
use restic_manager_core::{
    handshake::agent_token_context,
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelContext, ChannelKeys};
use restic_manager_proto::{
    JobId, Opaque, QuestionId,
    agent::{
        AgentToken, ConfigurationVersion, ErrorCode, KnownJob, Message, Refusal, RefusalCode, Reply, Report,
    },
    limits::INVENTORY_JOBS,
    session::{Close, Event, Limits, RequestNumber, Session},
    vocabulary::{AlertKind, Cause, JobKind},
};
use restic_manager_store::{Audit, Error, TokenHash, alerts::AlertSubject, hosts::Host, retry};
use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tokio_tungstenite::WebSocketStream;

use super::{
    announced,
    configuration::{self, Offer},
    described,
    handshake::{Admitted, Entrance, Entrant, admit, greet},
    inbox::Inbox,
    ingest,
    intake::Committed,
    orders::{self, Order},
    questions::{self, Questions, Taken},
    reconcile,
    refusal::{FAREWELL, Rejected, refuse, refused},
    token,
};
use crate::{
    domain::{
        alerts,
        jobs::{end, queue},
        watch,
    },
    limits::{JOBS_AT_AGENT, PLACE_TIME},
    parts::{
        Parts,
        hub::{Entered, Mailbox, NewQuestion, Word},
    },
};

/// Serves one agent until its connection ends.
///
/// No `async fn`: one of those keeps its arguments beside what they become. What leads to a connection is boxed and gone
/// once there is one, so that a quiet connection, of which there are thousands, holds no room for it.
pub(crate) fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    parts: Arc<Parts>,
    socket: WebSocketStream<S>,
    entrance: Entrance,
    address: Option<IpAddr>,
) -> impl Future<Output = ()> + Send {
    let entered = Box::pin(enter(parts, socket, entrance, address));
    async move {
        if let Some(mut connection) = entered.await {
            let ended = connection.run().await;
            Box::pin(connection.leave(&ended)).await;
        }
    }
}

/// From the socket to a connection of a host; `None` when nothing comes of it, or all that was to come of it has.
async fn enter<S: AsyncRead + AsyncWrite + Unpin>(
    parts: Arc<Parts>,
    socket: WebSocketStream<S>,
    entrance: Entrance,
    address: Option<IpAddr>,
) -> Option<Box<Connection<S>>> {
    let session = Session::accept(parts.now(), Limits::default());
    let mut link = Link::new(socket, session, &*parts.clock);
    let admitted = tokio::select! {
        admitted = Box::pin(prove(&parts, &mut link, entrance, address)) => admitted,
        () = parts.shutdown.requested() => {
            let stopping = Refusal::new(RefusalCode::Busy, "the server is stopping; try again later");
            refuse(&mut link, stopping).await;
            return None;
        }
    };
    match admitted {
        Ok(Entrant::Host(admitted)) => return Connection::begin(parts, link, *admitted).await,
        Ok(Entrant::Guest(guest)) => Box::pin(announced::wait(parts, link, *guest)).await,
        Err(Rejected::Refused(refusal)) => refuse(&mut link, refusal).await,
        Err(Rejected::Ended(ended)) => {
            tracing::info!(client.address = ?address, reason = %ended, "an agent's handshake ended early");
        }
    }
    None
}

/// From the first message to the welcome. Who is silent has no place; who has proven itself needs none.
async fn prove<S: AsyncRead + AsyncWrite + Unpin>(
    parts: &Arc<Parts>,
    link: &mut Link<S>,
    entrance: Entrance,
    address: Option<IpAddr>,
) -> Result<Entrant, Rejected> {
    let greeting = greet(link).await?;
    let Some(_place) = parts.handshakes.take(address, PLACE_TIME).await else {
        return Err(refused(RefusalCode::Busy, "too many agents are connecting; try again later"));
    };
    admit(parts, link, greeting, entrance, address).await
}

/// Two agents that take each other's place again and again.
async fn note_duplicate(parts: &Parts, host: &Host) {
    tracing::warn!(host.id = %host.id, host.name, "two agents with one identity take each other's place");
    let alert = alerts::found(
        parts,
        AlertKind::AgentDuplicated,
        AlertSubject::new("host", host.id),
        &host.name,
        format!("Two agents take turns as {}.", host.name),
        serde_json::Value::Null,
    );
    let raised = retry(async || {
        let mut change = parts.begin().await?;
        alerts::raise(&mut change, &alert).await?;
        change.commit(Audit::Routine("two agents with one identity")).await
    });
    if let Err(error) = raised.await {
        tracing::error!(host.id = %host.id, error = &error as &dyn core::error::Error, "could not raise an alert");
    }
}

/// What a request to the agent was about.
#[derive(Clone, Debug)]
enum Asked {
    Start(JobId),
    Cancel(JobId),
    /// Keep the token of this hash.
    Rotate(TokenHash),
    Configure(ConfigurationVersion),
    /// Answer a question.
    Question(QuestionId),
}

struct Connection<S> {
    parts: Arc<Parts>,
    /// Where word for this connection is left.
    mailbox: Arc<Mailbox>,
    link: Link<S>,
    host: Host,
    keys: ChannelKeys,
    /// Kinds of jobs that the agent says not to do.
    lacks: Box<[JobKind]>,
    inbox: Inbox,
    asked: HashMap<RequestNumber, Asked>,
    questions: Questions,
    /// The parts of an inventory that is still to end.
    inventory: Vec<KnownJob>,
    /// Jobs that this agent may report progress of.
    jobs: BTreeSet<JobId>,
    /// Whether both ends agree on what runs; nothing is ordered before.
    reconciled: bool,
    /// Whether the agent said that it stops; nothing is ordered then.
    stopping: bool,
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
    async fn begin(parts: Arc<Parts>, mut link: Link<S>, admitted: Admitted) -> Option<Box<Self>> {
        let Admitted { host, keys, lacks } = admitted;
        let (id, generation) = (host.id, host.generation);
        let Some(Entered { mailbox, is_contested }) = parts.agent_connected(id, generation) else {
            tracing::info!(host.id = %id, generation, "a newer connection of the agent was faster");
            link.session().close(Close::Replaced);
            // The agent learns the reason if it still listens.
            let _ = tokio::time::timeout(FAREWELL, link.next()).await;
            return None;
        };
        tracing::info!(host.id = %id, host.name = host.name, generation, "an agent connected");
        if is_contested {
            Box::pin(note_duplicate(&parts, &host)).await;
        }
        let position = host.outbox.map(|position| (position.outbox, position.sequence));
        let next_look = Instant::now() + token::first_look(&host);
        Some(Box::new(Self {
            parts,
            mailbox,
            link,
            host,
            keys,
            lacks,
            inbox: Inbox::new(position),
            asked: HashMap::new(),
            questions: Questions::default(),
            inventory: Vec::new(),
            jobs: BTreeSet::new(),
            reconciled: false,
            stopping: false,
            next_look,
            configuration: Agreement::default(),
        }))
    }

    // What acts is boxed, as above.
    async fn run(&mut self) -> Ended {
        let (parts, mailbox) = (Arc::clone(&self.parts), Arc::clone(&self.mailbox));
        let mut stopping = false;
        loop {
            let step = tokio::select! {
                biased;
                () = parts.shutdown.requested(), if !stopping => {
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

    async fn leave(&mut self, ended: &Ended) {
        let (id, generation) = (self.host.id, self.host.generation);
        let last_seen = self.parts.hub.last_seen(id);
        if !self.parts.agent_disconnected(id, generation) {
            return;
        }
        tracing::info!(host.id = %id, host.name = self.host.name, generation, reason = %ended, "an agent's connection ended");
        let noted = retry(async || {
            let mut change = self.parts.begin().await?;
            let last_seen = last_seen.unwrap_or_else(|| self.parts.now());
            change.hosts().note_last_seen(id, last_seen).await?;
            watch::left(&mut change, &self.host, last_seen).await?;
            // A host that is away keeps nobody waiting.
            change.leases().leave_queue(id).await?;
            change.tell_host(id);
            change.commit(Audit::Routine("an agent's connection ended")).await
        });
        if let Err(error) = noted.await {
            tracing::error!(host.id = %id, error = &error as &dyn core::error::Error, "could not note when a host was last seen");
        }
    }

    async fn obey(&mut self, word: Word) -> Result<(), Error> {
        if let Some(close) = word.close {
            self.link.session().close(close);
            return Ok(());
        }
        for job in word.cancel {
            // What is not asked now is done by the job's deadline.
            self.ask(Message::CancelJob { job }, Asked::Cancel(job));
        }
        for (question, parts) in word.taken {
            if self.questions.grant(question, parts) {
                self.tell(Message::AnswerMore { question, parts });
            }
        }
        for question in word.unwanted {
            if self.questions.close(question) {
                self.tell(Message::AnswerStop { question });
            }
        }
        for question in word.questions {
            self.put(question).await?;
        }
        if word.rotate {
            self.look_at_token().await?;
        }
        if word.configure {
            self.configure().await?;
        }
        if word.work { self.dispatch().await } else { Ok(()) }
    }

    /// Puts a question to the agent.
    async fn put(&mut self, question: NewQuestion) -> Result<(), Error> {
        let seal = |context: &ChannelContext, secret: &[u8]| self.keys.seal(context, secret);
        let written = questions::write(&self.parts, &self.host, &question, seal).await?;
        self.questions.open(question.id, question.parts);
        match written {
            Ok(ask) => {
                if !self.ask(Message::Ask(Box::new(ask)), Asked::Question(question.id)) {
                    self.questions.close(question.id);
                }
            }
            Err(unfit) => self.questions.refuse(question.id, ErrorCode::Failed, unfit.detail.into_owned()),
        }
        Ok(())
    }

    /// Replaces the agent's token when that is due.
    async fn look_at_token(&mut self) -> Result<(), Error> {
        self.next_look = Instant::now() + token::LOOK;
        if !token::is_due(&self.parts, self.host.id).await? {
            return Ok(());
        }
        if let Some(token) = token::offer(&self.parts, self.host.id).await? {
            let sealed = self.keys.seal(&agent_token_context(self.host.id), token.expose().as_bytes());
            let message = Message::RotateToken(AgentToken { token: Opaque::new(sealed) });
            self.ask(message, Asked::Rotate(token::hash_of(&token)));
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) -> Result<(), Error> {
        self.parts.hub.note_seen(self.host.id, self.parts.now());
        match event {
            Event::Message { number, message } => self.handle_message(number, message).await,
            Event::Reply { number, reply } => match self.asked.remove(&number) {
                Some(asked) => self.handle_reply(asked, reply).await,
                None => Ok(()),
            },
            Event::Unanswered { number } => match self.asked.remove(&number) {
                Some(Asked::Start(job)) => queue::requeue(&self.parts, job).await,
                Some(Asked::Configure(_)) => {
                    // It says what it has when it comes back.
                    self.configuration.asked = false;
                    Ok(())
                }
                Some(Asked::Question(question)) => {
                    self.questions.close(question);
                    Ok(())
                }
                // Its job's deadline ends it, or the agent's own report.
                // The agent's next connection shows whether it has kept its new token.
                Some(Asked::Cancel(_) | Asked::Rotate(_)) | None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn handle_message(&mut self, number: RequestNumber, message: Message) -> Result<(), Error> {
        match message {
            Message::Report(report) => self.take(report).await,
            Message::Progress { job, progress } => {
                if self.jobs.contains(&job) {
                    self.parts.hub.set_progress(job, progress.bounded());
                }
                Ok(())
            }
            Message::Inventory { jobs, more } => {
                self.inventory.extend(jobs);
                if self.inventory.len() > INVENTORY_JOBS {
                    self.link.session().close(Close::OutOfOrder);
                    return Ok(());
                }
                if more {
                    self.reply(number, Reply::Ok {});
                    return Ok(());
                }
                let known = mem::take(&mut self.inventory);
                let agreed = reconcile::agree(&self.parts, &self.host, &known).await?;
                self.jobs = agreed.running;
                self.reconciled = true;
                self.reply(number, Reply::Ok {});
                for job in agreed.cancel {
                    self.ask(Message::CancelJob { job }, Asked::Cancel(job));
                }
                self.dispatch().await
            }
            Message::Facts(facts) => {
                described::keep(&self.parts, self.host.id, facts).await?;
                self.reply(number, Reply::Ok {});
                Ok(())
            }
            Message::Configured { version } => {
                self.reply(number, Reply::Ok {});
                self.configuration.known = true;
                self.note_held(version).await?;
                self.configure().await
            }
            Message::Answer(answer) => {
                let question = answer.question;
                match self.questions.take(answer) {
                    Taken::Fine => {}
                    Taken::Unwanted => self.tell(Message::AnswerStop { question }),
                    Taken::Overrun => self.link.session().close(Close::OutOfOrder),
                }
                Ok(())
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
    async fn take(&mut self, report: Report) -> Result<(), Error> {
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
        let Committed { ended, queued } = ingest::commit(&self.parts, &self.host, batch).await?;
        for job in ended.iter().filter(|job| self.jobs.remove(job)) {
            // Also what the server had ended before: its figures are nobody's any more.
            self.parts.hub.forget_progress(*job);
        }
        let now = self.link.now();
        // It fails only when the session has ended; then the agent sends it again to the next one.
        let _ = self.link.session().notify(now, Message::Acknowledge { outbox, through });
        if ended.is_empty() && !queued { Ok(()) } else { self.dispatch().await }
    }

    /// Sends queued jobs, as many as the agent may hold.
    async fn dispatch(&mut self) -> Result<(), Error> {
        while self.reconciled && !self.stopping && self.jobs.len() < JOBS_AT_AGENT {
            let seal = |context: &ChannelContext, secret: &[u8]| self.keys.seal(context, secret);
            match orders::claim(&self.parts, &self.host, &self.lacks, seal).await? {
                None => break,
                Some(Order::Unfit) => {}
                Some(Order::Ready(order)) => {
                    let job = order.job;
                    if self.ask(Message::StartJob(order), Asked::Start(job)) {
                        self.jobs.insert(job);
                    } else {
                        return queue::unsent(&self.parts, job).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends the configuration that the agent shall have, unless it has it or is just taking one.
    async fn configure(&mut self) -> Result<(), Error> {
        let agreement = &self.configuration;
        if !agreement.known || agreement.asked {
            return Ok(());
        }
        let (host, held) = (self.host.id, agreement.held.as_ref());
        let seal = |context: &ChannelContext, secret: &[u8]| self.keys.seal(context, secret);
        match configuration::offer(&self.parts, host, held, seal).await? {
            Offer::Held => Ok(()),
            Offer::Unfit(reason) => configuration::refuse(&self.parts, host, &reason).await,
            Offer::Send(configuration) if agreement.refused.as_ref() == Some(&configuration.version) => {
                Ok(())
            }
            Offer::Send(configuration) => {
                let version = configuration.version.clone();
                self.configuration.asked =
                    self.ask(Message::Configure(configuration), Asked::Configure(version));
                Ok(())
            }
        }
    }

    async fn note_held(&mut self, held: Option<ConfigurationVersion>) -> Result<(), Error> {
        configuration::hold(&self.parts, self.host.id, held.as_ref()).await?;
        if let Some(held) = &held {
            self.parts.hub.settle(self.host.id, held.number, self.parts.now());
        }
        self.configuration.held = held;
        Ok(())
    }

    async fn handle_reply(&mut self, asked: Asked, reply: Reply) -> Result<(), Error> {
        match (asked, reply) {
            (Asked::Start(job), Reply::Error { code, message }) => {
                self.jobs.remove(&job);
                // It takes no more orders, but reports until it hangs up.
                self.stopping |= code == ErrorCode::Stopping;
                end::refused(&self.parts, job, code, &message).await?;
            }
            (Asked::Cancel(job), Reply::Error { code: ErrorCode::UnknownJob, .. }) => {
                self.jobs.remove(&job);
                end::end(&self.parts, job, end::cancelled(), Cause::Cancelled).await?;
            }
            (Asked::Question(question), Reply::Error { code, message }) => {
                self.questions.refuse(question, code, message);
            }
            (Asked::Rotate(hash), Reply::Ok {}) => {
                token::confirm(&self.parts, &self.host, hash).await?;
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
                configuration::refuse(&self.parts, self.host.id, &message).await?;
                self.configure().await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the agent, and says whether the question leaves.
    fn ask(&mut self, message: Message, asked: Asked) -> bool {
        let now = self.link.now();
        match self.link.session().request(now, message) {
            Ok(number) => self.asked.insert(number, asked).is_none(),
            Err(error) => {
                tracing::warn!(host.id = %self.host.id, %error, "could not send word to an agent");
                false
            }
        }
    }

    /// Says something that wants no answer.
    fn tell(&mut self, message: Message) {
        let now = self.link.now();
        // It fails only when the session has ended.
        let _ = self.link.session().notify(now, message);
    }

    fn reply(&mut self, number: RequestNumber, reply: Reply) {
        let now = self.link.now();
        // It fails only when the session has ended.
        let _ = self.link.session().reply(now, number, reply);
    }
}

#[cfg(test)]
mod sizes;
