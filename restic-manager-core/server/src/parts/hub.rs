//! Which agents are connected, and word for them.

use core::time::Duration;
use restic_manager_proto::{
    HostId, JobId, Progress, QuestionId, RepositoryId, Timestamp,
    agent::{AnswerPart, Question},
    limits::ANSWER_PARTS,
    session::Close,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::limits::QUESTIONS_AT_AGENT;

/// The connected agents, and what is known of running jobs that no row holds.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    agents: HashMap<HostId, Agent>,
    progress: HashMap<JobId, Progress>,
    watches: HashMap<JobId, watch::Sender<()>>,
    /// Which configuration each host holds, by its number, and when this server heard so.
    settled: HashMap<HostId, (u64, Timestamp)>,
    /// When connections that were alive were replaced, lately.
    replaced: HashMap<HostId, Vec<Timestamp>>,
}

/// So many connections of one host that were replaced while they were alive, within this time, are two agents.
const CONTEST: (usize, Duration) = (4, Duration::from_secs(15 * 60));
/// A connection that was heard of so lately is alive: agents say that they are every 30 seconds.
const ALIVE: Duration = Duration::from_secs(45);

/// A connection that has entered.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) mailbox: Arc<Mailbox>,
    /// Two agents with one identity take each other's place.
    pub(crate) is_contested: bool,
}

#[derive(Debug)]
struct Agent {
    generation: i64,
    mailbox: Arc<Mailbox>,
    last_seen: Timestamp,
    questions: Arc<Semaphore>,
}

/// A question to an agent, on its way to the connection.
#[derive(Debug)]
pub(crate) struct NewQuestion {
    pub(crate) id: QuestionId,
    pub(crate) repository: RepositoryId,
    pub(crate) question: Question,
    pub(crate) parts: mpsc::Sender<AnswerPart>,
}

/// The answer of an agent, part by part. When it is dropped the agent is told that nobody waits.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    id: QuestionId,
    parts: mpsc::Receiver<AnswerPart>,
    mailbox: Arc<Mailbox>,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

impl AnswerStream {
    /// The next part; `None` after the last, and when the agent is gone. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<AnswerPart> {
        let part = self.parts.recv().await;
        self.ended |= part.as_ref().is_none_or(AnswerPart::is_last);
        if !self.ended {
            self.mailbox.leave(|word| *word.taken.entry(self.id).or_default() += 1);
        }
        part
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        if !self.ended {
            self.mailbox.leave(|word| {
                word.unwanted.insert(self.id);
            });
        }
    }
}

/// Why an agent is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// It is not connected.
    Away,
    /// It answers as many questions as it may already.
    Busy,
}

impl Hub {
    /// Enters a connection; an older one of the same host is told that it was replaced. `None` when a newer one is
    /// there already.
    pub(super) fn enter(&self, host: HostId, generation: i64, now: Timestamp) -> Option<Entered> {
        let mut inner = self.lock();
        let mut is_contested = false;
        if let Some(other) = inner.agents.get(&host) {
            if other.generation >= generation {
                return None;
            }
            other.mailbox.close(Close::Replaced);
            is_contested = now.since(other.last_seen) < ALIVE && inner.note_replaced(host, now);
        }
        let mailbox = Arc::new(Mailbox::default());
        let questions = Arc::new(Semaphore::new(QUESTIONS_AT_AGENT));
        inner
            .agents
            .insert(host, Agent { generation, mailbox: Arc::clone(&mailbox), last_seen: now, questions });
        Some(Entered { mailbox, is_contested })
    }

    /// Removes a connection, unless a newer one took its place; says whether the host is gone.
    pub(super) fn leave(&self, host: HostId, generation: i64) -> bool {
        let mut inner = self.lock();
        let ours = inner.agents.get(&host).is_some_and(|agent| agent.generation == generation);
        if ours {
            inner.agents.remove(&host);
        }
        ours
    }

    /// Notes that a connected agent was seen.
    pub(crate) fn note_seen(&self, host: HostId, now: Timestamp) {
        if let Some(agent) = self.lock().agents.get_mut(&host) {
            agent.last_seen = now;
        }
    }

    /// A host says which configuration it holds.
    pub(crate) fn settle(&self, host: HostId, number: u64, now: Timestamp) {
        let mut inner = self.lock();
        let (known, since) = inner.settled.entry(host).or_insert((number, now));
        if *known != number {
            (*known, *since) = (number, now);
        }
    }

