//! A session over a WebSocket: moves frames, keeps the session's deadlines, hands out events.
//!
//! It owns the socket and never decides anything: the owner answers events through [`Link::session`].

use core::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use futures_util::{Sink as _, Stream as _};
use restic_manager_proto::{
    Timestamp,
    frame::{FrameError, MAX_FRAME_BYTES},
    session::{Close, Event, Output, Session},
};
use std::collections::VecDeque;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::clock::Clock;

/// A peer that takes nothing for so long is given up.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// What a closing frame has room for.
const CLOSE_REASON_BYTES: usize = 123;
/// How long a closing frame may take to leave.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// WebSocket settings for agent connections: small buffers, because there are many, and the protocol's frame limit.
#[must_use]
pub fn socket_settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_FRAME_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// This end closed it.
    #[error(transparent)]
    Closed(Close),
    /// The other end closed it.
    #[error("the other end closed the connection ({code}{separator}{reason})", separator = if reason.is_empty() { "" } else { ": " })]
    ClosedByPeer {
        /// The WebSocket close code; 1005 when it gave none.
        code: u16,
        /// What it said.
        reason: String,
    },
    /// The other end took nothing for 30 seconds.
    #[error("the other end takes nothing")]
    Stalled,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] tungstenite::Error),
}

/// A session over a WebSocket. See the [module](self).
pub struct Link<S> {
    socket: WebSocketStream<S>,
    session: Session,
    /// When it began, by the clock and by what waits.
    began: (Timestamp, Instant),
    outgoing: VecDeque<Message>,
    events: VecDeque<Event>,
    stalled_since: Option<Instant>,
    closing: Option<Close>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Joins a session to the socket that it is spoken on.
    pub fn new(socket: WebSocketStream<S>, session: Session, clock: &dyn Clock) -> Self {
        Self {
            socket,
            session,
            began: (clock.now(), Instant::now()),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            stalled_since: None,
            closing: None,
        }
    }

