use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    driver::{Delivery, Ends},
    finished::{Finished, Resources, Stop, Stream},
};
use crate::{
    Event,
    exit::{Evidence, Termination},
};

/// A run whose output is decoded. A task of its own looks after it; this is the end for the caller.
///
/// Dropping it asks restic to stop and lets it end in the background, for as long as the runtime lives.
#[derive(Debug)]
pub struct Running {
    common: Common,
    last_stream: Stream,
}

/// A run whose standard output is handed on as it is.
///
/// Dropping it asks restic to stop and lets it end in the background, for as long as the runtime lives.
#[derive(Debug)]
pub struct Streaming(Common);

/// Asks a run to stop, from anywhere. Does nothing once it is over, and does not keep it alive.
#[derive(Debug, Clone)]
pub struct Canceller(Weak<watch::Sender<Option<Stop>>>);

impl Running {
    pub(super) fn new(ends: Ends) -> Self {
        Self { common: Common::new(ends), last_stream: Stream::Stdout }
    }

    /// The next event of standard output or standard error; `None` after the last one. Which of the two it came from,
    /// [`last_stream`](Self::last_stream) tells.
    ///
    /// A caller that is slow slows restic down, until it is asked to stop. Cancel safe: a dropped future loses nothing.
    pub async fn next_event(&mut self) -> Option<Event> {
        while let Some(delivery) = self.common.deliveries.recv().await {
            if let Delivery::Event(stream, event) = delivery {
                self.last_stream = stream;
                return Some(*event);
            }
        }
        None
    }

    /// The number of its process, for as long as it runs; a lock that it takes names the same.
    pub fn process_id(&self) -> u32 {
        self.common.process_id
    }

    /// Where the last event came from. Both streams hold messages and plain text.
    pub const fn last_stream(&self) -> Stream {
        self.last_stream
    }

    /// Asks restic to stop; see [the ladder](super#stopping). Goes on at once: wait with [`wait`](Self::wait).
    pub fn cancel(&self) {
        self.common.cancel(Stop::Cancelled);
    }

    /// A way to ask from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::downgrade(&self.common.stop))
    }

    /// Waits for the end, passing over the events that are left.
    ///
    /// Dropping the future abandons the run as dropping [`Running`] does.
    pub async fn wait(mut self) -> Finished {
        while self.common.deliveries.recv().await.is_some() {}
        self.common.finished().await
    }
}

impl Streaming {
    pub(super) fn new(ends: Ends) -> Self {
        Self(Common::new(ends))
    }

    /// The next piece of standard output; `None` after the last one.
    ///
    /// A caller that is slow slows restic down, until it is asked to stop. Cancel safe: a dropped future loses nothing.
    pub async fn next_chunk(&mut self) -> Option<Vec<u8>> {
        while let Some(delivery) = self.0.deliveries.recv().await {
            if let Delivery::Bytes(bytes) = delivery {
                return Some(bytes);
            }
        }
        None
    }

    /// The number of its process, for as long as it runs; a lock that it takes names the same.
    pub fn process_id(&self) -> u32 {
        self.0.process_id
    }

    /// Asks restic to stop; see [the ladder](super#stopping). Goes on at once: wait with [`wait`](Self::wait).
    pub fn cancel(&self) {
        self.0.cancel(Stop::Cancelled);
    }

    /// A way to ask from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::downgrade(&self.0.stop))
    }

    /// Waits for the end, passing over the output that is left. Only the outcome tells whether the output was whole.
    ///
    /// Dropping the future abandons the run as dropping [`Streaming`] does.
    pub async fn wait(mut self) -> Finished {
        while self.0.deliveries.recv().await.is_some() {}
        self.0.finished().await
    }

    /// Collects the output. Beyond `limit` restic is asked to stop and the rest is passed over.
    pub(super) async fn collect(mut self, limit: usize) -> (Vec<u8>, Finished) {
        let mut output = Vec::new();
        while let Some(chunk) = self.next_chunk().await {
            if output.len() + chunk.len() <= limit {
                output.extend_from_slice(&chunk);
            } else {
                self.0.cancel(Stop::OutputTooLong);
            }
        }
        (output, self.0.finished().await)
    }
}

impl Canceller {
    /// Asks restic to stop; see [the ladder](super#stopping).
    pub fn cancel(&self) {
        if let Some(stop) = self.0.upgrade() {
            ask(&stop, Stop::Cancelled);
        }
    }
}

#[derive(Debug)]
struct Common {
    process_id: u32,
    deliveries: mpsc::Receiver<Delivery>,
    stop: Arc<watch::Sender<Option<Stop>>>,
    finished: oneshot::Receiver<Finished>,
}

impl Common {
    fn new(ends: Ends) -> Self {
        Self {
            process_id: ends.process_id,
            deliveries: ends.deliveries,
            stop: Arc::new(ends.stop),
            finished: ends.finished,
        }
    }

    fn cancel(&self, reason: Stop) {
        ask(&self.stop, reason);
    }

    async fn finished(self) -> Finished {
        match self.finished.await {
            Ok(finished) => finished,
            Err(_) => lost(),
        }
    }
}

/// The first reason stands.
fn ask(stop: &watch::Sender<Option<Stop>>, reason: Stop) {
    stop.send_if_modified(|asked| {
        let is_first = asked.is_none();
        asked.get_or_insert(reason);
        is_first
    });
}

/// The task that looked after the run is gone with its runtime.
fn lost() -> Finished {
    Finished {
        verb: "",
        outcome: Evidence::new().conclude(Termination::Code(-1)),
        stop: Some(Stop::Abandoned),
        was_killed: false,
        was_given_up: false,
        lock_may_remain: true,
        resources: Resources::default(),
        stderr: String::new(),
        dropped_events: 0,
        left_pipes_open: false,
    }
}