    /// Since when this server knows that a host holds the configuration that it holds; it may have held it for longer.
    pub(crate) fn settled(&self, host: HostId) -> Option<Timestamp> {
        self.lock().settled.get(&host).map(|(_, since)| *since)
    }

    /// When a host was last seen, if its agent is connected.
    pub(crate) fn last_seen(&self, host: HostId) -> Option<Timestamp> {
        self.lock().agents.get(&host).map(|agent| agent.last_seen)
    }

    /// How many agents are connected.
    pub(crate) fn connected(&self) -> u64 {
        self.lock().agents.len() as u64
    }

    /// The connected hosts that were seen after `since`, and when.
    pub(crate) fn seen_since(&self, since: Timestamp) -> Vec<(HostId, Timestamp)> {
        let inner = self.lock();
        inner
            .agents
            .iter()
            .filter(|(_, agent)| agent.last_seen > since)
            .map(|(host, agent)| (*host, agent.last_seen))
            .collect()
    }

    /// Tells a host's agent, if it is connected, that a job waits for it.
    pub(super) fn wake(&self, host: HostId) {
        self.with_mailbox(host, Mailbox::wake);
    }

    /// Tells a host's agent, if it is connected, that it shall have another configuration.
    pub(super) fn configure(&self, host: HostId) {
        self.with_mailbox(host, |mailbox| mailbox.leave(|word| word.configure = true));
    }

    /// Tells a host's agent to stop a job; says whether the agent is connected.
    pub(crate) fn cancel(&self, host: HostId, job: JobId) -> bool {
        self.with_mailbox(host, |mailbox| mailbox.cancel(job))
    }

    /// Asks a host's agent about a repository.
    pub(crate) fn ask(
        &self,
        host: HostId,
        id: QuestionId,
        repository: RepositoryId,
        question: Question,
    ) -> Result<AnswerStream, Unasked> {
        let inner = self.lock();
        let agent = inner.agents.get(&host).ok_or(Unasked::Away)?;
        let place = Arc::clone(&agent.questions).try_acquire_owned().map_err(|_| Unasked::Busy)?;
        let (sender, parts) = mpsc::channel(ANSWER_PARTS);
        let asked = NewQuestion { id, repository, question, parts: sender };
        agent.mailbox.leave(|word| word.questions.push(asked));
        Ok(AnswerStream { id, parts, mailbox: Arc::clone(&agent.mailbox), ended: false, _place: place })
    }

    /// Tells the connection of a host's agent to replace its token.
    pub(super) fn rotate(&self, host: HostId) {
        self.with_mailbox(host, |mailbox| mailbox.leave(|word| word.rotate = true));
    }

    /// Ends a host's connection, as when the host was removed.
    pub(super) fn disconnect(&self, host: HostId, why: Close) {
        self.with_mailbox(host, |mailbox| mailbox.close(why));
    }

    /// Keeps the newest figures of a running job.
    pub(crate) fn set_progress(&self, job: JobId, progress: Progress) {
        let mut inner = self.lock();
        inner.progress.insert(job, progress);
        inner.notify(job);
    }

    /// A job runs no more.
    pub(crate) fn forget_progress(&self, job: JobId) {
        self.lock().progress.remove(&job);
    }

    /// The newest figures of a running job.
    pub(crate) fn progress(&self, job: JobId) -> Option<Progress> {
        self.lock().progress.get(&job).cloned()
    }

    /// Tells whoever watches a job that its row or its log changed.
    pub(super) fn job_changed(&self, job: JobId, ended: bool) {
        let mut inner = self.lock();
        if ended {
            inner.progress.remove(&job);
        }
        inner.notify(job);
    }

    /// Watches a job.
    pub(crate) fn watch(self: &Arc<Self>, job: JobId) -> JobWatch {
        let mut inner = self.lock();
        let sender = inner.watches.entry(job).or_insert_with(|| watch::channel(()).0);
        JobWatch { receiver: Some(sender.subscribe()), job, hub: Arc::clone(self) }
    }