    /// The session, to act on it; what it wants is done by the next call of [`Link::next`].
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The moment that the session's deadlines are held against: the clock's when the link began, and from there the time
    /// that passed. A clock that is set forward makes no peer silent, and one that is set back no peer patient. It is for
    /// the session alone: what is kept or shown takes its moment from the clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (moment, instant) = self.began;
        moment.after(instant.elapsed())
    }

    /// Frames that have not left yet. Whoever sends much waits until this is small.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.outgoing.len()
    }

    /// Sends what is to be sent, and waits for the next event.
    ///
    /// Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Event, Ended> {
        loop {
            if let Some(event) = self.take_event().await? {
                return Ok(event);
            }
            self.step(false).await?;
        }
    }

    /// Like [`Link::next`], but comes back without an event once everything has left: for whoever sends much, and
    /// wants to hear in between. Cancel-safe.
    pub async fn next_or_sent(&mut self) -> Result<Option<Event>, Ended> {
        loop {
            if let Some(event) = self.take_event().await? {
                return Ok(Some(event));
            }
            if self.outgoing.is_empty() {
                return Ok(None);
            }
            self.step(true).await?;
        }
    }

    /// The next event that has happened already; ends the link when the session wants it.
    async fn take_event(&mut self) -> Result<Option<Event>, Ended> {
        self.collect();
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        match self.closing.take() {
            Some(close) => Err(self.close(close).await),
            None => Ok(None),
        }
    }

    /// Waits until something happens on the socket or in time, or, when asked for, until everything has left.
    async fn step(&mut self, until_sent: bool) -> Result<(), Ended> {
        self.give_back_room();
        let wake = self.wake_at();
        tokio::select! {
            biased;
            moved = poll_fn(|context| match self.poll_socket(context) {
                Poll::Pending if until_sent && self.outgoing.is_empty() => Poll::Ready(Ok(None)),
                moved => moved,
            }) => {
                match moved {
                    Ok(Some(message)) => self.take(message),
                    Ok(None) => Ok(()),
                    Err(tungstenite::Error::Capacity(_)) => {
                        let length = MAX_FRAME_BYTES + 1;
                        self.session.close(Close::Malformed(FrameError::TooLong { length }));
                        Ok(())
                    }
                    Err(error) => Err(Ended::Broken(error)),
                }
            }
            () = tokio::time::sleep_until(wake) => {
                if self.stalled_since.is_some_and(|since| since.elapsed() >= STALL_LIMIT) {
                    return Err(Ended::Stalled);
                }
                self.session.expire(self.now());
                Ok(())
            }
        }
    }

    /// Moves what the session wants into the queues.
    fn collect(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(frame) => self.outgoing.push_back(Message::text(frame)),
                Output::Event(event) => self.events.push_back(event),
                Output::Close(close) => self.closing = Some(close),
                _ => {}
            }
        }
    }

    /// Most links are quiet for most of the time, and there are thousands: an empty queue holds no memory.
    fn give_back_room(&mut self) {
        if self.outgoing.is_empty() {
            self.outgoing = VecDeque::new();
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    fn wake_at(&self) -> Instant {
        let now = self.now();
        let session = self.session.deadline().map_or(Duration::from_secs(3600), |at| at.since(now));
        let session = Instant::now() + session;
        self.stalled_since.map_or(session, |since| session.min(since + STALL_LIMIT))
    }

    fn take(&mut self, message: Message) -> Result<(), Ended> {
        match message {
            Message::Text(text) => self.session.receive(self.now(), text.as_str()),
            Message::Binary(_) => self.session.close(Close::OutOfOrder),
            Message::Close(frame) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.as_str().to_owned())
                });
                return Err(Ended::ClosedByPeer { code, reason });
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    /// Writes as much as goes out and reads one message; both at once, so that two ends that write much never wait
    /// for each other.
    fn poll_socket(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, tungstenite::Error>> {
        let wrote = self.poll_write(context)?;
        match Pin::new(&mut self.socket).poll_next(context) {
            Poll::Ready(Some(Ok(message))) => Poll::Ready(Ok(Some(message))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
            Poll::Ready(None) => Poll::Ready(Err(tungstenite::Error::ConnectionClosed)),
            Poll::Pending if wrote => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Says whether a stall began or ended, so that the caller sets its alarm anew.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<bool, tungstenite::Error> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(self.note_stall(true)),
            }
            if let Some(message) = self.outgoing.pop_front() {
                Pin::new(&mut self.socket).start_send(message)?;
                self.stalled_since = None;
            }
        }
        let pending = match Pin::new(&mut self.socket).poll_flush(context) {
            Poll::Ready(flushed) => {
                flushed?;
                false
            }
            Poll::Pending => true,
        };
        Ok(self.note_stall(pending))
    }

    fn note_stall(&mut self, stalled: bool) -> bool {
        let changed = self.stalled_since.is_some() != stalled;
        if changed {
            self.stalled_since = stalled.then(Instant::now);
        }
        changed
    }

    /// Sends what is left and the closing frame, as far as the other end takes it in time.
    async fn close(&mut self, close: Close) -> Ended {
        let mut reason = close.to_string();
        reason.truncate(reason.floor_char_boundary(CLOSE_REASON_BYTES));
        let frame = CloseFrame { code: close.code().into(), reason: reason.into() };
        self.outgoing.push_back(Message::Close(Some(frame)));
        let leave = poll_fn(|context| match self.poll_write(context) {
            Ok(_) if self.outgoing.is_empty() && self.stalled_since.is_none() => Poll::Ready(()),
            Ok(_) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        });
        // The peer learns the reason when it listens; that it does not is no error of ours.
        let _late = tokio::time::timeout(CLOSE_LIMIT, leave).await;
        Ended::Closed(close)
    }
}

impl<S> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("backlog", &self.outgoing.len()).finish_non_exhaustive()
    }
}
