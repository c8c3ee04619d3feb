//! The envelope: one JSON object per text frame.
//!
//! ```json
//! {"type":"job.cancel","id":12,"body":{"job":"01932f6e-1c2d-7a4b-8e9f-0123456789ab"}}
//! {"type":"reply","id":7,"re":12,"body":{"result":"ok"}}
//! ```

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::borrow::Cow;

use crate::{
    HostFacts, JobId, OutboxId, Progress, QuestionId,
    agent::{
        AgentToken, Answer, Ask, Challenge, Configuration, ConfigurationVersion, Hello, JobOrder, KnownJob,
        Message, Pending, Proof, Refusal, Reply, Report, Unknown, Welcome,
    },
};

pub use crate::limits::FRAME_BYTES as MAX_FRAME_BYTES;

/// One frame, decoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// Number that the sender gave it; each side counts its own from 1.
    pub id: u64,
    /// What it says.
    pub payload: Payload,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// Handshake, first.
    Hello(Hello),
    /// Handshake, second.
    Challenge(Challenge),
    /// Handshake, third.
    Proof(Proof),
    /// Handshake, before the fourth of an announced host.
    Pending(Pending),
    /// Handshake, fourth.
    Welcome(Welcome),
    /// The end of a handshake that failed.
    Refusal(Refusal),
    /// I am alive.
    Heartbeat,
    /// The answer to the frame `to`.
    Reply {
        /// The other side's frame.
        to: u64,
        /// The answer.
        reply: Reply,
    },
    /// Everything after the handshake.
    Message(Message),
}

/// A frame cannot be read, or is not to be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It is longer than [`MAX_FRAME_BYTES`].
    #[error("the frame of {length} bytes is longer than the limit of {MAX_FRAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It is not an envelope.
    #[error("the frame is not an envelope: {reason}")]
    Envelope {
        /// What is wrong with it, without its content.
        reason: String,
    },
    /// Its body is not one of its kind.
    #[error("the body of {kind} is not valid: {reason}")]
    Body {
        /// The envelope's `type`.
        kind: &'static str,
        /// What is wrong with it, without its content.
        reason: String,
    },
    /// A reply does not say to which frame.
    #[error("the reply does not say to which frame")]
    ReplyWithoutTarget,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a, B> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    re: Option<u64>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    body: Option<B>,
}

fn none<B>() -> Option<B> {
    None
}

#[derive(Serialize, Deserialize)]
struct CancelBody {
    job: JobId,
}

#[derive(Serialize, Deserialize)]
struct AcknowledgeBody {
    outbox: OutboxId,
    through: u64,
}

#[derive(Serialize, Deserialize)]
struct InventoryBody<'a> {
    jobs: Cow<'a, [KnownJob]>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    more: bool,
}

#[derive(Serialize, Deserialize)]
struct ConfiguredBody<'a> {
    version: Option<Cow<'a, ConfigurationVersion>>,
}

#[derive(Serialize, Deserialize)]
struct MoreBody {
    question: QuestionId,
    parts: u32,
}

#[derive(Serialize, Deserialize)]
struct StopBody {
    question: QuestionId,
}

#[derive(Serialize)]
struct ProgressBody<'a> {
    job: JobId,
    progress: &'a Progress,
}

#[derive(Deserialize)]
struct OwnedProgressBody {
    job: JobId,
    progress: Progress,
}

impl Frame {
    /// Joins number and payload.
    #[must_use]
    pub fn new(id: u64, payload: Payload) -> Self {
        Self { id, payload }
    }

