//! A connected agent, step by step.

use core::time::Duration;
use restic_manager_core::{
    handshake::{job_secrets_context, question_secrets_context},
    link::{Ended, Link},
};
use restic_manager_crypto::ChannelKeys;
use restic_manager_proto::{
    JobId, QuestionId, RepositorySecrets,
    agent::{Answer, AnswerPart, Ask, JobOrder, KnownJob, Message, Reply, Welcome},
    session::{Event, RequestNumber},
};
use tokio::net::TcpStream;

/// Longest that anything may take before a test gives up: for hangs, not for speed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connected agent.
#[derive(Debug)]
pub struct Agent {
    /// The connection.
    pub link: Link<TcpStream>,
    /// The connection's keys.
    pub keys: ChannelKeys,
    /// What the server said first.
    pub welcome: Welcome,
}

impl Agent {
    /// Tells the server something.
    pub fn send(&mut self, message: Message) {
        let now = self.link.now();
        self.link.session().notify(now, message).unwrap();
    }

    /// Says which jobs it knows, as each connection begins, and waits for the answer.
    pub async fn take_stock(&mut self, jobs: Vec<KnownJob>) {
        let now = self.link.now();
        let asked = self.link.session().request(now, Message::Inventory { jobs, more: false }).unwrap();
        match patiently(self.link.next()).await.unwrap() {
            Event::Reply { number, reply: Reply::Ok {} } => assert_eq!(number, asked),
            other => panic!("{other:?}"),
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> (RequestNumber, Message) {
        loop {
            match patiently(self.link.next()).await.unwrap() {
                Event::Message { number, message } => return (number, message),
                Event::Reply { .. } | Event::Heartbeat => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes the next order, and says that it will be carried out.
    pub async fn order(&mut self) -> JobOrder {
        let (number, order) = self.unanswered_order().await;
        let now = self.link.now();
        self.link.session().reply(now, number, Reply::Ok {}).unwrap();
        order
    }

    /// The next order, which waits for its answer.
    pub async fn unanswered_order(&mut self) -> (RequestNumber, JobOrder) {
        loop {
            match self.message().await {
                (number, Message::StartJob(order)) => return (number, *order),
                (_, Message::Acknowledge { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes the next question, and says that it will be answered.
    pub async fn asked(&mut self) -> Ask {
        loop {
            match self.message().await {
                (number, Message::Ask(ask)) => {
                    let now = self.link.now();
                    self.link.session().reply(now, number, Reply::Ok {}).unwrap();
                    return *ask;
                }
                (_, Message::Acknowledge { .. } | Message::AnswerMore { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sends a part of an answer. What the server says meanwhile is passed over.
    pub async fn answer(&mut self, question: QuestionId, part: AnswerPart) {
        self.send(Message::Answer(Answer { question, part }));
        while patiently(self.link.next_or_sent()).await.unwrap().is_some() {}
    }

    /// What a question carries sealed.
    pub fn secrets_of(&self, ask: &Ask) -> RepositorySecrets {
        let context = question_secrets_context(ask.id);
        let plain =
            self.keys.open(&context, ask.repository.secrets.as_bytes()).expect("sealed for this connection");
        serde_json::from_slice(plain.expose()).unwrap()
    }

    /// The job that it is asked to cancel.
    pub async fn cancellation(&mut self) -> JobId {
        match self.message().await {
            (number, Message::CancelJob { job }) => {
                let now = self.link.now();
                self.link.session().reply(now, number, Reply::Ok {}).unwrap();
                job
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn acknowledged(&mut self, wanted: u64) {
        match self.message().await {
            (_, Message::Acknowledge { through, .. }) => assert_eq!(through, wanted),
            other => panic!("{other:?}"),
        }
    }

    /// What an order carries sealed.
    pub fn secrets(&self, order: &JobOrder) -> RepositorySecrets {
        let context = job_secrets_context(order.job);
        let plain = self
            .keys
            .open(&context, order.repository.secrets.as_bytes())
            .expect("sealed for this connection");
        serde_json::from_slice(plain.expose()).unwrap()
    }

    /// How the connection ends, and nothing before it.
    pub async fn ended(mut self) -> Ended {
        patiently(self.link.next()).await.expect_err("the connection goes on")
    }
}

/// For hangs, not for speed.
pub async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("something that must happen did not")
}
