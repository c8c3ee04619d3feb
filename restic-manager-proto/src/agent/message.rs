//! The kinds of message after the handshake.

use super::{AgentToken, Answer, Ask, Configuration, ConfigurationVersion, JobOrder, KnownJob, Report};
use crate::{HostFacts, JobId, OutboxId, Progress, QuestionId};

/// A message after the handshake. Its kind is the envelope's `type`, the rest its `body`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// Server to agent: run a job. Answered.
    StartJob(Box<JobOrder>),
    /// Server to agent: stop a job, whatever its state. Answered.
    CancelJob {
        /// The job.
        job: JobId,
    },
    /// Server to agent: everything up to `through` is on the server's disk.
    Acknowledge {
        /// Which outbox.
        outbox: OutboxId,
        /// Number of the last item that is safe.
        through: u64,
    },
    /// Server to agent: take a new token. Answered once it is on the agent's disk.
    RotateToken(AgentToken),
    /// Server to agent: what you do by yourself, all of it, in place of what you had. Answered once it is on the
    /// agent's disk; an agent that cannot take it keeps what it had and says why.
    Configure(Box<Configuration>),
    /// Agent to server: the configuration that I have; after each welcome.
    Configured {
        /// Its version; `None` for an agent that was never given one.
        version: Option<ConfigurationVersion>,
    },
    /// Agent to server: what I know of my host.
    Facts(HostFacts),
    /// Agent to server: every job I know, so that both ends agree after a break.
    Inventory {
        /// Waiting, running, and ended but not acknowledged.
        jobs: Vec<KnownJob>,
        /// Whether another part follows, because one frame does not hold all of them. Both ends agree only once the
        /// last part has come; each part is answered.
        more: bool,
    },
    /// Agent to server: items of my outbox.
    Report(Report),
    /// Agent to server: how far a job has come. Not numbered: the newest wins.
    Progress {
        /// The job.
        job: JobId,
        /// The figures.
        progress: Progress,
    },
    /// Server to agent: a question. Answered once it is accepted, and then by [`Message::Answer`].
    Ask(Box<Ask>),
    /// Server to agent: so many parts of an answer were taken; as many more may be sent.
    AnswerMore {
        /// The question.
        question: QuestionId,
        /// How many.
        parts: u32,
    },
    /// Server to agent: nobody waits for the rest of an answer.
    AnswerStop {
        /// The question.
        question: QuestionId,
    },
    /// Agent to server: a part of an answer.
    Answer(Answer),
    /// A kind of a newer peer.
    Unknown(Unknown),
}

/// A message of a kind that this build does not know. It is answered with `unsupported`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// The envelope's `type`.
    pub kind: String,
    /// The envelope's `body`, as JSON text.
    pub body: String,
}

impl Unknown {
    /// A kind with its body, which must be JSON: what a newer peer would send.
    #[must_use]
    pub fn new(kind: impl Into<String>, body: impl Into<String>) -> Self {
        Self { kind: kind.into(), body: body.into() }
    }
}