    /// Reads a frame. Unknown kinds become [`Message::Unknown`], unknown fields are ignored.
    pub fn decode(text: &str) -> Result<Self, FrameError> {
        if text.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong { length: text.len() });
        }
        let envelope: Envelope<'_, &RawValue> =
            serde_json::from_str(text).map_err(|error| FrameError::Envelope { reason: place(&error) })?;
        let body = envelope.body.map_or("{}", RawValue::get);
        let payload = match envelope.kind.as_ref() {
            "hello" => Payload::Hello(read("hello", body)?),
            "challenge" => Payload::Challenge(read("challenge", body)?),
            "proof" => Payload::Proof(read("proof", body)?),
            "pending" => Payload::Pending(read("pending", body)?),
            "welcome" => Payload::Welcome(read("welcome", body)?),
            "refusal" => Payload::Refusal(read("refusal", body)?),
            "heartbeat" => Payload::Heartbeat,
            "reply" => Payload::Reply {
                to: envelope.re.ok_or(FrameError::ReplyWithoutTarget)?,
                reply: serde_json::from_str(body).unwrap_or_else(|_| Reply::not_understood()),
            },
            kind => Payload::Message(decode_message(kind, body)?),
        };
        Ok(Self { id: envelope.id, payload })
    }

    /// Writes a frame; fails when it is too long, so that the sender notices and not the receiver.
    pub fn encode(&self) -> Result<String, FrameError> {
        let text = match &self.payload {
            Payload::Hello(body) => self.write("hello", Some(body)),
            Payload::Challenge(body) => self.write("challenge", Some(body)),
            Payload::Proof(body) => self.write("proof", Some(body)),
            Payload::Pending(body) => self.write("pending", Some(body)),
            Payload::Welcome(body) => self.write("welcome", Some(body)),
            Payload::Refusal(body) => self.write("refusal", Some(body)),
            Payload::Heartbeat => self.write::<()>("heartbeat", None),
            Payload::Reply { reply, .. } => self.write("reply", Some(reply)),
            Payload::Message(message) => self.encode_message(message),
        }?;
        if text.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong { length: text.len() });
        }
        Ok(text)
    }

    fn encode_message(&self, message: &Message) -> Result<String, FrameError> {
        match message {
            Message::StartJob(body) => self.write("job.start", Some(body)),
            Message::CancelJob { job } => self.write("job.cancel", Some(CancelBody { job: *job })),
            Message::Acknowledge { outbox, through } => {
                self.write("acknowledge", Some(AcknowledgeBody { outbox: *outbox, through: *through }))
            }
            Message::RotateToken(body) => self.write("token.rotate", Some(body)),
            Message::Configure(body) => self.write("configure", Some(body)),
            Message::Configured { version } => {
                let version = version.as_ref().map(Cow::Borrowed);
                self.write("configured", Some(ConfiguredBody { version }))
            }
            Message::Facts(body) => self.write("facts", Some(body)),
            Message::Inventory { jobs, more } => {
                self.write("inventory", Some(InventoryBody { jobs: jobs.into(), more: *more }))
            }
            Message::Report(body) => self.write("report", Some(body)),
            Message::Progress { job, progress } => {
                self.write("progress", Some(ProgressBody { job: *job, progress }))
            }
            Message::Ask(body) => self.write("ask", Some(body)),
            Message::AnswerMore { question, parts } => {
                self.write("answer.more", Some(MoreBody { question: *question, parts: *parts }))
            }
            Message::AnswerStop { question } => {
                self.write("answer.stop", Some(StopBody { question: *question }))
            }
            Message::Answer(body) => self.write("answer", Some(body)),
            Message::Unknown(Unknown { kind, body }) => {
                let body = RawValue::from_string(body.clone())
                    .map_err(|error| FrameError::Envelope { reason: place(&error) })?;
                self.write(kind, Some(body))
            }
        }
    }

    fn write<B: Serialize>(&self, kind: &str, body: Option<B>) -> Result<String, FrameError> {
        let re = match &self.payload {
            Payload::Reply { to, .. } => Some(*to),
            _ => None,
        };
        serde_json::to_string(&Envelope { kind: kind.into(), id: self.id, re, body })
            .map_err(|error| FrameError::Envelope { reason: place(&error) })
    }
}

fn decode_message(kind: &str, body: &str) -> Result<Message, FrameError> {
    // What has words of a newer peer in it is answered like a kind that this build does not know, and does not end the
    // session.
    fn known<T: DeserializeOwned>(kind: &str, body: &str, message: impl FnOnce(T) -> Message) -> Message {
        let unknown = || Message::Unknown(Unknown { kind: kind.to_owned(), body: body.to_owned() });
        serde_json::from_str(body).map_or_else(|_| unknown(), message)
    }
    Ok(match kind {
        "job.start" => known(kind, body, |order: JobOrder| Message::StartJob(Box::new(order))),
        "job.cancel" => Message::CancelJob { job: read::<CancelBody>("job.cancel", body)?.job },
        "acknowledge" => {
            let AcknowledgeBody { outbox, through } = read("acknowledge", body)?;
            Message::Acknowledge { outbox, through }
        }
        "token.rotate" => known(kind, body, |token: AgentToken| Message::RotateToken(token)),
        "configure" => known(kind, body, |all: Configuration| Message::Configure(Box::new(all))),
        "configured" => known(kind, body, |body: ConfiguredBody<'_>| Message::Configured {
            version: body.version.map(Cow::into_owned),
        }),
        "facts" => known(kind, body, |facts: HostFacts| Message::Facts(facts)),
        "inventory" => {
            let InventoryBody { jobs, more } = read("inventory", body)?;
            Message::Inventory { jobs: jobs.into_owned(), more }
        }
        "report" => Message::Report(read::<Report>("report", body)?),
        "progress" => known(kind, body, |body: OwnedProgressBody| Message::Progress {
            job: body.job,
            progress: body.progress,
        }),
        "ask" => known(kind, body, |ask: Ask| Message::Ask(Box::new(ask))),
        "answer.more" => {
            let MoreBody { question, parts } = read("answer.more", body)?;
            Message::AnswerMore { question, parts }
        }
        "answer.stop" => Message::AnswerStop { question: read::<StopBody>("answer.stop", body)?.question },
        "answer" => known(kind, body, |answer: Answer| Message::Answer(answer)),
        _ => Message::Unknown(Unknown { kind: kind.to_owned(), body: body.to_owned() }),
    })
}

fn read<T: DeserializeOwned>(kind: &'static str, body: &str) -> Result<T, FrameError> {
    serde_json::from_str(body).map_err(|error| FrameError::Body { kind, reason: place(&error) })
}

/// What serde_json says, less the text it may quote: frames carry secrets.
fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "unreadable",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "a field is missing or of the wrong type",
        serde_json::error::Category::Eof => "cut off",
    };
    format!("{what}, line {} column {}", error.line(), error.column())
}
