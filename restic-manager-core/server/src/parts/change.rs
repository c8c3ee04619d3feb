//! A change of the data, and what follows its commit.
//!
//! Whoever changes rows notes on the change who must be told. The commit tells them, and there is no other way to: what
//! wakes, pushes and announces is visible to this folder alone. A change that is dropped tells nobody.

use core::ops::{Deref, DerefMut};
use restic_manager_proto::{
    HostId, JobId, PendingHostId, RepositoryId, api::events::FleetEvent, session::Close,
};
use restic_manager_store::{Audit, Error, ErrorKind, Transaction, audit::NewAuditEntry};

use super::Parts;

/// A transaction that knows what follows its commit.
#[must_use = "a change that is not committed changes nothing"]
pub(crate) struct Change<'p> {
    parts: &'p Parts,
    transaction: Box<dyn Transaction>,
    follows: Vec<Follow>,
    noted: Vec<NewAuditEntry>,
}

/// What follows a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Open pages are told.
    Tell(FleetEvent),
    /// Whoever watches the job is told that its row or its log changed.
    JobChanged(JobId),
    /// Whoever watches the job is told that it ended; it has no progress any more, and makes no repository.
    JobEnded(JobId),
    /// The host's agent asks for queued jobs.
    Wake(HostId),
    /// The first of those who wait for the repository, or for the fleet's budget, asks again, if it can go on.
    WakeNext(RepositoryId),
    /// The repository was seen ready: those who waited for one to be made ask again.
    SetupFound(RepositoryId),
    /// The host's agent is sent the configuration that it shall have.
    Configure(HostId),
    /// The host's agent is asked to stop a job.
    CancelJob(HostId, JobId),
    /// The host's agent gets another token, if it is due.
    RotateToken(HostId),
    /// The connection of the host's agent ends.
    Disconnect(HostId, Close),
    /// The announced host's connection looks what was decided.
    Decided(PendingHostId),
    /// All announced hosts' connections do.
    AllDecided,
    /// Open sockets look whether they may stay.
    SessionsEnded,
}

impl Parts {
    /// Starts a change. A damaged database takes none: what is written into it may be lost, or damage more.
    pub(crate) async fn begin(&self) -> Result<Change<'_>, Error> {
        if self.damage.is_known() {
            return Err(Error::new(ErrorKind::Damaged, "a change"));
        }
        Ok(Change {
            parts: self,
            transaction: self.store.begin().await?,
            follows: Vec::new(),
            noted: Vec::new(),
        })
    }

    async fn follow(&self, follow: Follow) {
        match follow {
            Follow::Tell(event) => self.announce(event),
            Follow::JobChanged(job) => self.hub.job_changed(job, false),
            Follow::JobEnded(job) => {
                self.setup_ended(job);
                self.hub.job_changed(job, true);
            }
            Follow::Wake(host) => self.hub.wake(host),
            Follow::WakeNext(repository) => self.wake_next(repository).await,
            Follow::SetupFound(repository) => self.wake_all(self.setups.found(repository)),
            Follow::Configure(host) => self.hub.configure(host),
            // An agent that left in this moment is asked when it comes back.
            Follow::CancelJob(host, job) => drop(self.hub.cancel(host, job)),
            Follow::RotateToken(host) => self.hub.rotate(host),
            Follow::Disconnect(host, why) => self.hub.disconnect(host, why),
            Follow::Decided(host) => self.lobby.wake(host),
            Follow::AllDecided => self.lobby.wake_all(),
            Follow::SessionsEnded => self.pages.end_sessions(),
        }
    }
}

impl<'p> Change<'p> {
    pub(crate) const fn parts(&self) -> &'p Parts {
        self.parts
    }

    /// Says what follows the commit; what is said twice follows once.
    pub(crate) fn then(&mut self, follow: Follow) {
        if !self.follows.contains(&follow) {
            self.follows.push(follow);
        }
    }

    /// Tells open pages.
    pub(crate) fn tell(&mut self, event: FleetEvent) {
        self.then(Follow::Tell(event));
    }

    /// The same for a host.
    pub(crate) fn tell_host(&mut self, host: HostId) {
        self.tell(FleetEvent::Host { host });
    }

    /// The same for a repository.
    pub(crate) fn tell_repository(&mut self, repository: RepositoryId) {
        self.tell(FleetEvent::Repository { repository });
    }

    /// The same for a job that was made or moved on, and whoever watches it.
    pub(crate) fn tell_job(&mut self, job: JobId, host: HostId) {
        self.then(Follow::JobChanged(job));
        self.tell(FleetEvent::Job { job, host });
    }

    /// Notes what the change does besides what it was begun for: an audit entry more.
    pub(crate) fn note(&mut self, entry: NewAuditEntry) {
        self.noted.push(entry);
    }

    /// The rows alone.
    pub(crate) fn as_mut(&mut self) -> &mut dyn Transaction {
        self.transaction.as_mut()
    }

    /// Keeps the change, then does what follows it.
    pub(crate) async fn commit(self, audit: Audit) -> Result<(), Error> {
        let Self { parts, transaction, follows, noted } = self;
        transaction.commit(with(audit, noted)).await?;
        for follow in follows {
            parts.follow(follow).await;
        }
        Ok(())
    }
}

fn with(audit: Audit, noted: Vec<NewAuditEntry>) -> Audit {
    if noted.is_empty() {
        return audit;
    }
    let mut entries = audit.into_entries();
    entries.extend(noted);
    Audit::Entries(entries)
}

impl Deref for Change<'_> {
    type Target = dyn Transaction;

    fn deref(&self) -> &Self::Target {
        self.transaction.as_ref()
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.transaction.as_mut()
    }
}
