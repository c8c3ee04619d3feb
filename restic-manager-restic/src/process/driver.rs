//! The loop that looks after one run.

use std::{collections::VecDeque, future, io, pin::Pin, process::Stdio};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::{mpsc, oneshot, watch},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    child::Child,
    error::SpawnError,
    finished::{Finished, Resources, Stop, Stream},
    input::Input,
    ladder::{Ladder, Rung},
    options::Options,
    program::Program,
    tail::Tail,
    throttle::Throttle,
};
use crate::{
    Decoder, Event, Version,
    command::{Invocation, Locking, Stdin},
    exit::{Evidence, Termination},
};

/// What the caller gets while a run goes on.
#[derive(Debug)]
pub(super) enum Delivery {
    Event(Stream, Box<Event>),
    Bytes(Vec<u8>),
}

/// What becomes of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is decoded.
    Events,
    /// It is handed on as it is; events of standard error are only judged.
    Bytes,
}

/// The caller's ends.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) process_id: u32,
    pub(super) deliveries: mpsc::Receiver<Delivery>,
    pub(super) stop: watch::Sender<Option<Stop>>,
    pub(super) finished: oneshot::Receiver<Finished>,
}

/// Starts a child and the task that looks after it.
pub(super) async fn start(
    program: &Program,
    invocation: &Invocation,
    options: &Options,
    input: Input,
    mode: Mode,
) -> Result<Ends, SpawnError> {
    let takes_data = invocation.stdin() == Stdin::Data;
    if takes_data == matches!(input, Input::Null) {
        return Err(SpawnError::Input);
    }
    let stdin = if takes_data { Stdio::piped() } else { Stdio::null() };
    let mut child = Child::spawn(program, invocation, options, stdin).await?;
    let stdin = child.stdin.take().map(ChildStdin::from_std).transpose()?;
    let stdout = child.stdout.take().map(ChildStdout::from_std).transpose()?;
    let stderr = child.stderr.take().map(ChildStderr::from_std).transpose()?;
    let (delivery_sender, deliveries) = mpsc::channel(options.queue.max(1));
    let (stop, stop_receiver) = watch::channel(None);
    let (finished_sender, finished) = oneshot::channel();
    let feed = takes_data.then(|| Box::pin(feed(stdin, input, stop_receiver.clone())) as Feed);
    child.kill_when_dropped(takes_data);
    let process_id = child.id();
    let driver = Driver::new(
        invocation,
        options,
        mode,
        child,
        feed,
        (stdout, stderr),
        (delivery_sender, stop_receiver),
    );
    tokio::spawn(async move {
        let finished = driver.run().await;
        let _ = finished_sender.send(finished);
    });
    Ok(Ends { process_id, deliveries, stop, finished })
}

/// Writes the input. An error of the reader is told before restic can see the end of the data; a restic that reads no
/// more is its own affair.
async fn feed(
    stdin: Option<ChildStdin>,
    input: Input,
    mut stop: watch::Receiver<Option<Stop>>,
) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut reader: Box<dyn AsyncRead + Send + Unpin> = match input {
        Input::Null => return Ok(()),
        Input::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
        Input::Reader(reader) => reader,
    };
    let mut buffer = vec![0; CHUNK_BYTES];
    let copied = async {
        loop {
            let length = reader.read(&mut buffer).await?;
            if length == 0 || stdin.write_all(&buffer[..length]).await.is_err() {
                return Ok(());
            }
        }
    };
    let result = tokio::select! {
        result = copied => result,
        _ = stop.wait_for(Option::is_some) => Err(io::ErrorKind::Interrupted.into()),
    };
    if result.is_err() {
        // An end of the data now would look like a whole file. The pipe stays open until restic has heard the interrupt.
        tokio::spawn(async move {
            tokio::time::sleep(INPUT_HOLD).await;
            drop(stdin);
        });
    }
    result
}

const CHUNK_BYTES: usize = 64 * 1024;
/// restic hears an interrupt within milliseconds, but some versions then wait for their input to end.
const INPUT_HOLD: std::time::Duration = std::time::Duration::from_secs(3);

