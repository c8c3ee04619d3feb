//! One connection between an agent and a server, as a state machine without I/O.
//!
//! Frames and moments go in; frames to send, events and the end come out. The same type serves both ends, so
//! that tests join two of them in memory and own latency, loss and time:
//!
//! ```
//! use restic_manager_proto::{Opaque, Timestamp, agent::{Hello, Intent}};
//! use restic_manager_proto::session::{Event, Limits, Output, Session};
//!
//! let now = Timestamp::from_milliseconds(0);
//! let key = || Opaque::new([7; 32]);
//! let hello = Hello::new(Intent::Enrol {}, key(), key(), key(), "1.0.0");
//! let mut agent = Session::connect(now, hello, Limits::default());
//! let mut server = Session::accept(now, Limits::default());
//!
//! let Some(Output::Send(frame)) = agent.poll() else { unreachable!() };
//! server.receive(now, &frame);
//! assert!(matches!(server.poll(), Some(Output::Event(Event::Hello { version: 1, .. }))));
//! ```
//!
//! The owner calls [`Session::poll`] until it gives nothing more after each call that changes something, and
//! [`Session::expire`] when [`Session::deadline`] has come. The cryptography of the handshake is the owner's:
//! [`Event::Hello`] is answered by [`Session::challenge`], [`Event::Challenge`] by [`Session::prove`],
//! [`Event::Proof`] by [`Session::welcome`], and each of them by [`Session::refuse`] or [`Session::close`]. A server that
//! leaves the verdict to people answers [`Event::Proof`] by [`Session::pend`] first: until the verdict the session carries
//! heartbeats and nothing else.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::{
    SUPPORTED, Timestamp,
    agent::{Challenge, ErrorCode, Hello, Message, Pending, Proof, Refusal, RefusalCode, Reply, Welcome},
    frame::{Frame, FrameError, Payload},
};

/// Times and counts that bound a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are written by their owner, starting from the default"
)]
pub struct Limits {
    /// A side that has sent nothing for so long says that it is alive. 30 s.
    pub heartbeat: Duration,
    /// A side that has received nothing for so long gives the connection up. 90 s.
    pub silence: Duration,
    /// The handshake ends within this time. 10 s.
    pub handshake: Duration,
    /// A request that has no reply after this time is reported as unanswered. 60 s.
    pub request: Duration,
    /// Requests that may wait for a reply at once. 1024.
    pub requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            silence: Duration::from_secs(90),
            handshake: Duration::from_secs(10),
            request: Duration::from_secs(60),
            requests: 1024,
        }
    }
}

/// Number of a request, for matching its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(u64);

/// What a session wants from its owner.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send this frame.
    Send(String),
    /// Act on this.
    Event(Event),
    /// Close the connection. Nothing follows.
    Close(Close),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Server: an agent says who it wants to be. Answer with [`Session::challenge`] or [`Session::refuse`].
    Hello {
        /// What it says.
        hello: Hello,
        /// The version both speak.
        version: u16,
        /// The frame as it came: the first thing that both sign.
        frame: String,
    },
    /// Agent: the server says who it is. Answer with [`Session::prove`] or [`Session::close`].
    Challenge {
        /// What it says.
        challenge: Challenge,
        /// The hello frame as it was sent: the first thing that both sign.
        hello_frame: String,
    },
    /// Server: the agent proves itself. Answer with [`Session::welcome`], [`Session::pend`] or [`Session::refuse`].
    Proof(Proof),
    /// Agent: people decide. Wait for [`Event::Established`] or [`Event::Refused`].
    Pending(Pending),
    /// Both: the handshake is done. On the agent's side with the server's welcome.
    Established(Option<Welcome>),
    /// Agent: the server refused.
    Refused(Refusal),
    /// The other side is alive and has nothing to say.
    Heartbeat,
    /// A message came. When it is a request, [`Session::reply`] with this number.
    Message {
        /// The number to reply to.
        number: RequestNumber,
        /// The message.
        message: Message,
    },
    /// A request was answered.
    Reply {
        /// The request.
        number: RequestNumber,
        /// The answer.
        reply: Reply,
    },
    /// A request was not answered in time. Its outcome is unknown.
    Unanswered {
        /// The request.
        number: RequestNumber,
    },
}

