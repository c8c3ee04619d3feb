use restic_manager_core::clock::ManualClock;
use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_proto::{
    HostId, JobEnd, JobId, LogLine, Scope,
    vocabulary::{Cause, JobKind, JobState, LogStream, PresenceMode, Trigger},
};
use restic_manager_store::{
    PageRequest, PublicKey, Store, TokenHash,
    hosts::NewHost,
    jobs::JobScope,
    sqlite::{SqliteOptions, SqliteStore},
};

use super::*;
use crate::{
    Config,
    domain::jobs::{Wanted, queue::queue},
    server::Server,
};

const ROUTINE: Audit = Audit::Routine("a fixture");
const DAY: Duration = Duration::from_secs(86_400);
const HOST: HostId = HostId::from_bytes([1; 16]);

struct World {
    server: Server,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn keeping(change: impl FnOnce(&mut Kept)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("test.sqlite"));
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await.unwrap());
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let random = Arc::new(SeededRandom::new(3));
        let mut config = Config::new("https://backup.example.com".parse().unwrap());
        change(&mut config.kept);
        let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
        let server = Server::builder(store, keyring, identity, config)
            .clock(Arc::clone(&clock) as _)
            .random(random)
            .build();
        server.prepare().await.unwrap();
        let mut change = server.parts().begin().await.unwrap();
        let new = NewHost {
            id: HOST,
            name: "web".into(),
            restic_name: "web".into(),
            tags: Vec::new(),
            presence_mode: PresenceMode::AlwaysOn,
            public_key: PublicKey::new([1; 32]),
            agent_token: TokenHash::new([1; 32]),
            enrolled: server.parts().now(),
        };
        change.hosts().enrol(&new).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
        Self { server, clock, _folder: folder }
    }

    fn parts(&self) -> &Parts {
        self.server.parts()
    }

    /// Jobs that began a minute after one another, each with a line, and ended or not.
    async fn jobs(&self, count: usize, end: Option<JobState>) -> Vec<JobId> {
        let parts = self.parts();
        let mut change = parts.begin().await.unwrap();
        let mut jobs = Vec::new();
        for _ in 0..count {
            self.clock.advance(Duration::from_secs(60));
            let wanted = Wanted {
                repository: None,
                ..Wanted::check(HOST, restic_manager_proto::RepositoryId::from_bytes([1; 16]))
            };
            let new = Wanted { kind: JobKind::Backup, trigger: Trigger::Schedule, ..wanted }
                .at(&parts.mint, parts.now());
            queue(&mut change, &new).await.unwrap();
            let line =
                LogLine { sequence: 1, at: parts.now(), stream: LogStream::Stdout, text: "a line".into() };
            change.logs().append(new.id, &[line]).await.unwrap();
            if let Some(state) = end {
                change.jobs().finish(new.id, parts.now(), &JobEnd::new(state, Cause::None)).await.unwrap();
            }
            jobs.push(new.id);
        }
        change.commit(ROUTINE).await.unwrap();
        jobs
    }

    /// Jobs, and those of them with a log, as they are after a round.
    async fn left(&self) -> (Vec<JobId>, usize) {
        round(self.parts()).await.unwrap();
        let mut read = self.parts().store.read().await.unwrap();
        let request = PageRequest::first(1000);
        let jobs = read.jobs().page(JobScope::Fleet, &Scope::All, request).await.unwrap().items;
        let logs = jobs.iter().filter(|job| !job.log.discarded).count();
        let mut ids: Vec<_> = jobs.into_iter().map(|job| job.id).collect();
        ids.sort_unstable();
        (ids, logs)
    }
}

#[tokio::test]
async fn jobs_go_with_age_and_their_logs_before_them_and_none_that_runs() {
    let world = World::keeping(|_| {}).await;
    let ended = world.jobs(BATCH + 20, Some(JobState::Succeeded)).await;
    let active = world.jobs(2, None).await;
    let everything: Vec<_> = ended.iter().chain(&active).copied().collect();
    assert_eq!(world.left().await, (everything.clone(), everything.len()));
    world.clock.advance(DAY * 91);
    assert_eq!(world.left().await, (everything, active.len()), "logs are kept for 90 days");
    world.clock.advance(DAY * 275);
    assert_eq!(world.left().await, (active, 2), "jobs are kept for a year, and one that runs for ever");
}

#[tokio::test]
async fn no_more_than_so_many_are_kept() {
    let world = World::keeping(|kept| (kept.most_jobs, kept.most_logs) = (5, 2)).await;
    let ended = world.jobs(9, Some(JobState::Failed)).await;
    assert_eq!(world.left().await, (ended[4..].to_vec(), 2));
    let active = world.jobs(3, None).await;
    let left: Vec<_> = ended[4..].iter().chain(&active).copied().collect();
    assert_eq!(world.left().await, (left, 5));
}