struct Driver {
    verb: &'static str,
    locking: Locking,
    version: Version,
    // Before the feed: a child that is dropped has to hear of it before its input ends.
    child: Child,
    feed: Option<Feed>,
    mode: Mode,
    started: Instant,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stdout_decoder: Decoder,
    stderr_decoder: Decoder,
    throttle: Throttle,
    evidence: Evidence,
    tail: Tail,
    pending: VecDeque<Delivery>,
    pending_bytes: usize,
    deliveries: mpsc::Sender<Delivery>,
    stop: watch::Receiver<Option<Stop>>,
    options: Options,
    /// Why it was asked to stop, if it was.
    asked: Option<Stop>,
    ladder: Ladder,
    aftermath: Option<Aftermath>,
    dropped_events: u64,
    left_pipes_open: bool,
}

/// The time between restic's end and the end of its pipes, which others may hold.
struct Aftermath {
    until: Instant,
    bytes_left: usize,
    was_killed: bool,
}

/// What happened next.
enum Happening {
    Stdout(Vec<u8>),
    StdoutEnd,
    Stderr(Vec<u8>),
    StderrEnd,
    Exited,
    Stop(Stop),
    Fed(io::Result<()>),
    Delivered,
    Due,
}

type Feed = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl Driver {
    fn new(
        invocation: &Invocation,
        options: &Options,
        mode: Mode,
        child: Child,
        feed: Option<Feed>,
        (stdout, stderr): (Option<ChildStdout>, Option<ChildStderr>),
        (deliveries, stop): (mpsc::Sender<Delivery>, watch::Receiver<Option<Stop>>),
    ) -> Self {
        Self {
            verb: invocation.verb(),
            locking: invocation.locking(),
            version: invocation.version().clone(),
            child,
            feed,
            mode,
            started: Instant::now(),
            stdout,
            stderr,
            stdout_decoder: Decoder::with_limits(options.limits),
            stderr_decoder: Decoder::with_limits(options.limits),
            throttle: Throttle::new(options.progress_interval),
            evidence: Evidence::new(),
            tail: Tail::new(options.stderr_bytes),
            pending: VecDeque::new(),
            pending_bytes: 0,
            deliveries,
            stop,
            options: options.clone(),
            asked: None,
            ladder: Ladder::new(options.grace, options.reap),
            aftermath: None,
            dropped_events: 0,
            left_pipes_open: false,
        }
    }

    async fn run(mut self) -> Finished {
        while !self.is_over() {
            match self.next().await {
                Happening::Stdout(bytes) => self.take_stdout(bytes),
                Happening::StdoutEnd => self.end_stdout(),
                Happening::Stderr(bytes) => self.take_stderr(&bytes),
                Happening::StderrEnd => self.end_stderr(),
                Happening::Exited => self.aftermath = Some(self.new_aftermath(false)),
                Happening::Stop(stop) => self.ask_to_stop(stop),
                Happening::Fed(result) => self.end_feed(&result),
                Happening::Delivered => self.forgive_the_caller(),
                Happening::Due => self.on_time(),
            }
        }
        self.finish().await
    }

    fn is_over(&self) -> bool {
        self.ladder.has_given_up() || self.has_ended()
    }

    fn has_ended(&self) -> bool {
        self.child.has_exited() && self.stdout.is_none() && self.stderr.is_none() && self.pending.is_empty()
    }

    /// Whether the caller's slowness may hold up restic. Once it was asked to stop it must be read in any case, or it
    /// might never hear the request.
    fn may_wait_for_caller(&self) -> bool {
        self.asked.is_none() && !self.deliveries.is_closed()
    }

    async fn next(&mut self) -> Happening {
        let reads = self.pending.is_empty() || !self.may_wait_for_caller();
        let deadline = self.deadline();
        let Self { child, feed, stdout, stderr, pending, deliveries, stop, asked, .. } = self;
        let has_exited = child.has_exited();
        tokio::select! {
            biased;
            why = wait_for_stop(stop), if asked.is_none() && !has_exited => Happening::Stop(why),
            () = sleep_to(deadline), if deadline.is_some() => Happening::Due,
            () = child.exited(), if !has_exited => Happening::Exited,
            () = deliver(pending, deliveries), if !pending.is_empty() => Happening::Delivered,
            result = fed(feed), if feed.is_some() => Happening::Fed(result),
            bytes = read(stderr), if reads && stderr.is_some() => match bytes {
                Some(bytes) => Happening::Stderr(bytes),
                None => Happening::StderrEnd,
            },
            bytes = read(stdout), if reads && stdout.is_some() => match bytes {
                Some(bytes) => Happening::Stdout(bytes),
                None => Happening::StdoutEnd,
            },
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let reading = self.stdout.is_some() || self.stderr.is_some();
        let run = self.options.deadline.map(|limit| self.started + limit);
        let run = run.filter(|_| self.asked.is_none() && !self.child.has_exited());
        let kill = self.ladder.due().filter(|_| !self.child.has_exited());
        let waits = self.pending.is_empty() || !self.may_wait_for_caller();
        let drain = self.aftermath.as_ref().map(|aftermath| aftermath.until).filter(|_| reading && waits);
        [run, kill, drain, self.throttle.due()].into_iter().flatten().min()
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if let Some(event) = self.throttle.release(now) {
            self.deliver(Delivery::Event(Stream::Stdout, Box::new(event)), 0);
        }
        if let Some(aftermath) = &self.aftermath {
            if aftermath.until <= now {
                self.end_aftermath();
            }
            return;
        }
        if self.ladder.climb(now) == Some(Rung::Kill) {
            self.child.kill();
        }
        let limit = self.options.deadline;
        if self.asked.is_none() && limit.is_some_and(|limit| self.started + limit <= now) {
            self.ask_to_stop(Stop::DeadlinePassed);
        }
    }

    fn end_feed(&mut self, result: &io::Result<()>) {
        self.feed = None;
        match result {
            Ok(()) => self.child.kill_when_dropped(false),
            Err(_) if self.asked.is_none() => self.ask_to_stop(Stop::InputFailed),
            Err(_) => {}
        }
    }

    fn ask_to_stop(&mut self, stop: Stop) {
        self.asked = Some(stop);
        self.ladder.begin(Instant::now());
        self.evidence.note_cancelled();
        self.child.interrupt();
    }

    fn new_aftermath(&self, was_killed: bool) -> Aftermath {
        let until = Instant::now() + self.options.drain;
        Aftermath { until, bytes_left: LONGEST_AFTERMATH_BYTES, was_killed }
    }

    /// What waited for the caller is no sign of somebody who holds the pipes.
    fn forgive_the_caller(&mut self) {
        if let Some(aftermath) = &mut self.aftermath {
            aftermath.until = Instant::now() + self.options.drain;
        }
    }

    fn count_aftermath(&mut self, length: usize) {
        let Some(aftermath) = &mut self.aftermath else { return };
        aftermath.bytes_left = aftermath.bytes_left.saturating_sub(length);
        if aftermath.bytes_left == 0 {
            self.end_aftermath();
        }
    }

    /// Somebody outlived restic with its pipes in hand. First the group is ended, so that what is left in the pipes can
    /// be read to its end; who has left the group as well is let go.
    fn end_aftermath(&mut self) {
        self.left_pipes_open = true;
        if self.aftermath.as_ref().is_some_and(|aftermath| !aftermath.was_killed) {
            self.child.kill();
            self.aftermath = Some(self.new_aftermath(true));
        } else {
            self.end_stdout();
            self.end_stderr();
        }
    }

    fn take_stdout(&mut self, bytes: Vec<u8>) {
        self.count_aftermath(bytes.len());
        match self.mode {
            Mode::Bytes => {
                let length = bytes.len();
                self.deliver(Delivery::Bytes(bytes), length);
            }
            Mode::Events => {
                self.stdout_decoder.push(&bytes);
                self.decode_stdout();
            }
        }
    }

    fn end_stdout(&mut self) {
        self.stdout = None;
        if self.mode == Mode::Events {
            self.stdout_decoder.finish();
            self.decode_stdout();
        }
    }

    fn take_stderr(&mut self, bytes: &[u8]) {
        self.count_aftermath(bytes.len());
        self.tail.push(bytes);
        self.stderr_decoder.push(bytes);
        self.decode_stderr();
    }

    fn end_stderr(&mut self) {
        self.stderr = None;
        self.stderr_decoder.finish();
        self.decode_stderr();
    }

    fn decode_stdout(&mut self) {
        while let Some(event) = self.stdout_decoder.next_event() {
            self.take_event(Stream::Stdout, event, self.stdout_decoder.last_line().len());
        }
    }

    fn decode_stderr(&mut self) {
        while let Some(event) = self.stderr_decoder.next_event() {
            self.take_event(Stream::Stderr, event, self.stderr_decoder.last_line().len());
        }
    }

    fn take_event(&mut self, stream: Stream, event: Event, line_bytes: usize) {
        self.evidence.note(&event);
        if self.mode == Mode::Events
            && let Some(event) = self.throttle.admit(event, Instant::now())
        {
            self.deliver(Delivery::Event(stream, Box::new(event)), line_bytes + size_of::<Event>());
        }
    }

    /// Once something had to be thrown away, all that follows is: output may end early, but has no holes.
    fn deliver(&mut self, delivery: Delivery, bytes: usize) {
        if self.pending.is_empty() {
            self.pending_bytes = 0;
        }
        let is_full = self.dropped_events > 0 || self.pending_bytes + bytes > MOST_PENDING_BYTES;
        if is_full && !self.may_wait_for_caller() {
            self.dropped_events += 1;
        } else {
            self.pending_bytes += bytes;
            self.pending.push_back(delivery);
        }
    }

    async fn finish(self) -> Finished {
        let elapsed = self.started.elapsed();
        let reaped = if self.ladder.has_given_up() {
            self.child.reap_in_the_end();
            Err(io::ErrorKind::TimedOut.into())
        } else {
            self.child.reap().await
        };
        let termination =
            reaped.as_ref().map_or(Termination::Code(UNKNOWN_CODE), |reaped| reaped.termination);
        let stderr = self.tail.into_text();
        let asked = self.asked.is_some();
        Finished {
            verb: self.verb,
            lock_may_remain: lock_may_remain(self.locking, &self.version, termination, asked, &stderr),
            outcome: self.evidence.conclude(termination),
            stop: self.asked,
            was_killed: self.ladder.has_killed(),
            was_given_up: self.ladder.has_given_up(),
            resources: Resources {
                elapsed,
                user_time: reaped.as_ref().ok().and_then(|reaped| reaped.user_time),
                system_time: reaped.as_ref().ok().and_then(|reaped| reaped.system_time),
                peak_memory_bytes: reaped.as_ref().ok().and_then(|reaped| reaped.peak_memory_bytes),
            },
            stderr,
            dropped_events: self.dropped_events,
            left_pipes_open: self.left_pipes_open,
        }
    }
}

/// While restic is being stopped, more than this is thrown away rather than kept for a caller who may never come.
const MOST_PENDING_BYTES: usize = 4 << 20;
/// More than any pipe holds: who prints that after restic's end is somebody else.
const LONGEST_AFTERMATH_BYTES: usize = 4 << 20;
/// Stands for an end that could not be learned.
const UNKNOWN_CODE: i32 = -1;

/// Whether a lock may have stayed behind.
fn lock_may_remain(
    locking: Locking,
    version: &Version,
    termination: Termination,
    asked: bool,
    stderr: &str,
) -> bool {
    // The cleanup of these is a race with the lock being written and with the requests under way.
    let is_hasty = *version < Version::new(0, 17, 0);
    match termination {
        _ if locking == Locking::None => false,
        _ if locking == Locking::Leaky => true,
        Termination::Signal(_) => true,
        // A crash.
        Termination::Code(2) => true,
        Termination::Code(code) if code < 0 => true,
        Termination::Code(_) if asked && is_hasty => true,
        Termination::Code(_) => ["error while unlocking", "unable to remove lock", "Remove(<lock/"]
            .iter()
            .any(|text| stderr.contains(text)),
    }
}

async fn fed(feed: &mut Option<Feed>) -> io::Result<()> {
    match feed {
        Some(feed) => feed.await,
        None => future::pending().await,
    }
}

/// The next chunk; `None` at the end. An error is an end too: nothing more will come.
async fn read<R: AsyncRead + Unpin>(reader: &mut Option<R>) -> Option<Vec<u8>> {
    let Some(reader) = reader else { return future::pending().await };
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    match reader.read_buf(&mut buffer).await {
        Ok(length) if length > 0 => Some(buffer),
        _ => None,
    }
}

/// Hands over the first pending delivery, or drops all when nobody takes them. Cancel safe.
async fn deliver(pending: &mut VecDeque<Delivery>, deliveries: &mpsc::Sender<Delivery>) {
    match deliveries.reserve().await {
        Ok(permit) => {
            if let Some(delivery) = pending.pop_front() {
                permit.send(delivery);
            }
        }
        Err(_) => pending.clear(),
    }
}

/// A request to stop; a caller that is gone without one has abandoned the run.
async fn wait_for_stop(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stop.wait_for(Option::is_some).await {
        Ok(asked) => asked.unwrap_or(Stop::Cancelled),
        Err(_) => Stop::Abandoned,
    }
}

fn sleep_to(deadline: Option<Instant>) -> Sleep {
    sleep_until(deadline.unwrap_or_else(Instant::now))
}
