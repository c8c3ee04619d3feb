//! Orders taken, and the jobs that they become.

use core::time::Duration;
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use restic_manager_core::{clock::Clock, hook::LONGEST_TIMEOUT};
use restic_manager_proto::{
    Hooks, JobEnd, JobId, RepositorySecrets, Timestamp,
    agent::{ErrorCode, ForgetOrder, JobOrder, Reply, SourceOrder, Task},
    rules,
    vocabulary::{Cause, JobState},
};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{
    indexing::Indexing,
    job::{self, Job},
    owed::OwedHooks,
    progress::NewestProgress,
    restic::Restic,
    shared::Shared,
    stop::{StopReason, Stopper},
};
use crate::{ledger::Ledger, policy::Guard};

/// Jobs that are held at once, waiting ones included.
const JOBS: usize = 64;
/// A script ends by its own time; this is longer.
const LONGEST_HOOK: Duration = Duration::from_secs(2 * LONGEST_TIMEOUT as u64);

/// What a job needs that nobody else may see.
#[derive(Clone, Debug)]
pub(crate) struct JobSecrets {
    pub(crate) repository: RepositorySecrets,
    pub(crate) hooks: Hooks,
}

/// Takes orders and runs jobs. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Runner(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    shared: Shared,
    jobs: Mutex<HashMap<JobId, Stopper>>,
    tasks: TaskTracker,
    stopping: AtomicBool,
}

impl Runner {
    pub(crate) fn new(
        restic: Arc<Restic>,
        guard: Guard,
        ledger: Ledger,
        progress: NewestProgress,
        clock: Arc<dyn Clock>,
        owed: OwedHooks,
        indexing: Indexing,
    ) -> Self {
        Self(Arc::new(Queue {
            shared: Shared::new(restic, guard, ledger, progress, clock, owed, indexing),
            jobs: Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Takes an order, and opens its secrets; one that is known already is not run twice.
    pub(crate) async fn start<F>(&self, order: JobOrder, open: F) -> Reply
    where
        F: FnOnce() -> Option<JobSecrets>,
    {
        let shared = &self.0.shared;
        let (job, now) = (order.job, shared.clock.now());
        if shared.ledger.with(move |journal| journal.book().holds(job)).await {
            return Reply::Ok {};
        }
        if self.0.stopping.load(Ordering::SeqCst) {
            return error(ErrorCode::Stopping, "the agent is stopping");
        }
        if order.deadline_at <= now {
            return error(ErrorCode::Expired, "the order came after its deadline");
        }
        if let Err(reason) = check(&order) {
            return error(ErrorCode::Invalid, reason);
        }
        if self.0.jobs().len() >= JOBS {
            return error(ErrorCode::Failed, "the agent holds too many jobs already");
        }
        let Some(secrets) = open() else {
            return error(
                ErrorCode::SecretUnreadable,
                "the secrets of the job do not open, its hooks among them",
            );
        };
        let (kind, repository) = (order.kind(), order.repository.id);
        let group = order.source().map(|source| source.group);
        // The order and the agent's own start of one slot may meet here; one of them runs the job.
        if shared.ledger.with(move |journal| journal.book_mut().accept(job, kind, repository, group)).await {
            self.spawn(order, secrets, now);
        }
        Reply::Ok {}
    }

    /// Runs the scripts that an earlier agent left owed, each before any job of its repository.
    pub(crate) async fn settle_owed(&self) {
        for owed in self.0.shared.owed.all().await {
            let queue = Arc::clone(&self.0);
            let (stopper, mut stop) = Stopper::new(Instant::now() + LONGEST_HOOK);
            let (job, lane) = (owed.job, queue.shared.lane(owed.repository));
            let turn = Arc::clone(&lane).try_lock_owned().ok();
            queue.jobs().insert(job, stopper);
            self.0.tasks.spawn(async move {
                let _turn = match turn {
                    Some(turn) => turn,
                    None => lane.lock_owned().await,
                };
                job::settle(&owed, &mut stop, &queue.shared).await;
                queue.jobs().remove(&job);
            });
        }
    }

    /// Stops a job, whatever its state. A job that has ended stays as it ended.
    pub(crate) async fn cancel(&self, job: JobId) -> Reply {
        if let Some(stopper) = self.0.jobs().get(&job) {
            stopper.stop(StopReason::Cancelled);
            return Reply::Ok {};
        }
        let shared = &self.0.shared;
        let (knows, waits) = shared
            .ledger
            .with(move |journal| {
                let book = journal.book();
                (book.knows(job), book.queued().any(|record| record.job == job))
            })
            .await;
        if waits {
            // A disk that takes nothing is waited for, but not by the conversation with the server.
            let (ledger, now) = (shared.ledger.clone(), shared.clock.now());
            let end = JobEnd::new(JobState::Cancelled, Cause::Cancelled);
            self.0.tasks.spawn(async move { ledger.end(job, now, end).await });
        }
        if knows {
            return Reply::Ok {};
        }
        error(ErrorCode::UnknownJob, "the job is not known")
    }

    /// Stops all jobs, takes no more, and waits until each has reported its end.
    pub(crate) async fn stop(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        for stopper in self.0.jobs().values() {
            stopper.stop(StopReason::AgentStops);
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn spawn(&self, order: JobOrder, secrets: JobSecrets, now: Timestamp) {
        let queue = Arc::clone(&self.0);
        let job = order.job;
        let (stopper, stop) = Stopper::new(Instant::now() + order.deadline_at.since(now));
        if queue.stopping.load(Ordering::SeqCst) {
            stopper.stop(StopReason::AgentStops);
        }
        queue.jobs().insert(job, stopper);
        self.0.tasks.spawn(async move {
            let JobSecrets { repository, hooks } = secrets;
            Job::new(order, hooks, stop, &queue.shared).run(repository).await;
            queue.jobs().remove(&job);
        });
    }
}

impl Queue {
    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, Stopper>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be seen to be wrong with an order before anything is done.
fn check(order: &JobOrder) -> Result<(), &'static str> {
    if rules::name(&order.host_name).is_err() {
        return Err("a host with a name that is none");
    }
    match &order.task {
        Task::Backup { source } => check_source(source),
        Task::Forget { forget } | Task::PreviewForget { forget } if keeps_everything(forget) => {
            Err("a forget with a policy that keeps everything")
        }
        Task::Check { read_data: Some(data) } if !data.is_valid() => {
            Err("a check that reads a part that there is not")
        }
        Task::Restore { restore } => restore.check().map_err(|invalid| invalid.message),
        _ => Ok(()),
    }
}

fn check_source(source: &SourceOrder) -> Result<(), &'static str> {
    if source.includes.is_empty() == source.command.is_none() {
        return Err("a backup of nothing, or of paths and a command at once");
    }
    if source.includes.iter().any(|path| !Path::new(path).is_absolute()) {
        return Err("a backup of a path that is not absolute");
    }
    rules::name(&source.name).map_err(|_| "a source group with a name that is none")
}

fn keeps_everything(forget: &ForgetOrder) -> bool {
    forget.policies.iter().any(|policy| policy.retention.is_empty())
}

fn error(code: ErrorCode, message: &str) -> Reply {
    Reply::Error { code, message: message.to_owned() }
}
