//! A fleet at work: its hosts are rows, written at once, and its agents are connected, so fifty cost little.

use futures_util::{StreamExt as _, future::join_all};
use http::StatusCode;
use restic_manager_crypto::{Identity, SecretString, SeededRandom, Token, TokenKind};
use restic_manager_proto::{
    HostId, JobEnd, JobId, OutboxId, RepositoryId, Retention, SourceGroupId, SourceOptions,
    TransportCredential,
    agent::{JobOrder, ReportItem},
    api::{
        Page,
        jobs::Job,
        repositories::{CreatedRepository, Repository},
        source_groups::SourceGroup,
    },
    vocabulary::{Cause, JobKind, JobState, PresenceMode, RepositoryState, UpkeepState},
};
use restic_manager_store::{Audit, PublicKey, TokenHash, Transaction, hosts::NewHost, sources};
use restic_manager_testkit::{Agent, Persona, patiently, started};
use serde_json::json;

use crate::{
    scene::follow_events,
    support::{App, Client, Listening},
};

/// A host and its agent, which is connected.
pub(crate) struct Worker {
    pub(crate) persona: Persona,
    pub(crate) agent: Agent,
}

/// A server, its admin, and hosts that all use one repository, which is ready and empty.
pub(crate) struct Fleet {
    pub(crate) app: App,
    pub(crate) admin: Client,
    listening: Listening,
    pub(crate) repository: RepositoryId,
    /// The first is the runner of tests that name one.
    pub(crate) hosts: Vec<Worker>,
}

impl Fleet {
    pub(crate) async fn of(count: u16) -> Self {
        let (app, admin) = App::at_work().await;
        let listening = app.listen().await;
        let repository = make_repository(&admin).await;
        let remote = app.remote(listening.address);
        let connected = found(&app, repository, count).await.into_iter().map(|persona| async {
            let mut agent = persona.connect(&remote).await;
            agent.take_stock(Vec::new()).await;
            Worker { persona, agent }
        });
        let hosts = join_all(connected).await;
        Self { app, admin, listening, repository, hosts }
    }

    /// The connection of a host breaks, and the server notices.
    pub(crate) async fn lose(&mut self, host: usize) {
        let id = self.hosts[host].persona.host;
        let mut events = follow_events(&self.admin, self.listening.address).await;
        drop(self.hosts.remove(host));
        loop {
            let event = patiently(events.next()).await.unwrap().unwrap().into_text().unwrap();
            if event.contains(r#""type":"host""#) && event.contains(&id.to_string()) {
                return;
            }
        }
    }

    /// Jobs are in the order of asking, which takes time.
    pub(crate) fn pass(&self) {
        self.app.clock.advance(core::time::Duration::from_secs(1));
    }

    pub(crate) async fn backup(&self, host: usize) -> Job {
        self.pass();
        let body = json!({ "host": self.hosts[host].persona.host, "kind": "backup" });
        self.admin.post("/api/v1/jobs", body).await.expect(StatusCode::ACCEPTED).json()
    }

    pub(crate) async fn upkeep(&self, kind: &str) -> Job {
        self.pass();
        let path = format!("/api/v1/repositories/{}/upkeep/jobs", self.repository);
        self.admin.post(&path, json!({ "kind": kind })).await.expect(StatusCode::ACCEPTED).json()
    }

    pub(crate) async fn job(&self, id: JobId) -> Job {
        self.admin.get(&format!("/api/v1/jobs/{id}")).await.expect(StatusCode::OK).json()
    }

    /// The job, once it has this place in the queue, which its host's connection gives it.
    pub(crate) async fn placed(&self, id: JobId, position: u64) -> Job {
        let place = async {
            loop {
                let job = self.job(id).await;
                if job.queue_position == Some(position) {
                    return job;
                }
            }
        };
        patiently(place).await
    }

    pub(crate) async fn repository(&self) -> Repository {
        let path = format!("/api/v1/repositories/{}", self.repository);
        self.admin.get(&path).await.expect(StatusCode::OK).json()
    }

    pub(crate) async fn duty(&self, kind: JobKind) -> UpkeepState {
        let repository = self.repository().await;
        repository.upkeep.duties.iter().find(|duty| duty.kind == kind).expect("it is listed").state
    }

    /// The first host does the upkeep, and none of it by itself.
    pub(crate) async fn name_runner_alone(&self) {
        let version = self.repository().await.version;
        let path = format!("/api/v1/repositories/{}/upkeep", self.repository);
        let body = json!({ "runner": self.hosts[0].persona.host });
        self.admin.put(&path, Some(version), body).await.expect(StatusCode::OK);
    }

    pub(crate) async fn name_runner(&self) {
        let version = self.repository().await.version;
        let body = json!({
            "runner": self.hosts[0].persona.host,
            "forget_every_hours": 24,
            "prune_every_hours": 168,
            "check_every_hours": 720,
        });
        let path = format!("/api/v1/repositories/{}/upkeep", self.repository);
        self.admin.put(&path, Some(version), body).await.expect(StatusCode::OK);
    }

