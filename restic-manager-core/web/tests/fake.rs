//! A small API in memory: answers with fixed data of `proto` types and writes down what it was asked.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use restic_manager_proto::{
    Bandwidth, CommandSource, Hook, Hooks, HostFacts, HostId, JobId, JobOptions, LogLine, Misfire, Progress,
    RepositoryId, Retention, Retry, ScheduleId, Scope, SecretText, SnapshotSeen, SourceGroupId,
    SourceOptions, Statistics, Timestamp,
    api::{
        Code, Page, Problem, Reference,
        account::{Account, SignIn},
        alerts,
        api_tokens::{ApiToken, CreatedApiToken},
        audit,
        enrolments::{Enrolment, Invitation},
        factors::{FactorAdded, Factors, Passkey, TotpStatus},
        fleet::Fleet,
        hooks::{HookOrigin, HookSet},
        hosts::{Attachment, Configuration, Day, Host, LastBackup},
        jobs::Job,
        repositories::{CreatedRepository, Repository, SecretStatus},
        schedules::{NextRuns, Run, Schedule, TimeZones},
        server::{Bootstrap, ServerVersion},
        session::Session,
        setup::Invited,
        snapshots::Snapshot,
        source_groups::SourceGroup,
        upkeep::{Duty, Upkeep},
        users::{InvitedUser, User},
    },
    policy::PolicyReport,
    vocabulary::*,
};
use restic_manager_web::Body;
use serde::Serialize;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

pub(crate) const CSRF: &str = "csrf-of-the-session";
pub(crate) const COOKIE: &str = "__Host-rm_session=valid";
/// Would break markup, attributes, lines and reading order.
pub(crate) const HOSTILE: &str = "</td></textarea><script>alert(1)</script><img src=x onerror=alert(2)>\"' onfocus=alert(3) x='\u{202e}txt.exe\n\u{1b}[2J\u{0}";

/// What the API was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What the API makes of the caller's proof of identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ProofState {
    #[default]
    Fresh,
    Old,
}

/// Which answers the API gives.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) role: Role,
    pub(crate) bootstrap_needed: bool,
    pub(crate) empty: bool,
    /// Stands for every name, path, message and address that somebody else can choose.
    pub(crate) name: String,
    /// Refuses every changing request so.
    pub(crate) refusal: Option<Problem>,
    /// The last proof of identity is too old for some acts.
    pub(crate) proof: Arc<Mutex<ProofState>>,
    pub(crate) enrolled: bool,
    /// Sets its cookie so that a browser keeps it without TLS too.
    pub(crate) plain_http: bool,
    /// What the hosts let their server do.
    pub(crate) policy: Option<PolicyReport>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            role: Role::Admin,
            bootstrap_needed: false,
            empty: false,
            name: "web-01".to_owned(),
            refusal: None,
            proof: Arc::default(),
            enrolled: false,
            plain_http: false,
            policy: None,
            asked: Arc::default(),
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl tower::Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let fake = self.clone();
        let (parts, body) = request.into_parts();
        let collected = body.collect();
        Box::pin(async move {
            let body = match collected.await {
                Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
                Err(_) => panic!("the body cannot be read"),
            };
            let asked = Asked {
                method: parts.method.to_string(),
                uri: parts.uri.to_string(),
                headers: parts.headers,
                body,
            };
            fake.asked.lock().unwrap().push(asked.clone());
            Ok(fake.answer(&asked))
        })
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000)
}

fn ago(seconds: u64) -> Timestamp {
    now().before(Duration::from_secs(seconds))
}

/// Thirty days of which some went wrong.
fn days() -> Vec<Day> {
    let day = |back: u64| Day {
        start: ago(back * 86_400),
        good: u32::from(!matches!(back, 3 | 5 | 11)),
        incomplete: u32::from(back == 5),
        failed: u32::from(back == 3),
        missed: u32::from(back == 11),
    };
    (0..30).rev().filter(|back| *back != 20).map(day).collect()
}

pub(crate) fn id<T>(make: fn(Timestamp, [u8; 10]) -> T, last: u8) -> T {
    make(ago(90_000), [0, 0, 0, 0, 0, 0, 0, 0, 0, last])
}

pub(crate) fn host_id() -> HostId {
    id(HostId::from_parts, 1)
}

pub(crate) fn repository_id() -> RepositoryId {
    id(RepositoryId::from_parts, 2)
}

pub(crate) fn job_id() -> JobId {
    id(JobId::from_parts, 3)
}

pub(crate) fn alert_id() -> restic_manager_proto::AlertId {
    id(restic_manager_proto::AlertId::from_parts, 6)
}

