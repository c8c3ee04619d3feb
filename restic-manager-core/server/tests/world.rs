//! A server with one of everything.

use core::time::Duration;
use http::StatusCode;
use restic_manager_crypto::{PasswordCost, Passwords, SecretString, SeededRandom, Token, TokenKind};
use restic_manager_proto::{
    AlertId, ChannelId, FreezeId, HostFacts, HostId, JobId, MaintenanceId, PendingHostId, RepositoryId,
    RouteId, ScheduleId, Scope, SessionId, SilenceId, SnapshotSeen, SourceGroupId, UserId,
    api::{
        channels::Channel, enrolments::Invitation, jobs::Job, maintenance::MaintenanceWindow,
        repositories::CreatedRepository, routes::Route, schedules::Schedule, silences::Silence,
        source_groups::SourceGroup, users::InvitedUser,
    },
    vocabulary::{AlertKind, FreezeCause, PendingHostState, PresenceMode, RepositoryState, Role, Severity},
};
use restic_manager_store::{
    Audit, PasswordHash, PublicKey, TokenHash, alerts::AlertSubject, alerts::NewAlert, freezes::Freeze,
    hosts::NewHost, pending_hosts::PendingHost, users::User,
};
use serde_json::json;

use crate::support::{App, Client, PASSWORD};

/// A server with an admin, a host that uses a repository, a source group, a job and an invitation.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) admin: Client,
    pub(crate) host: HostId,
    pub(crate) repository: RepositoryId,
    /// The host uses this one too, and backs nothing up to it.
    pub(crate) spare: RepositoryId,
    /// Nobody uses this one.
    pub(crate) unused: RepositoryId,
    pub(crate) group: SourceGroupId,
    /// No schedule runs this one.
    pub(crate) lone_group: SourceGroupId,
    /// This one backs up what a command prints.
    pub(crate) command_group: SourceGroupId,
    pub(crate) schedule: ScheduleId,
    pub(crate) job: JobId,
    pub(crate) invitation: Invitation,
    /// Somebody who has not followed the setup link yet.
    pub(crate) person: UserId,
    pub(crate) setup_token: String,
    /// Another session of the admin's.
    pub(crate) elsewhere: SessionId,
    pub(crate) alert: AlertId,
    /// A host that announced itself.
    pub(crate) pending_host: PendingHostId,
    /// A host that was removed.
    pub(crate) removed: HostId,
    /// Maintenance of the host, far ahead.
    pub(crate) window: MaintenanceId,
    /// Of the spare repository, whose making was broken off as the host sees it.
    pub(crate) freeze: FreezeId,
    /// A channel that a route names.
    pub(crate) channel: ChannelId,
    /// No route names this one.
    pub(crate) lone_channel: ChannelId,
    pub(crate) route: RouteId,
    pub(crate) silence: SilenceId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (app, admin) = App::with_admin().await;
        let repository = make_repository(&admin, "main", "rest:https://storage.example.com/main/").await;
        let spare = make_repository(&admin, "spare", "/srv/spare").await;
        let unused = make_repository(&admin, "unused", "/srv/unused").await;
        let host = enrol(&app, "web-1").await;
        for repository in [repository, spare] {
            let attach = format!("/api/v1/hosts/{host}/repositories/{repository}");
            admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
        }
        let body = json!({ "name": "home", "includes": ["/home"], "repository": repository });
        let group: SourceGroup =
            admin.post(&format!("/api/v1/hosts/{host}/source-groups"), body).await.json();
        let body = json!({ "name": "lone", "includes": ["/opt"], "repository": repository });
        let lone_group: SourceGroup =
            admin.post(&format!("/api/v1/hosts/{host}/source-groups"), body).await.json();
        let body = json!({ "name": "dump", "repository": repository,
            "command": { "words": ["pg_dump", "shop"], "file_name": "shop.sql" } });
        let command_group: SourceGroup =
            admin.post(&format!("/api/v1/hosts/{host}/command-source-groups"), body).await.json();
        for place in [format!("hosts/{host}"), format!("source-groups/{}", group.id)] {
            let hooks = json!({ "post": { "shell": "sh", "script": "true", "timeout_seconds": 5 } });
            admin.put(&format!("/api/v1/{place}/hooks"), Some(0), hooks).await.expect(StatusCode::OK);
        }
        let times = json!({
            "name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin", "source_groups": [group.id]
        });
        let schedule: Schedule = admin.post(&format!("/api/v1/hosts/{host}/schedules"), times).await.json();
        let body = json!({ "host": host, "kind": "backup", "source_group": group.id });
        let job: Job = admin.post("/api/v1/jobs", body).await.json();
        let body = json!({ "host_name": "web-2", "repositories": [{ "repository": repository }] });
        let invitation = admin.post("/api/v1/enrolments", body).await.json();
        let body = json!({ "name": "dave", "role": "operator" });
        let invited: InvitedUser = admin.post("/api/v1/users", body).await.json();
        let (person, setup_token) = (invited.user.id, invited.token.into_exposed());
        let elsewhere = app.sign_in("alice", PASSWORD).await.own_session().await;
        let (group, job) = (group.id, job.id);
        let (lone_group, schedule) = (lone_group.id, schedule.id);
        let alert = raise(&app, host).await;
        let pending_host = announce(&app).await;
        let removed = enrol(&app, "old-1").await;
        admin.delete(&format!("/api/v1/hosts/{removed}")).await.expect(StatusCode::NO_CONTENT);
        let window = maintain(&app, &admin, host).await;
        let freeze = freeze(&app, host, spare).await;
        let channel = make_channel(&admin, "Ops").await;
        let lone_channel = make_channel(&admin, "Spare").await;
        let body = json!({ "name": "Everything", "rule": { "channels": [channel] } });
        let route = admin.post("/api/v1/notification-routes", body).await.json::<Route>().id;
        let body = json!({ "matcher": { "kinds": ["prune-failed"] }, "reason": "Storage is moved",
            "until": app.now().after(Duration::from_secs(60 * 60)) });
        let silence = admin.post("/api/v1/silences", body).await.json::<Silence>().id;
        Self {
            app,
            admin,
            host,
            repository,
            spare,
            unused,
            group,
            job,
            invitation,
            person,
            setup_token,
            lone_group,
            command_group: command_group.id,
            schedule,
            elsewhere,
            alert,
            pending_host,
            removed,
            window,
            freeze,
            channel,
            lone_channel,
            route,
            silence,
        }
    }

    /// A client of this role.
    pub(crate) async fn somebody(&self, role: Role) -> Client {
        add_user(&self.app, role.as_str(), role).await;
        self.app.sign_in(role.as_str(), PASSWORD).await
    }
}