/// Why a session ended, from its own side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Close {
    /// The other side was silent for too long.
    #[error("nothing was seen for too long")]
    Silence,
    /// The handshake took too long.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// A frame could not be read.
    #[error("a frame could not be read: {0}")]
    Malformed(FrameError),
    /// A frame came that has no place there.
    #[error("a frame came that has no place there")]
    OutOfOrder,
    /// The server speaks a version that this agent does not.
    #[error("the server speaks protocol {0}, and this agent {SUPPORTED}; update the older of the two")]
    Version(u16),
    /// The server refused the agent, or this side did.
    #[error("the agent was refused")]
    Refused(RefusalCode),
    /// A newer connection of the same agent took over.
    #[error("a newer connection of the same agent took over")]
    Replaced,
    /// The host was removed.
    #[error("the host was removed")]
    Removed,
    /// The other end's identity is not the expected one.
    #[error("the other end is not who it should be")]
    Untrusted,
    /// This end is stopping.
    #[error("this end is stopping")]
    Stopping,
    /// This end cannot keep up, or failed.
    #[error("this end failed")]
    Failed,
}

impl Close {
    /// The WebSocket close code that tells the other side.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Silence => 4008,
            Self::HandshakeTimeout => 4009,
            Self::Malformed(FrameError::TooLong { .. }) => 1009,
            Self::Malformed(_) | Self::OutOfOrder | Self::Version(_) => 4002,
            Self::Removed | Self::Refused(RefusalCode::Rejected) => 4001,
            Self::Refused(_) | Self::Untrusted => 4003,
            Self::Replaced => 4004,
            Self::Stopping => 1001,
            Self::Failed => 1011,
        }
    }
}

/// A message cannot be sent now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The handshake is not done, or the session has ended.
    #[error("the session is not established")]
    NotEstablished,
    /// Too many requests wait for a reply.
    #[error("too many requests wait for a reply")]
    TooManyRequests,
    /// The message does not fit into a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AwaitsHello,
    OwesChallenge,
    AwaitsProof,
    OwesVerdict,
    /// The agent was told that the verdict takes time.
    Pends,
    AwaitsChallenge,
    OwesProof,
    AwaitsWelcome,
    /// The server said that the verdict takes time.
    AwaitsVerdict,
    Established,
    Closed,
}

