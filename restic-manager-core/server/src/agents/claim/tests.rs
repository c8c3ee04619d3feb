//! Many hosts at once, on the databases that ship. Each host is a task that claims when it is woken, as connections do.

use core::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use restic_manager_core::clock::ManualClock;
use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_proto::{
    JobEnd, JobId,
    vocabulary::{Cause, JobKind, JobState, PresenceMode, RepositoryState, Trigger},
};
use restic_manager_store::{
    PublicKey, Store, TokenHash,
    hosts::NewHost,
    postgres::{PostgresOptions, PostgresStore},
    repositories::Repository,
    sqlite::{SqliteOptions, SqliteStore},
};
use restic_manager_testkit::postgres::Database;
use std::collections::VecDeque;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::*;
use crate::{
    Config,
    domain::jobs::{Wanted, end::end, queue::queue},
    server::Server,
};

const ROUTINE: Audit = Audit::Routine("a fixture");
/// For hangs, not for speed.
const PATIENCE: Duration = Duration::from_secs(60);

fn host(number: u32) -> HostId {
    let mut bytes = [1; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    HostId::from_bytes(bytes)
}

fn repository(number: u8) -> RepositoryId {
    RepositoryId::from_bytes([number; 16])
}

fn row(number: u8) -> Repository {
    Repository {
        id: repository(number),
        name: format!("repository {number}"),
        location: format!("/srv/{number}"),
        backend: "local".into(),
        password: None,
        password_set: None,
        runner: None,
        parallel: None,
        created: restic_manager_proto::Timestamp::from_milliseconds(1),
        version: 1,
        deleted: None,
    }
}

/// A job that started on a host.
struct Started {
    host: HostId,
    claimed: Claimed,
}

struct World {
    parts: Arc<Parts>,
    clock: Arc<ManualClock>,
    agents: JoinSet<()>,
    started: mpsc::UnboundedReceiver<Started>,
    claims: Arc<AtomicUsize>,
}

impl World {
    /// Hosts that share repositories, each with one of them, which was seen ready or not.
    async fn of(store: Arc<dyn Store>, hosts: u32, repositories: u8, is_ready: bool) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-22T02:00:00Z".parse().unwrap()));
        let random = Arc::new(SeededRandom::new(3));
        let config = Config::new("https://backup.example.com".parse().unwrap());
        let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
        let server = Server::builder(store, keyring, identity, config)
            .clock(Arc::clone(&clock) as _)
            .random(random)
            .build();
        server.prepare().await.unwrap();
        let parts = Arc::clone(server.parts());
        let mut change = parts.begin().await.unwrap();
        for number in 1..=repositories {
            change.repositories().add(&row(number)).await.unwrap();
            if is_ready {
                change.repositories().note_ready(repository(number), &row(number).location).await.unwrap();
            }
        }
        for number in 0..hosts {
            change.hosts().enrol(&new_host(number)).await.unwrap();
            let place = repository(Self::repository_of(number, repositories));
            change.attachments().attach(host(number), place, None).await.unwrap();
        }
        change.commit(ROUTINE).await.unwrap();
        let (agents, claims) = (JoinSet::new(), Arc::default());
        let (sender, started) = mpsc::unbounded_channel();
        let mut world = Self { parts, clock, agents, started, claims };
        (0..hosts).for_each(|number| world.connect(host(number), sender.clone()));
        world
    }

    fn repository_of(number: u32, repositories: u8) -> u8 {
        u8::try_from(number % u32::from(repositories)).unwrap() + 1
    }

    fn connect(&mut self, host: HostId, started: mpsc::UnboundedSender<Started>) {
        let (parts, claims) = (Arc::clone(&self.parts), Arc::clone(&self.claims));
        let mailbox = parts.agent_connected(host, 1).unwrap().mailbox;
        self.agents.spawn(async move {
            while mailbox.receive().await.work {
                claims.fetch_add(1, Ordering::Relaxed);
                while let Some(claimed) = claim_job(&parts, host).await.unwrap() {
                    started.send(Started { host, claimed }).unwrap();
                }
            }
        });
    }

    /// Each host asks for the same, in the order of their numbers.
    async fn ask(&self, hosts: u32, repositories: u8, kind: JobKind) {
        let mut change = self.parts.begin().await.unwrap();
        for number in 0..hosts {
            let place = repository(Self::repository_of(number, repositories));
            let wanted = Wanted::upkeep(host(number), place, kind, Trigger::Schedule);
            queue(&mut change, &wanted.at(&self.parts.mint, self.parts.now())).await.unwrap();
        }
        change.commit(ROUTINE).await.unwrap();
    }

    async fn end(&self, job: JobId) {
        self.clock.advance(Duration::from_secs(60));
        let good = JobEnd::new(JobState::Succeeded, Cause::None);
        end(&self.parts, job, good, Cause::None).await.unwrap();
    }

    async fn finds_it_ready(&self, host: HostId) {
        let (mut change, now) = (self.parts.begin().await.unwrap(), self.parts.now());
        let attachments = change.attachments();
        attachments.record_check(host, repository(1), RepositoryState::Ready, None, now).await.unwrap();
        let seen = attachments.find(host, repository(1)).await.unwrap().unwrap();
        setup::note_ready(&mut change, &seen).await.unwrap();
        change.commit(ROUTINE).await.unwrap();
    }

    async fn next(&mut self) -> Started {
        timeout(PATIENCE, self.started.recv()).await.expect("some wait for ever").unwrap()
    }

    fn claims(&self) -> usize {
        self.claims.load(Ordering::Relaxed)
    }
}

