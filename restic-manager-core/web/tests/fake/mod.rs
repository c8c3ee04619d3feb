//! A small API in memory: answers with fixed data of `proto` types and writes down what it was asked.

mod findings;
mod hosts;
mod jobs;
pub(crate) mod notifications;
mod people;
mod plans;
mod repositories;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use restic_manager_proto::{
    HostId, JobId, RepositoryId, ScheduleId, SecretText, SourceGroupId, Timestamp,
    api::{
        Code, Page, Problem,
        api_tokens::CreatedApiToken,
        audit,
        factors::FactorAdded,
        repositories::{CreatedRepository, Repository, RestLogin},
        schedules::{NextRuns, Schedule, TimeZones},
        server::{Bootstrap, ServerVersion},
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
/// Of the server, and of a host that announced itself.
pub(crate) const FINGERPRINT: &str = "7QX2-M4KD-9TZC-W3HB-5RFN-8YPJ-2VGL-6SAE";
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
    /// Stands in paths, patterns, commands and scripts, where nearly any text can; `name` when absent.
    pub(crate) stored: Option<String>,
    /// A schedule runs two groups.
    pub(crate) two_groups: bool,
    /// So many more hosts use each repository than one page of the API tells, and one of them is its runner.
    pub(crate) more_hosts: u64,
    /// Refuses every changing request so.
    pub(crate) refusal: Option<Problem>,
    /// The last proof of identity is too old for some acts.
    pub(crate) proof: Arc<Mutex<ProofState>>,
    pub(crate) enrolled: bool,
    /// Every host was removed.
    pub(crate) removed: bool,
    /// Sets its cookie so that a browser keeps it without TLS too.
    pub(crate) plain_http: bool,
    /// What the hosts let their server do.
    pub(crate) policy: Option<PolicyReport>,
    /// Something is in the way of each restore.
    pub(crate) blocked: bool,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            role: Role::Admin,
            bootstrap_needed: false,
            empty: false,
            name: "web-01".to_owned(),
            stored: None,
            two_groups: false,
            more_hosts: 0,
            refusal: None,
            proof: Arc::default(),
            enrolled: false,
            removed: false,
            plain_http: false,
            policy: None,
            blocked: false,
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

pub(crate) fn enrolment_id() -> restic_manager_proto::EnrolmentId {
    id(restic_manager_proto::EnrolmentId::from_parts, 5)
}

pub(crate) fn command_group_id() -> SourceGroupId {
    id(SourceGroupId::from_parts, 8)
}

pub(crate) fn pending_host_id() -> restic_manager_proto::PendingHostId {
    id(restic_manager_proto::PendingHostId::from_parts, 1)
}

pub(crate) fn user_id() -> restic_manager_proto::UserId {
    id(restic_manager_proto::UserId::from_parts, 9)
}

impl Fake {
    pub(crate) fn hostile() -> Self {
        Self { name: HOSTILE.to_owned(), ..Self::default() }
    }

    fn stored(&self) -> String {
        self.stored.clone().unwrap_or_else(|| self.name.clone())
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
            ["v1", "registration"] => json(&self.registration()),
            ["v1", "pending-hosts"] => page(self, || vec![self.announced(true), self.announced(false)]),
            ["v1", "pending-hosts", _] => json(&self.announced(true)),
            ["version"] => json(&ServerVersion::new(
                "0.1.0",
                restic_manager_proto::VersionRange { min: 1, max: 1 },
                FINGERPRINT,
            )),
            ["v1", "keeping"] => json(&serde_json::json!({
                "jobs_seconds": 31_536_000, "jobs_at_most": 1_000_000, "logs_seconds": 7_776_000, "logs_at_most": 100_000,
                "previews_seconds": 604_800, "alerts_seconds": 7_776_000, "notifications_seconds": 2_592_000,
                "tokens_seconds": 7_776_000,
            })),
            ["v1", "bootstrap"] => json(&Bootstrap { needed: self.bootstrap_needed }),
            ["v1", "session"] => json(&self.session()),
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
            ["v1", "maintenance"] => page(self, || vec![self.maintenance(-60), self.maintenance(60)]),
            ["v1", "channel-kinds"] => json(&Page { items: self.kinds(), next: None }),
            ["v1", "channels"] => page(self, || vec![self.channel(true), self.channel(false)]),
            ["v1", "channels", _] => json(&self.channel(true)),
            ["v1", "notification-routes"] => page(self, || vec![self.route()]),
            ["v1", "notification-routes", _] => json(&self.route()),
            ["v1", "silences"] => page(self, || vec![self.silence()]),
            ["v1", "deliveries"] => page(self, || vec![self.delivery(), self.delivery()]),
            ["v1", "fleet"] => json(&self.fleet()),
            ["v1", "hosts"] => page(self, || {
                let all = [
                    (Health::Good, 1),
                    (Health::Failing, 11),
                    (Health::Overdue, 12),
                    (Health::Unknown, 13),
                    (Health::Maintenance, 14),
                ];
                let wanted =
                    |health: Health| !uri.contains("health=") || uri.contains(&format!("health={health}"));
                all.iter()
                    .filter(|(health, _)| wanted(*health))
                    .map(|(health, last)| self.host(*health, *last))
                    .collect()
            }),
            ["v1", "hosts", _, "statistics"] => json(&self.backup_days()),
            ["v1", "hosts", _] => json(&self.host(Health::Failing, 1)),
            ["v1", "hosts", _, "source-groups"] => page(self, || vec![self.group(), self.command_group()]),
            ["v1", "hosts" | "source-groups", _, "hooks"] => json(&self.hooks()),
            ["v1", "source-groups", id] if *id == command_group_id().to_string() => {
                json(&self.command_group())
            }
            ["v1", "hosts", _, "repositories"] | ["v1", "repositories", _, "hosts"] => page(self, || {
                vec![self.attachment(RepositoryState::Ready), self.attachment(RepositoryState::WrongPassword)]
            }),
            ["v1", "hosts", _, "snapshots"] => {
                page(self, || vec![self.snapshot(3600), self.snapshot(90_000)])
            }
            ["v1", "hosts", _, "repositories", _, "snapshots", _] => json(&self.snapshot(3600)),
            ["v1", "hosts", _, "repositories", _, "snapshots", _, "folder"] => page(self, || self.entries()),
            ["v1", "hosts", _, "repositories", _, "snapshots", _, "search"] => page(self, || self.hits()),
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
            ["v1", "repositories", _, "statistics"] => json(&self.statistics()),
            ["v1", "repositories", _, "freezes"] => page(self, || self.freezes()),
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
            ["v1", "jobs", _, "preview"] => json(&self.preview()),
            ["v1", "jobs", _, "log"] => self.log(),
            ["v1", "enrolments"] => page(self, || vec![self.enrolment()]),
            ["v1", "enrolments", _] => json(&self.enrolment()),
            ["v1", "alerts", _] => json(&self.alert(AlertState::Open)),
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
            ("POST", ["v1", "maintenance"]) => json(&self.maintenance(0)),
            ("POST", ["v1", "channels"]) | ("PUT", ["v1", "channels", _]) => json(&self.channel(true)),
            ("POST", ["v1", "channels", _, "test"]) => json(&self.delivery()),
            ("POST", ["v1", "notification-routes", "explain"]) => json(&self.explanation()),
            ("POST", ["v1", "notification-routes"]) | ("PUT", ["v1", "notification-routes", _]) => {
                json(&self.route())
            }
            ("POST", ["v1", "silences"]) => json(&self.silence()),
            ("POST", ["v1", "api-tokens"]) => json(&CreatedApiToken {
                api_token: self.api_token(90),
                token: SecretText::new("rmt_made-token"),
            }),
            ("POST", ["v1", "hosts", _, "restore-plans"]) => json(&self.restore_plan()),
            ("POST", ["v1", "jobs"] | ["v1", "hosts", _, "restores"]) => json(&self.job(JobState::Queued)),
            ("POST", ["v1", "jobs", _, "cancel"]) => json(&self.job(JobState::Running)),
            ("PUT", ["v1", "registration"]) => json(&self.registration()),
            ("POST", ["v1", "pending-hosts", _, "accept"]) => json(&self.of_host()),
            (
                "POST",
                ["v1", "source-groups", _, "retention-preview"]
                | ["v1", "connection-tests"]
                | ["v1", "repositories", _, "upkeep", "jobs"]
                | ["v1", "hosts", _, "repositories", _, "remake"],
            ) => json(&self.job(JobState::Queued)),
            ("POST", ["v1", "rest-server-logins"]) => json(&RestLogin {
                username: "web".to_owned(),
                password: SecretText::new("made-password"),
                htpasswd: format!("web:$2y$10${}", self.name),
            }),
            ("POST", ["v1", "repositories", _, "freezes"]) => json(&self.freezes()[0]),
            ("PUT", ["v1", "repositories", _, "upkeep"]) => json(&self.repository()),
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
            ("PUT", ["v1", "hosts" | "source-groups", _, "hooks"]) => json(&self.hooks()),
            ("POST", ["v1", "hosts", _, "source-groups" | "command-source-groups"])
            | ("PUT", ["v1", "source-groups", _] | ["v1", "source-groups", _, "command"]) => {
                json(&self.group())
            }
            ("PUT", ["v1", "hosts", _, "repositories", _]) => {
                json(&self.attachment(RepositoryState::Unverified))
            }
            ("PUT", ["v1", "hosts", _]) => json(&self.host(Health::Good, 1)),
            ("PUT", ["v1", "repositories", _]) => json(&self.repository()),
            _ => status(StatusCode::NO_CONTENT),
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