/// One end of a connection. See the [module](self).
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    limits: Limits,
    next_number: u64,
    hello_frame: String,
    began: Timestamp,
    last_sent: Timestamp,
    last_received: Timestamp,
    waiting: BTreeMap<RequestNumber, Timestamp>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// The agent's end; it speaks first.
    #[must_use]
    pub fn connect(now: Timestamp, hello: Hello, limits: Limits) -> Self {
        let mut session = Self::new(now, limits, Phase::AwaitsChallenge);
        session.send(now, Payload::Hello(hello));
        if let Some(Output::Send(frame)) = session.outputs.back() {
            session.hello_frame.clone_from(frame);
        }
        session
    }

    /// The server's end.
    #[must_use]
    pub fn accept(now: Timestamp, limits: Limits) -> Self {
        Self::new(now, limits, Phase::AwaitsHello)
    }

    fn new(now: Timestamp, limits: Limits, phase: Phase) -> Self {
        Self {
            phase,
            limits,
            next_number: 1,
            hello_frame: String::new(),
            began: now,
            last_sent: now,
            last_received: now,
            waiting: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes a frame in. A frame that cannot be read, or has no place here, ends the session.
    pub fn receive(&mut self, now: Timestamp, text: &str) {
        if self.phase == Phase::Closed {
            return;
        }
        self.last_received = now;
        match Frame::decode(text) {
            Ok(frame) => self.accept_frame(now, frame, text),
            Err(error) => self.fail_handshake_or_close(now, Close::Malformed(error)),
        }
    }

    /// Takes the passing of time in.
    pub fn expire(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Closed => {}
            Phase::Established | Phase::Pends | Phase::AwaitsVerdict => {
                if now.since(self.last_received) >= self.limits.silence {
                    return self.close(Close::Silence);
                }
                self.expire_requests(now);
                if now.since(self.last_sent) >= self.limits.heartbeat {
                    self.send(now, Payload::Heartbeat);
                }
            }
            _ if now.since(self.began) >= self.limits.handshake => self.close(Close::HandshakeTimeout),
            _ => {}
        }
    }

    /// What to do next; `None` until something goes in again.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // A session that waits, as most do, holds no memory for what it once had to say.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Session::expire`] wants to be called at the latest; `None` once the session has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Closed => None,
            Phase::Established | Phase::Pends | Phase::AwaitsVerdict => {
                let heartbeat = self.last_sent.after(self.limits.heartbeat);
                let silence = self.last_received.after(self.limits.silence);
                let request = self.waiting.values().min().map(|asked| asked.after(self.limits.request));
                Some(request.map_or(heartbeat.min(silence), |at| at.min(heartbeat).min(silence)))
            }
            _ => Some(self.began.after(self.limits.handshake)),
        }
    }

    /// Whether messages can be sent.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.phase == Phase::Established
    }

    /// Server: answers [`Event::Hello`].
    pub fn challenge(&mut self, now: Timestamp, challenge: Challenge) {
        if self.phase == Phase::OwesChallenge {
            self.phase = Phase::AwaitsProof;
            self.send(now, Payload::Challenge(challenge));
        }
    }

    /// Agent: answers [`Event::Challenge`].
    pub fn prove(&mut self, now: Timestamp, proof: Proof) {
        if self.phase == Phase::OwesProof {
            self.phase = Phase::AwaitsWelcome;
            self.send(now, Payload::Proof(proof));
        }
    }

    /// Server: answers [`Event::Proof`] when people decide; the verdict follows by [`Session::welcome`] or
    /// [`Session::refuse`].
    pub fn pend(&mut self, now: Timestamp, pending: Pending) {
        if self.phase == Phase::OwesVerdict {
            self.phase = Phase::Pends;
            self.send(now, Payload::Pending(pending));
        }
    }

    /// Server: answers [`Event::Proof`], or ends the wait after [`Session::pend`]; the session is established.
    pub fn welcome(&mut self, now: Timestamp, welcome: Welcome) {
        if matches!(self.phase, Phase::OwesVerdict | Phase::Pends) {
            self.phase = Phase::Established;
            self.send(now, Payload::Welcome(welcome));
            self.outputs.push_back(Output::Event(Event::Established(None)));
        }
    }

    /// Server: refuses the agent, and ends the session.
    pub fn refuse(&mut self, now: Timestamp, refusal: Refusal) {
        if self.phase != Phase::Closed {
            let code = refusal.code;
            self.send(now, Payload::Refusal(refusal));
            self.close(Close::Refused(code));
        }
    }

    /// Ends the session.
    pub fn close(&mut self, why: Close) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.outputs.push_back(Output::Close(why));
        }
    }

    /// Sends a message that wants a reply; [`Event::Reply`] or [`Event::Unanswered`] will name the number.
    pub fn request(&mut self, now: Timestamp, message: Message) -> Result<RequestNumber, SendError> {
        if self.waiting.len() >= self.limits.requests {
            return Err(SendError::TooManyRequests);
        }
        let number = self.transmit(now, Payload::Message(message))?;
        self.waiting.insert(number, now);
        Ok(number)
    }

    /// Sends a message that wants no reply.
    pub fn notify(&mut self, now: Timestamp, message: Message) -> Result<(), SendError> {
        self.transmit(now, Payload::Message(message)).map(drop)
    }

    /// Answers a message.
    pub fn reply(&mut self, now: Timestamp, to: RequestNumber, reply: Reply) -> Result<(), SendError> {
        self.transmit(now, Payload::Reply { to: to.0, reply }).map(drop)
    }

    fn accept_frame(&mut self, now: Timestamp, frame: Frame, text: &str) {
        match (self.phase, frame.payload) {
            (Phase::AwaitsHello, Payload::Hello(hello)) => self.accept_hello(now, hello, text),
            (Phase::AwaitsProof, Payload::Proof(proof)) => {
                self.phase = Phase::OwesVerdict;
                self.outputs.push_back(Output::Event(Event::Proof(proof)));
            }
            (Phase::AwaitsChallenge, Payload::Challenge(challenge)) => self.accept_challenge(challenge),
            (Phase::AwaitsWelcome, Payload::Pending(pending)) => {
                self.phase = Phase::AwaitsVerdict;
                self.outputs.push_back(Output::Event(Event::Pending(pending)));
            }
            (Phase::AwaitsWelcome | Phase::AwaitsVerdict, Payload::Welcome(welcome)) => {
                self.phase = Phase::Established;
                self.outputs.push_back(Output::Event(Event::Established(Some(welcome))));
            }
            (
                Phase::AwaitsChallenge | Phase::AwaitsWelcome | Phase::AwaitsVerdict,
                Payload::Refusal(refusal),
            ) => {
                let code = refusal.code;
                self.outputs.push_back(Output::Event(Event::Refused(refusal)));
                self.close(Close::Refused(code));
            }
            (Phase::Established | Phase::Pends | Phase::AwaitsVerdict, Payload::Heartbeat) => {
                self.outputs.push_back(Output::Event(Event::Heartbeat));
            }
            (Phase::Established, Payload::Reply { to, reply }) => {
                let number = RequestNumber(to);
                if self.waiting.remove(&number).is_some() {
                    self.outputs.push_back(Output::Event(Event::Reply { number, reply }));
                }
            }
            (Phase::Established, Payload::Message(message)) => self.accept_message(now, frame.id, message),
            _ => self.fail_handshake_or_close(now, Close::OutOfOrder),
        }
    }

    fn accept_hello(&mut self, now: Timestamp, hello: Hello, text: &str) {
        let Some(version) = SUPPORTED.agree(hello.versions) else {
            let message = format!(
                "this server speaks protocol {SUPPORTED}, the agent {} speaks {}; update the older of the two",
                hello.agent_version, hello.versions
            );
            return self.refuse(now, Refusal::new(RefusalCode::Version, message));
        };
        self.phase = Phase::OwesChallenge;
        self.outputs.push_back(Output::Event(Event::Hello { hello, version, frame: text.to_owned() }));
    }

    fn accept_challenge(&mut self, challenge: Challenge) {
        if !(SUPPORTED.min..=SUPPORTED.max).contains(&challenge.version) {
            return self.close(Close::Version(challenge.version));
        }
        self.phase = Phase::OwesProof;
        let hello_frame = core::mem::take(&mut self.hello_frame);
        self.outputs.push_back(Output::Event(Event::Challenge { challenge, hello_frame }));
    }

    fn accept_message(&mut self, now: Timestamp, id: u64, message: Message) {
        let number = RequestNumber(id);
        if let Message::Unknown(unknown) = &message {
            let message =
                format!("this build does not know {:?}", unknown.kind.chars().take(64).collect::<String>());
            let reply = Reply::Error { code: ErrorCode::Unsupported, message };
            self.send(now, Payload::Reply { to: id, reply });
        }
        self.outputs.push_back(Output::Event(Event::Message { number, message }));
    }

    fn expire_requests(&mut self, now: Timestamp) {
        let limit = self.limits.request;
        let outputs = &mut self.outputs;
        self.waiting.retain(|&number, asked| {
            let keep = now.since(*asked) < limit;
            if !keep {
                outputs.push_back(Output::Event(Event::Unanswered { number }));
            }
            keep
        });
    }

    /// A peer that has not proven itself is told that it is not understood; one that has is cut off.
    fn fail_handshake_or_close(&mut self, now: Timestamp, why: Close) {
        if matches!(
            self.phase,
            Phase::AwaitsHello | Phase::AwaitsProof | Phase::OwesChallenge | Phase::OwesVerdict
        ) {
            let refusal = Refusal::new(
                RefusalCode::Malformed,
                "the first messages cannot be read, or came in the wrong order",
            );
            self.send(now, Payload::Refusal(refusal));
        }
        self.close(why);
    }

    fn transmit(&mut self, now: Timestamp, payload: Payload) -> Result<RequestNumber, SendError> {
        if self.phase != Phase::Established {
            return Err(SendError::NotEstablished);
        }
        self.enqueue(now, payload).map_err(SendError::Frame)
    }

    /// Sends what this module made itself; only an owner's oversize handshake field can fail, and that ends it.
    fn send(&mut self, now: Timestamp, payload: Payload) {
        if let Err(error) = self.enqueue(now, payload) {
            self.close(Close::Malformed(error));
        }
    }

    fn enqueue(&mut self, now: Timestamp, payload: Payload) -> Result<RequestNumber, FrameError> {
        let number = self.next_number;
        let text = Frame::new(number, payload).encode()?;
        self.next_number += 1;
        self.last_sent = now;
        self.outputs.push_back(Output::Send(text));
        Ok(RequestNumber(number))
    }
}