    pub(crate) async fn give_policy(&self, host: usize) {
        let path = format!("/api/v1/hosts/{}/source-groups", self.hosts[host].persona.host);
        let groups: Page<SourceGroup> = self.admin.get(&path).await.expect(StatusCode::OK).json();
        let group = &groups.items[0];
        let body = json!({
            "name": group.name,
            "includes": group.includes,
            "repository": self.repository,
            "retention": { "daily": 7, "within": "2d" },
        });
        let path = format!("/api/v1/source-groups/{}", group.id);
        self.admin.put(&path, Some(group.version), body).await.expect(StatusCode::OK);
    }

    /// The next order of a host, which it begins.
    pub(crate) async fn begins(&mut self, host: usize) -> JobOrder {
        let at = self.app.now();
        let Worker { persona, agent } = &mut self.hosts[host];
        let order = agent.order().await;
        persona.report(agent, vec![started(at, order.job)]).await;
        order
    }

    pub(crate) async fn ends(&mut self, host: usize, job: JobId, end: JobEnd) {
        let at = self.app.now();
        let Worker { persona, agent } = &mut self.hosts[host];
        persona.report(agent, vec![ReportItem::JobEnded { job, at, end }]).await;
    }

    pub(crate) fn username(&self, host: usize, order: &JobOrder) -> String {
        match self.hosts[host].agent.secrets(order).credential {
            Some(TransportCredential::Rest { username, .. }) => username,
            other => panic!("{other:?}"),
        }
    }
}

/// The time of more than one round of the server's own tasks, at once. A paused clock waits for databases that work, where
/// one that is pushed on would let whoever waits for a connection give up.
pub(crate) async fn rounds() {
    tokio::time::pause();
    tokio::time::sleep(core::time::Duration::from_secs(11)).await;
    tokio::time::resume();
}

async fn make_repository(admin: &Client) -> RepositoryId {
    let rest = |name: &str| json!({ "kind": "rest", "username": name, "password": format!("{name} secret") });
    let body = json!({
        "name": "main",
        "location": "rest:https://backup.example.com/main/",
        "password": "a repository password",
        "everyday": rest("everyday"),
    });
    let made: CreatedRepository =
        admin.post("/api/v1/repositories", body).await.expect(StatusCode::CREATED).json();
    let repository = made.repository.id;
    let slot = format!("/api/v1/repositories/{repository}/credentials/maintenance");
    admin.put(&slot, None, json!({ "credential": rest("maintenance") })).await.expect(StatusCode::NO_CONTENT);
    repository
}

/// Hosts as their enrolment and their first look at the repository leave them.
async fn found(app: &App, repository: RepositoryId, count: u16) -> Vec<Persona> {
    let mut transaction = app.store.begin().await.unwrap();
    let mut personas = Vec::new();
    for number in 1..=count {
        let random = SeededRandom::new(100 + u64::from(number));
        let identity = Identity::generate(&random);
        let token = Token::mint(TokenKind::Agent, &random);
        let host = HostId::from_parts(app.now(), entropy(number));
        let new = NewHost {
            id: host,
            name: format!("web-{number}"),
            restic_name: format!("web-{number}"),
            tags: Vec::new(),
            presence_mode: PresenceMode::AlwaysOn,
            public_key: PublicKey::new(*identity.public_key().as_bytes()),
            agent_token: TokenHash::new(*token.hash().as_bytes()),
            enrolled: app.now(),
        };
        transaction.hosts().enrol(&new).await.unwrap();
        furnish(transaction.as_mut(), app, host, repository, number).await;
        let token = SecretString::new(token.expose());
        let outbox = OutboxId::from_bytes(*host.as_bytes());
        personas.push(Persona { identity, token, host, outbox, sent: 0 });
    }
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    personas
}

async fn furnish(
    transaction: &mut dyn Transaction,
    app: &App,
    host: HostId,
    repository: RepositoryId,
    number: u16,
) {
    let now = app.now();
    let attachments = transaction.attachments();
    attachments.attach(host, repository, None).await.unwrap();
    attachments.record_check(host, repository, RepositoryState::Ready, None, now).await.unwrap();
    transaction.snapshots().record_listing(host, repository, &[], now).await.unwrap();
    let group = sources::SourceGroup {
        id: SourceGroupId::from_parts(now, entropy(number)),
        host,
        name: "default".to_owned(),
        includes: vec!["/srv".to_owned()],
        excludes: Vec::new(),
        tag: "default".to_owned(),
        repository,
        retention: Retention::default(),
        options: SourceOptions::default(),
        command: None,
        last_backup: None,
        created: now,
        version: 1,
    };
    transaction.sources().add(&group).await.unwrap();
}

/// Ids in the order of the numbers.
fn entropy(number: u16) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn good() -> JobEnd {
    JobEnd::new(JobState::Succeeded, Cause::None)
}

pub(crate) fn failed(cause: Cause) -> JobEnd {
    JobEnd::new(JobState::Failed, cause)
}