pub(crate) async fn make_repository(admin: &Client, name: &str, location: &str) -> RepositoryId {
    let answer = admin.post("/api/v1/repositories", json!({ "name": name, "location": location })).await;
    answer.expect(StatusCode::CREATED).json::<CreatedRepository>().repository.id
}

fn seed_of(name: &str) -> u64 {
    name.bytes().fold(1000, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

fn entropy(name: &str) -> [u8; 10] {
    seed_of(name).to_be_bytes().repeat(2)[..10].try_into().unwrap()
}

/// A host as the first connection of its agent leaves it.
pub(crate) async fn enrol(app: &App, name: &str) -> HostId {
    enrol_tagged(app, name, &["linux"]).await
}

pub(crate) async fn enrol_tagged(app: &App, name: &str, tags: &[&str]) -> HostId {
    let token = Token::mint(TokenKind::Agent, &SeededRandom::new(seed_of(name)));
    let id = HostId::from_parts(app.now(), entropy(name));
    let host = NewHost {
        id,
        name: name.to_owned(),
        restic_name: name.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        presence_mode: PresenceMode::AlwaysOn,
        public_key: PublicKey::new([7; 32]),
        agent_token: TokenHash::new(*token.hash().as_bytes()),
        enrolled: app.now(),
    };
    let mut transaction = app.store.begin().await.unwrap();
    transaction.hosts().enrol(&host).await.unwrap();
    transaction.hosts().connect(id, app.now(), &HostFacts::default(), Some("192.0.2.7")).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    id
}

/// An alert about a host.
pub(crate) async fn raise(app: &App, host: HostId) -> AlertId {
    let found = NewAlert {
        id: AlertId::from_parts(app.now(), [6; 10]),
        kind: AlertKind::AgentOverreach,
        severity: Severity::Critical,
        subject: AlertSubject::new("host", host),
        subject_name: "web-1".to_owned(),
        host: Some(host),
        repository: None,
        job: None,
        cause: None,
        evidence: String::new(),
        summary: "The agent reported on a job of another host.".to_owned(),
        detail: json!({ "job": "another" }),
        moment: app.now(),
    };
    let mut transaction = app.store.begin().await.unwrap();
    transaction.alerts().raise(&found).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    found.id
}

/// The key of the announced host.
pub(crate) const ANNOUNCED_KEY: [u8; 32] = [8; 32];

/// A host that announced itself and waits.
pub(crate) async fn announce(app: &App) -> PendingHostId {
    let host = PendingHost {
        id: PendingHostId::from_parts(app.now(), [5; 10]),
        public_key: PublicKey::new(ANNOUNCED_KEY),
        facts: HostFacts::default(),
        address: Some("192.0.2.9".to_owned()),
        network: "192.0.2.0".to_owned(),
        first_seen: app.now(),
        last_seen: app.now(),
        expires: app.now().after(Duration::from_secs(3600)),
        looked_at: None,
        state: PendingHostState::Waiting,
        host: None,
    };
    let mut transaction = app.store.begin().await.unwrap();
    transaction.pending_hosts().add(&host).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    host.id
}

pub(crate) async fn add_user(app: &App, name: &str, role: Role) {
    add_user_within(app, name, role, Scope::All).await;
}

pub(crate) async fn add_user_within(app: &App, name: &str, role: Role, scope: Scope) {
    let random = SeededRandom::new(3);
    let hash = Passwords::new(PasswordCost::lowest()).hash(&SecretString::new(PASSWORD), &random).unwrap();
    let user = User {
        id: UserId::from_parts(app.now(), entropy(name)),
        name: name.to_owned(),
        role,
        scope,
        password: PasswordHash::new(hash),
        password_set: Some(app.now()),
        disabled: false,
        created: app.now(),
        last_login: None,
        version: 1,
    };
    let mut transaction = app.store.begin().await.unwrap();
    transaction.users().add(&user).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

/// A channel that tells this process.
pub(crate) async fn make_channel(admin: &Client, name: &str) -> ChannelId {
    let body = json!({ "name": name, "kind": "custom", "fields": { "notifier": "heard" } });
    admin.post("/api/v1/channels", body).await.expect(StatusCode::CREATED).json::<Channel>().id
}

async fn maintain(app: &App, admin: &Client, host: HostId) -> MaintenanceId {
    let from = app.now().after(Duration::from_secs(300 * 24 * 60 * 60));
    let body = json!({ "scope": Scope::hosts([host]), "from": from, "reason": "Disks are replaced",
        "until": from.after(Duration::from_secs(60 * 60)) });
    admin.post("/api/v1/maintenance", body).await.json::<MaintenanceWindow>().id
}

async fn freeze(app: &App, host: HostId, repository: RepositoryId) -> FreezeId {
    let (id, created) = (FreezeId::from_bytes([5; 16]), app.now());
    let freeze = Freeze {
        id,
        repository,
        source_group: None,
        cause: FreezeCause::Manual,
        reason: "Look first".to_owned(),
        created,
        created_by: None,
    };
    let mut transaction = app.store.begin().await.unwrap();
    assert!(transaction.freezes().add(&freeze).await.unwrap());
    let state = RepositoryState::Unfinished;
    transaction.attachments().record_check(host, repository, state, None, created).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    id
}

/// The host has a snapshot in a repository.
pub(crate) async fn list_snapshot(app: &App, host: HostId, repository: RepositoryId, id: &str) {
    let mut transaction = app.store.begin().await.unwrap();
    let seen = SnapshotSeen::new(id, app.now());
    transaction.snapshots().add_listed(host, repository, &[seen], app.now()).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}