pub(crate) fn schedule_id() -> ScheduleId {
    id(ScheduleId::from_parts, 7)
}

pub(crate) fn group_id() -> SourceGroupId {
    id(SourceGroupId::from_parts, 4)
}

pub(crate) fn command_group_id() -> SourceGroupId {
    id(SourceGroupId::from_parts, 8)
}

pub(crate) fn enrolment_id() -> restic_manager_proto::EnrolmentId {
    id(restic_manager_proto::EnrolmentId::from_parts, 5)
}

pub(crate) fn user_id() -> restic_manager_proto::UserId {
    id(restic_manager_proto::UserId::from_parts, 9)
}

impl Fake {
    pub(crate) fn hostile() -> Self {
        Self { name: HOSTILE.to_owned(), ..Self::default() }
    }

    pub(crate) fn last(&self, method: &str, uri: &str) -> Option<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().rev().find(|asked| asked.method == method && asked.uri == uri).cloned()
    }

    fn answer(&self, asked: &Asked) -> Response<Body> {
        let path = asked.uri.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        let open = matches!(parts.as_slice(), ["version"] | ["v1", "bootstrap"])
            || matches!(path, "/api/v1/setup" | "/api/v1/setup/check")
            || path.starts_with("/api/v1/session/") && !path.ends_with("proof")
            || (asked.method.as_str(), path) == ("POST", "/api/v1/session");
        let signed_in = asked
            .headers
            .get(header::COOKIE)
            .is_some_and(|cookie| cookie.to_str().unwrap_or_default().contains("valid"));
        if !open && !signed_in {
            return problem(&Problem::new(Code::Unauthenticated, "", "sign in"));
        }
        if asked.method != "GET" {
            if !open && asked.headers.get("x-csrf-token").is_none_or(|token| token != CSRF) {
                return problem(&Problem::new(Code::CrossSite, "", "reload the page"));
            }
            if let ("/api/v1/session/second-step" | "/api/v1/session/passkey", None) = (path, &self.refusal) {
                return self.changed("POST", &["v1", "session"]);
            }
            if let Some(refusal) = &self.refusal {
                return problem(refusal);
            }
            if parts == ["v1", "session", "proof"] {
                return self.prove(&asked.body);
            }
            if !open && *self.proof.lock().unwrap() == ProofState::Old {
                return problem(&Problem::new(Code::ProofNeeded, "", "prove it"));
            }
            return self.changed(asked.method.as_str(), &parts);
        }
        self.read(&parts, &asked.uri)
    }

    fn read(&self, parts: &[&str], uri: &str) -> Response<Body> {
        match parts {
            ["v1", "registration"] => json(&serde_json::json!({ "open": true })),
            ["version"] => json(&ServerVersion::new(
                "0.1.0",
                restic_manager_proto::VersionRange { min: 1, max: 1 },
                "7QX2-M4KD-9TZC-W3HB-5RFN-8YPJ-2VGL-6SAE",
            )),
            ["v1", "bootstrap"] => json(&Bootstrap { needed: self.bootstrap_needed }),
            ["v1", "session"] => json(&Session::new(
                id(restic_manager_proto::UserId::from_parts, 9),
                self.name.clone(),
                self.role,
                SecretText::new(CSRF),
                now().after(Duration::from_secs(36_000)),
            )),
            ["v1", "account"] => json(&self.account()),
            ["v1", "account", "sessions"] => json(&Page { items: self.sessions(), next: None }),
            ["v1", "users"] => page(self, || vec![self.user(false), self.user(true)]),
            ["v1", "users", _] => json(&self.user(false)),
            ["v1", "session", "proof"] => json(&serde_json::json!({ "password": true, "code": true })),
            ["v1", "account", "factors"] => json(&self.factors()),
            ["v1", "account", "totp"] => json(&serde_json::json!({
                "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
                "uri": "otpauth://totp/x:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=x",
                "offer": "sealed-offer",
            })),
            ["v1", "api-tokens"] => {
                page(self, || vec![self.api_token(90), self.api_token(3), self.api_token(0)])
            }
            ["v1", "fleet"] => json(&self.fleet()),
            ["v1", "hosts"] => page(self, || {
                let all =
                    [(Health::Good, 1), (Health::Failing, 11), (Health::Overdue, 12), (Health::Unknown, 13)];
                let wanted =
                    |health: Health| !uri.contains("health=") || uri.contains(&format!("health={health}"));
                all.iter()
                    .filter(|(health, _)| wanted(*health))
                    .map(|(health, last)| self.host(*health, *last))
                    .collect()
            }),
            ["v1", "hosts", _] => json(&self.host(Health::Failing, 1)),
            ["v1", "hosts", _, "source-groups"] => page(self, || vec![self.group(), self.command_group()]),
            ["v1", "hosts" | "source-groups", _, "hooks"] => json(&self.hooks()),
            ["v1", "hosts", _, "repositories"] | ["v1", "repositories", _, "hosts"] => page(self, || {
                vec![self.attachment(RepositoryState::Ready), self.attachment(RepositoryState::WrongPassword)]
            }),
            ["v1", "hosts", _, "snapshots"] => {
                page(self, || vec![self.snapshot(3600), self.snapshot(90_000)])
            }
            ["v1", "source-groups", id] if *id == command_group_id().to_string() => {
                json(&self.command_group())
            }
            ["v1", "source-groups", _] => json(&self.group()),
            ["v1", "hosts", _, "schedules"] => page(self, || {
                let off =
                    Schedule { enabled: false, next_run: None, name: "weekly".to_owned(), ..self.schedule() };
                vec![self.schedule(), off]
            }),
            ["v1", "schedules", _] => json(&self.schedule()),
            ["v1", "time-zones"] => json(&TimeZones {
                zones: ["America/New_York", "Europe/Vienna", "UTC"].map(str::to_owned).to_vec(),
            }),
            ["v1", "repositories"] => page(self, || {
                vec![
                    self.repository(),
                    Repository { id: id(RepositoryId::from_parts, 21), ..self.repository() },
                ]
            }),
            ["v1", "repositories", _] => json(&self.repository()),
            ["v1", "jobs"] if uri.contains("state=running") => {
                page(self, || vec![self.job(JobState::Running)])
            }
            ["v1", "jobs"] => page(self, || JobState::ALL.iter().map(|state| self.job(*state)).collect()),
            ["v1", "jobs", job] => json(&self.job(if *job == job_id().to_string() {
                JobState::Failed
            } else {
                JobState::Running
            })),
            ["v1", "jobs", _, "log"] => self.log(),
            ["v1", "enrolments"] => page(self, || vec![self.enrolment()]),
            ["v1", "enrolments", _] => json(&self.enrolment()),
            ["v1", "alerts"] => page(self, || {
                AlertState::ALL
                    .iter()
                    .filter(|state| !uri.contains("state=") || uri.contains(&format!("state={state}")))
                    .map(|state| self.alert(*state))
                    .collect()
            }),
            ["v1", "audit", "state"] => json(&self.proof()),
            ["v1", "audit", _] => json(&audit::Proven {
                entry: self.entry(),
                previous_hash: "5f".repeat(32),
                hash: "a7".repeat(32),
                as_written: true,
                checkpoint: self.proof().checkpoint,
            }),
            ["v1", "audit"] => page(self, || vec![self.entry(), self.entry_of_a_job()]),
            _ => problem(&Problem::new(Code::NotFound, "", "look elsewhere")),
        }
    }

    fn changed(&self, method: &str, parts: &[&str]) -> Response<Body> {
        match (method, parts) {
            ("POST", ["v1", "session"]) => {
                let mut response = self.read(&["v1", "session"], "");
                let cookie = match self.plain_http {
                    true => "rm_session=valid; Path=/; HttpOnly; SameSite=Lax".to_owned(),
                    false => format!("{COOKIE}; Path=/; HttpOnly; Secure; SameSite=Lax"),
                };
                response.headers_mut().append(header::SET_COOKIE, cookie.parse().unwrap());
                response
            }
            ("POST", ["v1", "alerts", _, "acknowledge"]) => json(&self.alert(AlertState::Acknowledged)),
            ("POST", ["v1", "alerts", _, "resolve"]) => json(&self.alert(AlertState::Resolved)),
            ("POST", ["v1", "users"] | ["v1", "users", _, "setup-link"]) => json(&self.invited_user()),
            ("PUT", ["v1", "users", _]) => json(&self.user(false)),
            ("POST", ["v1", "setup"] | ["v1", "setup", "check"]) => json(&self.whom()),
            ("PUT", ["v1", "account", "totp" | "recovery-codes"]) => {
                json(&FactorAdded { recovery_codes: vec![SecretText::new("01AB-CDEF-GHJK-MNPQ"); 10] })
            }
            ("POST", ["v1", "account", "passkeys"]) => json(&FactorAdded::default()),
            ("POST", ["v1", "api-tokens"]) => json(&CreatedApiToken {
                api_token: self.api_token(90),
                token: SecretText::new("rmt_made-token"),
            }),
            ("POST", ["v1", "jobs"]) => json(&self.job(JobState::Queued)),
            ("POST", ["v1", "jobs", _, "cancel"]) => json(&self.job(JobState::Running)),
            ("PUT", ["v1", "registration"]) => json(&serde_json::json!({ "open": false })),
            ("POST", ["v1", "hosts", _, "token"]) => status(StatusCode::NO_CONTENT),
            (
                "POST",
                ["v1", "enrolments"] | ["v1", "enrolments", _, "reissue"] | ["v1", "hosts", _, "enrolment"],
            ) => json(&self.invitation()),
            ("POST", ["v1", "enrolments", _, "script"]) => {
                let mut response = text("#!/bin/sh\n");
                response.headers_mut().insert(
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"install-web-01.sh\"".parse().unwrap(),
                );
                response
            }
            ("POST", ["v1", "repositories"]) => json(&CreatedRepository {
                repository: self.repository(),
                generated_password: Some(SecretText::new("made-password")),
            }),
            ("POST", ["v1", "schedules", "preview"]) => {
                json(&NextRuns { runs: (1..=5).map(|number| self.run(number)).collect() })
            }
            ("POST", ["v1", "hosts", _, "schedules"]) | ("PUT", ["v1", "schedules", _]) => {
                json(&self.schedule())
            }
            ("POST", ["v1", "hosts", _, "source-groups" | "command-source-groups"])
            | ("PUT", ["v1", "source-groups", _] | ["v1", "source-groups", _, "command"]) => {
                json(&self.group())
            }
            ("PUT", ["v1", "hosts" | "source-groups", _, "hooks"]) => json(&self.hooks()),
            ("PUT", ["v1", "hosts", _, "repositories", _]) => {
                json(&self.attachment(RepositoryState::Unverified))
            }
            ("PUT", ["v1", "hosts", _]) => json(&self.host(Health::Good, 1)),
            ("PUT", ["v1", "repositories", _]) => json(&self.repository()),
            _ => status(StatusCode::NO_CONTENT),
        }
    }

    fn account(&self) -> Account {
        Account {
            user: user_id(),
            name: self.name.clone(),
            role: self.role,
            scope: Scope::All,
            created_at: ago(9_000_000),
            password_set_at: Some(ago(800_000)),
        }
    }

    fn sessions(&self) -> Vec<SignIn> {
        let hostile = self.name == HOSTILE;
        let session = |last, current, user_agent: &str| SignIn {
            id: id(restic_manager_proto::SessionId::from_parts, last),
            current,
            since: ago(40_000),
            last_seen_at: ago(60 * u64::from(last)),
            idle_expires_at: now().after(Duration::from_secs(43_000)),
            expires_at: now().after(Duration::from_secs(500_000)),
            address: Some(if hostile { HOSTILE.to_owned() } else { "192.0.2.44".to_owned() }),
            user_agent: Some(if hostile { HOSTILE.to_owned() } else { user_agent.to_owned() }),
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari/604.1";
        match self.empty {
            true => vec![session(1, true, firefox)],
            false => vec![session(1, true, firefox), session(9, false, phone)],
        }
    }

    fn user(&self, disabled: bool) -> User {
        User {
            id: user_id(),
            name: self.name.clone(),
            role: Role::Operator,
            scope: Scope::All,
            disabled,
            second_factor: !disabled,
            created_at: ago(9_000_000),
            password_set_at: (!self.enrolled).then(|| ago(800_000)),
            last_login_at: (!self.enrolled).then(|| ago(40_000)),
            setup_link_expires_at: self.enrolled.then(|| now().after(Duration::from_secs(3500))),
            sessions: 2,
            version: 2,
        }
    }

    fn factors(&self) -> Factors {
        if self.empty {
            return Factors { required: true, ..Factors::default() };
        }
        let passkey = |last, last_used_at| Passkey {
            id: id(restic_manager_proto::PasskeyId::from_parts, last),
            name: self.name.clone(),
            created_at: ago(90_000),
            last_used_at,
        };
        Factors {
            totp: Some(TotpStatus { since: ago(900_000), last_used_at: None }),
            recovery_codes_left: 3,
            passkeys: vec![passkey(1, Some(ago(60))), passkey(2, None)],
            no_passkeys_because: None,
            required: false,
        }
    }

    fn api_token(&self, days: u64) -> ApiToken {
        ApiToken {
            id: id(restic_manager_proto::ApiTokenId::from_parts, 5),
            name: self.name.clone(),
            maker: self.name.clone(),
            role: Role::Operator,
            dangerous: days == 3,
            created_at: ago(9_000_000),
            expires_at: now().after(Duration::from_secs(days * 86_400)),
            last_used_at: (days > 0).then(|| ago(120)),
            last_address: (days > 0).then(|| "192.0.2.44".to_owned()),
        }
    }

    fn prove(&self, body: &str) -> Response<Body> {
        if !body.contains("right-proof") {
            return problem(&Problem::new(Code::BadCredentials, "", "try again"));
        }
        *self.proof.lock().unwrap() = ProofState::Fresh;
        self.read(&["v1", "session"], "")
    }

    fn invited_user(&self) -> InvitedUser {
        InvitedUser {
            user: self.user(false),
            url: SecretText::new("https://backup.example.com/setup#rmu_one-time-token"),
            token: SecretText::new("rmu_one-time-token"),
            expires_at: now().after(Duration::from_secs(3600)),
        }
    }

    fn whom(&self) -> Invited {
        Invited {
            name: self.name.clone(),
            role: Role::Operator,
            expires_at: now().after(Duration::from_secs(3000)),
        }
    }

    fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::default();
        if !self.empty {
            (fleet.hosts, fleet.good, fleet.overdue, fleet.failing, fleet.unknown) = (42, 39, 1, 1, 1);
            fleet.alerts_critical = 1;
            (fleet.online, fleet.jobs_running, fleet.jobs_queued, fleet.enrolments_open) = (40, 1, 2, 1);
        }
        fleet
    }

    fn numbered(&self, last: u8) -> String {
        if self.name == "web-01" {
            ["web-01", "db-01", "laptop-ada", "mail-02"][usize::from(last) % 4].to_owned()
        } else {
            self.name.clone()
        }
    }

    pub(crate) fn host(&self, health: Health, last: u8) -> Host {
        let mut facts = HostFacts::default();
        facts.hostname = self.name.clone();
        facts.operating_system = "linux".to_owned();
        facts.os_version =
            if self.name == HOSTILE { HOSTILE.to_owned() } else { "Debian GNU/Linux 12".to_owned() };
        facts.architecture = "x86_64".to_owned();
        facts.agent_version = "0.1.0".to_owned();
        facts.restic_version = Some("0.18.0".to_owned());
        facts.time_zone = Some("Europe/Vienna".to_owned());
        let policy = self.policy.clone().unwrap_or_else(|| PolicyReport::without_file(self.name.clone()));
        facts.policy = Some(Box::new(policy));
        Host {
            id: id(HostId::from_parts, last),
            name: if last == 1 { self.name.clone() } else { self.numbered(last) },
            tags: vec![
                "prod".to_owned(),
                if self.name == HOSTILE { HOSTILE.to_owned() } else { "web".to_owned() },
            ],
            presence_mode: PresenceMode::AlwaysOn,
            restic_name: "web-before".to_owned(),
            bandwidth: Bandwidth { upload_kib: Some(4096), download_kib: None },
            presence: if health == Health::Overdue { Presence::Asleep } else { Presence::Online },
            health,
            enrolled_at: ago(9_000_000),
            token_since: Some(ago(90_000)),
            last_seen_at: Some(ago(12)),
            address: Some(if self.name == HOSTILE { HOSTILE.to_owned() } else { "192.0.2.17".to_owned() }),
            facts,
            last_backup: (health != Health::Unknown).then(|| LastBackup {
                job: job_id(),
                state: if health == Health::Failing { JobState::Failed } else { JobState::Succeeded },
                cause: if health == Health::Failing { Cause::WrongPassword } else { Cause::None },
                ended_at: ago(5400),
            }),
            last_snapshot_at: (health != Health::Unknown)
                .then(|| ago(if health == Health::Overdue { 400_000 } else { 5400 })),
            snapshots: 128,
            size_bytes: Some(52_613_349_376),
            running_job: (health == Health::Failing).then(|| id(JobId::from_parts, 31)),
            next_run_at: (health != Health::Unknown).then(|| now().after(Duration::from_secs(40_000))),
            fresh_until: (health != Health::Unknown).then(|| now().after(Duration::from_secs(80_000))),
            days: if health == Health::Unknown { Vec::new() } else { days() },
            configuration: Configuration {
                wanted: Some(4),
                held: Some(if health == Health::Good { 4 } else { 3 }),
                drift_since: (health != Health::Good).then(|| ago(7200)),
                refusal: if self.name == HOSTILE { HOSTILE.to_owned() } else { String::new() },
            },
            is_runner: true,
            version: 7,
        }
    }

    fn of_host(&self) -> Reference<HostId> {
        Reference { id: host_id(), name: self.name.clone() }
    }

    fn of_repository(&self) -> Reference<RepositoryId> {
        Reference {
            id: repository_id(),
            name: if self.name == HOSTILE { HOSTILE.to_owned() } else { "main".to_owned() },
        }
    }

    fn location(&self) -> String {
        if self.name == HOSTILE {
            HOSTILE.to_owned()
        } else {
            "rest:https://backup.example.com/web/".to_owned()
        }
    }

    fn group(&self) -> SourceGroup {
        SourceGroup {
            id: group_id(),
            host: self.of_host(),
            name: "default".to_owned(),
            includes: vec!["/etc".to_owned(), "/srv/www".to_owned(), self.name.clone()],
            excludes: vec!["node_modules".to_owned(), ".venv".to_owned(), self.name.clone()],
            options: SourceOptions {
                retry: Some(Retry { attempts: 3, delay_seconds: 300 }),
                one_file_system: true,
                exclude_caches: false,
            },
            command: None,
            command_digest: None,
            tag: "default".to_owned(),
            repository: self.of_repository(),
            retention: Retention::default(),
            created_at: ago(900_000),
            version: 3,
        }
    }

    fn command_group(&self) -> SourceGroup {
        SourceGroup {
            id: command_group_id(),
            name: "shop".to_owned(),
            includes: Vec::new(),
            excludes: Vec::new(),
            options: SourceOptions::default(),
            command: Some(CommandSource {
                shell: None,
                words: vec!["pg_dump".to_owned(), self.name.clone()],
                file_name: "shop.dump".to_owned(),
            }),
            command_digest: Some(format!("sha256:{}", "5e".repeat(32))),
            ..self.group()
        }
    }

    fn hooks(&self) -> HookSet {
        let hook = |script: String| Hook {
            shell: Shell::Bash,
            script: SecretText::new(script),
            timeout_seconds: 120,
        };
        if self.empty {
            return HookSet::default();
        }
        HookSet {
            hooks: Hooks {
                pre: Some(hook(format!("systemctl stop shop\n# {}", self.name))),
                post: Some(hook("systemctl start shop".to_owned())),
            },
            origin: Some(HookOrigin::SourceGroup),
            pre_digest: Some(format!("sha256:{}", "1a".repeat(32))),
            post_digest: Some(format!("sha256:{}", "2b".repeat(32))),
            set_at: Some(ago(7200)),
            set_by: Some(self.name.clone()),
            unreadable: false,
            version: 2,
        }
    }

    fn run(&self, number: u64) -> Run {
        Run {
            at: now().after(Duration::from_secs(number * 86_400)),
            local: format!("2026-11-2{} 02:30 CET", number + 2),
            note: if number == 2 { self.name.clone() } else { String::new() },
        }
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            id: schedule_id(),
            host: self.of_host(),
            name: "nightly".to_owned(),
            cron: if self.name == HOSTILE { HOSTILE.to_owned() } else { "30 2 * * *".to_owned() },
            zone: if self.name == HOSTILE { HOSTILE.to_owned() } else { "Europe/Vienna".to_owned() },
            misfire: Misfire::RunIfOlder { seconds: 90_000 },
            jitter_seconds: 600,
            bandwidth: Bandwidth { upload_kib: Some(2048), download_kib: None },
            enabled: true,
            source_groups: vec![Reference { id: group_id(), name: self.name.clone() }],
            next_run: Some(self.run(2)),
            created_at: ago(800_000),
            version: 5,
        }
    }

    fn upkeep(&self) -> Upkeep {
        let duty = |kind, state, hours, ago_seconds| Duty {
            kind,
            state,
            every_hours: Some(hours),
            next_at: Some(now().after(Duration::from_secs(5 * 3600))),
            last_effective_at: Some(ago(ago_seconds)),
            red_at: Some(now().after(Duration::from_secs(2 * 86_400))),
            failures: 0,
            job: None,
            last_job: Some(job_id()),
            last_cause: Some(Cause::None),
            part: (kind == JobKind::Check).then_some(4),
            parts: (kind == JobKind::Check).then_some(20),
            full_read_days: (kind == JobKind::Check).then_some(600),
        };
        Upkeep {
            health: UpkeepState::Overdue,
            backups: UpkeepState::Good,
            runner: Some(self.of_host()),
            risk: String::new(),
            parallel: 10,
            parallel_chosen: false,
            duties: vec![
                Duty {
                    failures: 1,
                    last_cause: Some(Cause::AccessDenied),
                    ..duty(JobKind::Forget, UpkeepState::Overdue, 24, 400_000)
                },
                duty(JobKind::Prune, UpkeepState::Good, 168, 90_000),
                duty(JobKind::Check, UpkeepState::Good, 720, 900_000),
            ],
        }
    }

    fn repository(&self) -> Repository {
        let set = SecretStatus { set_at: Some(ago(260_000)), set_by: Some(self.name.clone()) };
        Repository {
            id: repository_id(),
            upkeep: self.upkeep(),
            name: self.of_repository().name,
            location: self.location(),
            backend: "rest".to_owned(),
            password: set.clone(),
            everyday: set,
            maintenance: SecretStatus::default(),
            hosts: 2,
            snapshots: 256,
            last_snapshot_at: Some(ago(5400)),
            created_at: ago(9_000_000),
            version: 4,
        }
    }

    fn attachment(&self, state: RepositoryState) -> Attachment {
        let well = matches!(state, RepositoryState::Ready | RepositoryState::Unverified);
        Attachment {
            host: self.of_host(),
            repository: self.of_repository(),
            location: (!well).then(|| self.location()),
            state,
            detail: if well {
                String::new()
            } else {
                format!("Fatal: wrong password or no key found {}", self.name)
            },
            next_step: if well {
                String::new()
            } else {
                "Set the password the repository was made with, then check again.".to_owned()
            },
            checked_at: Some(ago(600)),
        }
    }

    fn snapshot(&self, seconds: u64) -> Snapshot {
        let mut snapshot = SnapshotSeen::new(
            "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d",
            ago(seconds),
        );
        snapshot.paths = vec!["/etc".to_owned(), "/srv/www".to_owned(), self.name.clone()];
        snapshot.tags = vec!["default".to_owned(), self.name.clone()];
        snapshot.hostname = self.name.clone();
        snapshot.program_version = Some("restic 0.18.0".to_owned());
        snapshot.files = Some(184_201);
        snapshot.bytes = Some(52_613_349_376);
        snapshot.bytes_added = Some(412_090_112);
        Snapshot { snapshot, repository: self.of_repository(), seen_at: ago(600) }
    }

    pub(crate) fn job(&self, state: JobState) -> Job {
        let mut progress = Progress::default();
        progress.fraction_done = Some(0.427);
        progress.seconds_elapsed = 192;
        progress.seconds_remaining = Some(258);
        progress.bytes_total = Some(52_613_349_376);
        progress.bytes_done = 22_465_900_183;
        progress.current_files = vec![self.name.clone()];
        let mut done = Statistics::default();
        done.snapshot = Some("9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d".to_owned());
        (done.files_new, done.files_changed, done.files_unmodified) = (1204, 17, 182_980);
        (done.bytes_processed, done.bytes_added, done.bytes_stored) =
            (52_613_349_376, 412_090_112, Some(180_355_072));
        (done.duration_milliseconds, done.cpu_milliseconds, done.peak_memory_bytes) =
            (312_000, Some(95_000), Some(312_475_648));
        let failed = state == JobState::Failed;
        Job {
            id: if state == JobState::Running { id(JobId::from_parts, 31) } else { job_id() },
            kind: JobKind::Backup,
            state,
            cause: if failed { Cause::WrongPassword } else { Cause::None },
            detail: if failed {
                format!("Fatal: wrong password or no key found {}", self.name)
            } else {
                String::new()
            },
            advice: if failed {
                "Set the password the repository was made with; schedules go on meanwhile.".to_owned()
            } else {
                String::new()
            },
            host: self.of_host(),
            repository: Some(self.of_repository()),
            source_group: Some(Reference { id: group_id(), name: "default".to_owned() }),
            options: JobOptions::default(),
            slots: None,
            queue_position: None,
            trigger: Trigger::Manual,
            requested_by: Some(self.name.clone()),
            created_at: ago(5800),
            dispatched_at: Some(ago(5799)),
            started_at: Some(ago(5798)),
            ended_at: state.is_end().then(|| ago(5486)),
            deadline_at: now().after(Duration::from_secs(80_000)),
            cancel_requested_at: None,
            waiting_for: if state == JobState::Queued {
                format!("another backup of {} runs", self.name)
            } else {
                String::new()
            },
            progress: (state == JobState::Running).then_some(progress),
            statistics: state.is_end().then_some(done),
            exit_code: state.is_end().then_some(if failed { 12 } else { 0 }),
            command: format!(
                "restic -r {} backup --tag default -- /etc /srv/www '{}'",
                self.location(),
                self.name
            ),
            log_lines: 6,
            log_lines_dropped: 2,
        }
    }

    fn log(&self) -> Response<Body> {
        let line =
            |sequence, stream, text: &str| LogLine { sequence, at: ago(5700), stream, text: text.to_owned() };
        let lines = [
            line(1, LogStream::Agent, "starting restic 0.18.0"),
            line(2, LogStream::Stdout, "open repository"),
            line(3, LogStream::Stdout, &self.name),
            line(4, LogStream::Stderr, "Fatal: wrong password or no key found"),
        ];
        text(&lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect::<String>())
    }

    fn enrolment(&self) -> Enrolment {
        Enrolment {
            id: enrolment_id(),
            host_name: self.name.clone(),
            tags: vec!["prod".to_owned(), self.name.clone()],
            presence_mode: PresenceMode::AlwaysOn,
            repositories: vec![self.of_repository()],
            include_paths: vec!["/etc".to_owned()],
            state: if self.enrolled { EnrolmentState::Spent } else { EnrolmentState::Open },
            created_at: ago(60),
            expires_at: now().after(Duration::from_secs(3540)),
            host: self.enrolled.then(host_id),
            take_over: None,
            replaced_by: None,
        }
    }

    fn invitation(&self) -> Invitation {
        Invitation {
            enrolment: self.enrolment(),
            token: SecretText::new("rme_one-time-token"),
            server_url: "https://backup.example.com".to_owned(),
            server_fingerprint: "7QX2-M4KD-9TZC-W3HB-5RFN-8YPJ-2VGL-6SAE".to_owned(),
            linux_command: SecretText::new(format!(
                "curl -fsS https://backup.example.com/install/linux.sh | sudo RM_ENROL_TOKEN=rme_one-time-token sh # {}",
                self.name
            )),
            windows_command: SecretText::new(
                "$env:RM_ENROL_TOKEN='rme_one-time-token'; irm https://backup.example.com/install/windows.ps1 | iex",
            ),
        }
    }

    fn alert(&self, state: AlertState) -> alerts::Alert {
        let taken = state != AlertState::Open;
        let over = state == AlertState::Resolved;
        alerts::Alert {
            id: if taken {
                id(restic_manager_proto::AlertId::from_parts, 60 + u8::from(over))
            } else {
                alert_id()
            },
            kind: AlertKind::AgentOverreach,
            severity: if over { Severity::Warning } else { Severity::Critical },
            state,
            subject_kind: "host".to_owned(),
            subject_id: host_id().to_string(),
            subject: self.name.clone(),
            summary: if self.name == HOSTILE {
                HOSTILE.to_owned()
            } else {
                "The agent reported on a job of another host.".to_owned()
            },
            next_step: "Treat the host as taken over until you know better.".to_owned(),
            detail: [("job".to_owned(), self.name.clone())].into(),
            count: if taken { 1 } else { 1204 },
            first_seen_at: ago(90_000),
            last_seen_at: ago(400),
            acknowledged_at: taken.then(|| ago(300)),
            acknowledged_by: taken.then(|| self.name.clone()),
            resolved_at: over.then(|| ago(60)),
            resolved_by: over.then(|| self.name.clone()),
        }
    }

    fn proof(&self) -> audit::Proof {
        let checkpoint = audit::CheckpointMark {
            sequence: 1200,
            signed_at: ago(900),
            line: format!("restic-manager-audit-1:1200:{}", "0a".repeat(90)),
        };
        audit::Proof {
            entries: 1204,
            verified_up_to: Some(1204),
            verified_at: Some(ago(20)),
            whole_at: (!self.empty).then(|| ago(4000)),
            fault: (self.name == HOSTILE).then(|| self.name.clone()),
            checkpoint: Some(checkpoint),
        }
    }

    fn entry_of_a_job(&self) -> audit::Entry {
        audit::Entry {
            action: Action::JobCreate,
            subject_kind: "job".to_owned(),
            subject_id: job_id().to_string(),
            subject: String::new(),
            ..self.entry()
        }
    }

    fn entry(&self) -> audit::Entry {
        audit::Entry {
            id: id(restic_manager_proto::AuditId::from_parts, 8),
            sequence: 41,
            at: ago(300),
            actor_kind: ActorKind::User,
            actor_id: Some(self.name.clone()),
            actor: self.name.clone(),
            action: Action::HostUpdate,
            subject_kind: "host".to_owned(),
            subject_id: host_id().to_string(),
            subject: self.name.clone(),
            address: Some(self.name.clone()),
            detail: [("name".to_owned(), self.name.clone())].into(),
        }
    }
}

fn page<T: Serialize>(fake: &Fake, items: impl FnOnce() -> Vec<T>) -> Response<Body> {
    let next = (!fake.empty).then(|| restic_manager_proto::api::Cursor::new("next+page"));
    json(&Page { items: if fake.empty { Vec::new() } else { items() }, next })
}

fn json<T: Serialize>(value: &T) -> Response<Body> {
    let mut response = text(&serde_json::to_string(value).unwrap());
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

fn problem(problem: &Problem) -> Response<Body> {
    let mut response = json(problem);
    *response.status_mut() = StatusCode::from_u16(problem.status).unwrap();
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

fn text(text: &str) -> Response<Body> {
    Response::new(full(text))
}

pub(crate) fn full(text: &str) -> Body {
    Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {}).boxed_unsync()
}