    fn with_mailbox(&self, host: HostId, act: impl FnOnce(&Mailbox)) -> bool {
        let inner = self.lock();
        let agent = inner.agents.get(&host);
        if let Some(agent) = agent {
            act(&agent.mailbox);
        }
        agent.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held, and every state of the maps is a valid one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a host's connections replace each other too often.
    fn note_replaced(&mut self, host: HostId, now: Timestamp) -> bool {
        let (most, window) = CONTEST;
        self.replaced.retain(|_, moments| {
            moments.retain(|moment| *moment <= now && now.since(*moment) < window);
            !moments.is_empty()
        });
        let moments = self.replaced.entry(host).or_default();
        moments.push(now);
        moments.len() >= most
    }

    fn notify(&self, job: JobId) {
        if let Some(sender) = self.watches.get(&job) {
            sender.send_replace(());
        }
    }
}

/// Wakes when a job's row, log or progress changed. Changes in between are one: read everything again.
#[derive(Debug)]
pub(crate) struct JobWatch {
    receiver: Option<watch::Receiver<()>>,
    job: JobId,
    hub: Arc<Hub>,
}

impl JobWatch {
    /// Waits for a change since the last call. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            // The sender lives in the hub as long as this watch does.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        self.receiver = None;
        let mut inner = self.hub.lock();
        if inner.watches.get(&self.job).is_some_and(|sender| sender.receiver_count() == 0) {
            inner.watches.remove(&self.job);
        }
    }
}

/// Word for one connection. It holds at most one of each for each thing that it is about, and those have a number.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    word: Mutex<Word>,
    arrived: Notify,
}

/// What a connection shall do.
#[derive(Debug, Default)]
pub(crate) struct Word {
    /// Look for queued jobs.
    pub(crate) work: bool,
    /// Look whether the agent has the configuration that it shall have.
    pub(crate) configure: bool,
    /// Stop these jobs.
    pub(crate) cancel: BTreeSet<JobId>,
    /// Replace the agent's token, if it is due.
    pub(crate) rotate: bool,
    /// Ask these questions; so many at most as have a place.
    pub(crate) questions: Vec<NewQuestion>,
    /// So many parts of these answers were taken.
    pub(crate) taken: BTreeMap<QuestionId, u32>,
    /// Nobody waits for these answers any more.
    pub(crate) unwanted: BTreeSet<QuestionId>,
    /// End.
    pub(crate) close: Option<Close>,
}

impl Word {
    fn is_empty(&self) -> bool {
        !(self.work || self.configure || self.rotate)
            && self.cancel.is_empty()
            && self.questions.is_empty()
            && self.taken.is_empty()
            && self.unwanted.is_empty()
            && self.close.is_none()
    }
}

impl Mailbox {
    /// Takes all word, waiting for some. Cancel-safe.
    pub(crate) async fn receive(&self) -> Word {
        loop {
            let arrived = self.arrived.notified();
            let word = mem::take(&mut *self.lock());
            if !word.is_empty() {
                return word;
            }
            arrived.await;
        }
    }

    pub(crate) fn wake(&self) {
        self.leave(|word| word.work = true);
    }

    fn cancel(&self, job: JobId) {
        self.leave(|word| {
            word.cancel.insert(job);
        });
    }

    fn close(&self, why: Close) {
        // The first reason stays: an agent that was removed is not told that another took its place.
        self.leave(|word| {
            word.close.get_or_insert(why);
        });
    }