fn new_host(number: u32) -> NewHost {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    NewHost {
        id: host(number),
        name: format!("web-{number}"),
        restic_name: format!("web-{number}"),
        tags: Vec::new(),
        presence_mode: PresenceMode::AlwaysOn,
        public_key: PublicKey::new(key),
        agent_token: TokenHash::new(key),
        enrolled: restic_manager_proto::Timestamp::from_milliseconds(1),
    }
}

/// As many backups at once as budgets allow; each ends after a minute, so that the last start hours after they were asked for.
async fn everybody_gets_a_turn(store: Arc<dyn Store>, hosts: u32, repositories: u8) {
    let mut world = World::of(store, hosts, repositories, true).await;
    world.ask(hosts, repositories, JobKind::Backup).await;
    let budgets = world.parts.config.budgets;
    let (mut running, mut started_on) = (VecDeque::new(), BTreeSet::new());
    for _ in 0..hosts {
        let started = loop {
            if let Ok(started) = world.started.try_recv() {
                break started;
            }
            match running.pop_front() {
                Some(job) => world.end(job).await,
                None => break world.next().await,
            }
        };
        let job = started.claimed.job;
        assert!(!started.claimed.makes && job.host == started.host);
        running.push_back(job.id);
        assert!(started_on.insert(job.host), "each once");
        assert!(running.len() as u64 <= budgets.fleet, "{} at once", running.len());
    }
    let claims = world.claims();
    // As it is asked for, as it starts, as its host's last one ended, and as others make room that is taken already.
    assert!(claims <= 6 * hosts as usize, "{claims} claims for {hosts} jobs");
}

/// One host makes the repository; the looks of all others then happen at once. Answers how many may have made it.
async fn makers(store: Arc<dyn Store>, hosts: u32) -> usize {
    let mut world = World::of(store, hosts, 1, false).await;
    world.ask(hosts, 1, JobKind::CheckRepository).await;
    let mut started = world.next().await;
    assert!(started.claimed.makes);
    let is_waiting = |number: &u32| world.parts.setups.is_waiting(repository(1), host(*number));
    while (0..hosts).filter(is_waiting).count() + 1 < hosts as usize {
        tokio::task::yield_now().await;
    }
    assert!(world.started.try_recv().is_err(), "the others wait");
    let mut makers = 0;
    for number in 1..=hosts {
        if started.claimed.makes {
            makers += 1;
            world.finds_it_ready(started.host).await;
        }
        if number < hosts {
            started = world.next().await;
        }
    }
    let claims = world.claims();
    assert!(claims <= 2 * hosts as usize, "{claims} claims for {hosts} looks");
    makers
}

async fn sqlite() -> (Arc<dyn Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("test.sqlite"))).await.unwrap();
    (Arc::new(store), folder)
}

async fn postgres() -> (Arc<dyn Store>, Database) {
    let database = Database::create().await;
    let options = PostgresOptions::from_url(database.url()).unwrap();
    (Arc::new(PostgresStore::open(options).await.unwrap()), database)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_hosts_on_fifty_repositories_each_get_a_turn() {
    let (store, _folder) = sqlite().await;
    everybody_gets_a_turn(store, 2000, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_each_get_a_turn_on_postgres() {
    let (store, _database) = postgres().await;
    everybody_gets_a_turn(store, 300, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_thousand_hosts_makes_the_repository_and_all_others_go_on_at_once() {
    let (store, _folder) = sqlite().await;
    assert_eq!(makers(store, 1000).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_makes_the_repository_on_postgres() {
    let (store, _database) = postgres().await;
    // Whoever looked at the rows just before it was there may think so too, and finds it.
    assert!(makers(store, 200).await < 20);
}