    fn leave(&self, change: impl FnOnce(&mut Word)) {
        change(&mut self.lock());
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Word> {
        self.word.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    fn host() -> HostId {
        HostId::from_parts(at(1), [1; 10])
    }

    fn job(number: u8) -> JobId {
        JobId::from_parts(at(1), [number; 10])
    }

    #[tokio::test]
    async fn a_newer_connection_replaces_an_older_one() {
        let hub = Hub::default();
        let old = hub.enter(host(), 1, at(1)).expect("nobody is there").mailbox;
        assert!(hub.enter(host(), 2, at(2)).is_some());
        assert_eq!(old.receive().await.close, Some(Close::Replaced));
        assert!(hub.enter(host(), 1, at(3)).is_none(), "an older one comes too late");
        assert!(!hub.leave(host(), 1), "the one that was replaced takes nobody along");
        assert_eq!(hub.connected(), 1);
        assert!(hub.leave(host(), 2));
        assert_eq!(hub.last_seen(host()), None);
    }

    #[test]
    fn two_agents_that_take_turns_are_noticed_and_one_that_comes_back_is_not() {
        let contested = |pause: i64, seen: i64| {
            let hub = Hub::default();
            (1..=5).any(|turn| {
                let now = at(turn * pause);
                hub.note_seen(host(), at((turn - 1) * pause + seen));
                hub.enter(host(), turn, now).expect("it is the newest").is_contested
            })
        };
        assert!(contested(60, 30), "they take turns every minute, each alive until then");
        assert!(!contested(60, 0), "the one that was replaced had been silent");
        assert!(!contested(600, 590), "it happens now and then");
    }

    #[test]
    fn a_host_is_settled_since_it_first_said_what_it_holds() {
        let hub = Hub::default();
        assert_eq!(hub.settled(host()), None);
        for (number, moment, since) in [(1, 10, 10), (1, 20, 10), (2, 30, 30), (2, 40, 30)] {
            hub.settle(host(), number, at(moment));
            assert_eq!(hub.settled(host()), Some(at(since)));
        }
    }

    #[tokio::test]
    async fn word_is_kept_until_it_is_taken_and_taken_once() {
        let hub = Hub::default();
        let mailbox = hub.enter(host(), 1, at(1)).expect("nobody is there").mailbox;
        for _ in 0..1000 {
            hub.wake(host());
            assert!(hub.cancel(host(), job(1)));
        }
        assert!(hub.cancel(host(), job(2)));
        let word = mailbox.receive().await;
        assert!(word.work);
        assert_eq!(word.cancel, BTreeSet::from([job(1), job(2)]));
        let nothing = tokio::time::timeout(core::time::Duration::from_millis(1), mailbox.receive()).await;
        assert!(nothing.is_err());
        assert!(!hub.cancel(HostId::from_parts(at(2), [2; 10]), job(1)), "nobody is connected for that host");
    }

    fn folder() -> Question {
        let folder = restic_manager_proto::RawPath::root();
        let sort = restic_manager_proto::vocabulary::EntrySort::Name;
        Question::Folder { snapshot: "a".repeat(64), folder, sort, descending: false, after: 0, limit: 1 }
    }

    #[tokio::test]
    async fn an_agent_is_asked_so_much_at_once_and_no_more() {
        let hub = Hub::default();
        let mailbox = hub.enter(host(), 1, at(1)).expect("nobody is there").mailbox;
        let ask = |number| {
            let id = QuestionId::from_bytes([number; 16]);
            hub.ask(host(), id, RepositoryId::from_bytes([1; 16]), folder())
        };
        let mut open: Vec<_> = (0..4).map(|number| ask(number).expect("there is a place")).collect();
        assert_eq!(ask(9).unwrap_err(), Unasked::Busy);
        assert_eq!(mailbox.receive().await.questions.len(), QUESTIONS_AT_AGENT);
        drop(open.pop());
        assert_eq!(mailbox.receive().await.unwanted, BTreeSet::from([QuestionId::from_bytes([3; 16])]));
        assert!(ask(9).is_ok());
        let nobody = HostId::from_parts(at(2), [2; 10]);
        let asked =
            hub.ask(nobody, QuestionId::from_bytes([1; 16]), RepositoryId::from_bytes([1; 16]), folder());
        assert_eq!(asked.unwrap_err(), Unasked::Away);
    }

    #[tokio::test]
    async fn parts_that_are_taken_make_room_and_the_last_one_ends_it() {
        let hub = Hub::default();
        let mailbox = hub.enter(host(), 1, at(1)).expect("nobody is there").mailbox;
        let id = QuestionId::from_bytes([1; 16]);
        let mut answer =
            hub.ask(host(), id, RepositoryId::from_bytes([1; 16]), folder()).expect("there is a place");
        let asked = mailbox.receive().await.questions.pop().expect("the question");
        for _ in 0..2 {
            asked.parts.send(AnswerPart::Working { entries: 1 }).await.expect("somebody waits");
            assert!(answer.next().await.is_some());
        }
        assert_eq!(mailbox.receive().await.taken, BTreeMap::from([(id, 2)]));
        asked.parts.send(AnswerPart::End { more: false }).await.expect("somebody waits");
        assert!(answer.next().await.is_some_and(|part| part.is_last()));
        drop(answer);
        let nothing = tokio::time::timeout(core::time::Duration::from_millis(1), mailbox.receive()).await;
        assert!(nothing.is_err(), "what has ended needs no word");
    }

    #[tokio::test]
    async fn a_watch_wakes_for_its_job_and_leaves_nothing_behind() {
        let hub = Arc::new(Hub::default());
        let mut watch = hub.watch(job(1));
        hub.set_progress(job(2), Progress::default());
        hub.job_changed(job(1), false);
        watch.changed().await;
        hub.set_progress(job(1), Progress::default());
        watch.changed().await;
        assert!(hub.progress(job(1)).is_some());
        hub.job_changed(job(1), true);
        assert!(hub.progress(job(1)).is_none(), "what has ended has no progress");
        drop(watch);
        assert!(hub.lock().watches.is_empty());
    }
}
