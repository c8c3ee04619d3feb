//! A server to attack, and a caller who writes what it likes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use hyper::{HeaderMap, Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use restic_manager_core::clock::{Clock as _, SystemClock};
use restic_manager_crypto::{Identity, Random as _, SystemRandom};
use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Api, Failure, Outcome, Server, ServerOptions};
use restic_manager_proto::api::enrolments::{Create as Invite, Invitation, NewAttachment, NewEnrolment};
use restic_manager_proto::api::repositories::{Create as CreateRepository, NewRepository};
use restic_manager_proto::vocabulary::Role;
use restic_manager_proto::{RepositoryId, Scope, UserId};
use restic_manager_testkit::{Agent, Persona, Remote};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tokio::net::{TcpSocket, TcpStream};

const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Where an ordinary caller is.
pub(crate) const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

/// A server with an admin, and nothing else that could be in the way.
pub(crate) struct Fort {
    pub(crate) server: Server,
    pub(crate) admin: Api,
    folder: tempfile::TempDir,
}

impl Fort {
    pub(crate) async fn start() -> Outcome<Self> {
        Self::with("info", &[]).await
    }

    /// The same with a filter for its log, and settings as it finds them in its environment.
    pub(crate) async fn with(log: &str, settings: &[(&str, &str)]) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("restic-manager-abuse-").tempdir()?;
        let mut options = ServerOptions::new(folder.path().join("server"));
        options.log = log.to_owned();
        options.settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server = Server::start(options).await?;
        let admin = server.bootstrap(ADMIN, ADMIN_PASSWORD).await?;
        Ok(Self { server, admin, folder })
    }

    /// A folder for a test's files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.server.data().join("restic-manager.sqlite")
    }

    /// Who has the file writes what it likes.
    pub(crate) async fn open_database(&self) -> Outcome<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(self.database()).busy_timeout(ANSWER_WITHIN);
        Ok(SqliteConnection::connect_with(&options).await?)
    }

    /// Somebody with the admin's password, a role and a scope.
    pub(crate) async fn add_user(&self, name: &str, role: Role, scope: &Scope) -> Outcome {
        let mut entropy = [0; 10];
        SystemRandom::new().fill(&mut entropy);
        let id = UserId::from_parts(SystemClock.now(), entropy);
        let mut connection = self.open_database().await?;
        // Whatever else there is to know of a person is as it is with the admin.
        let columns =
            sqlx::query("SELECT name FROM pragma_table_info('users')").fetch_all(&mut connection).await?;
        let columns: Vec<String> = columns.iter().map(|row| row.get(0)).collect();
        let value = |column: &String| match column.as_str() {
            "id" => "$1".to_owned(),
            "name" | "name_key" => "$2".to_owned(),
            "role" => "$3".to_owned(),
            "scope" => "$4".to_owned(),
            other => other.to_owned(),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let (into, from) = (columns.join(", "), values.join(", "));
        let sql = format!("INSERT INTO users ({into}) SELECT {from} FROM users WHERE name = $5");
        sqlx::query(AssertSqlSafe(sql))
            .bind(id.as_bytes().as_slice())
            .bind(name)
            .bind(role.as_str())
            .bind(serde_json::to_string(scope)?)
            .bind(ADMIN)
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    pub(crate) async fn repository(&self, name: &str) -> Outcome<RepositoryId> {
        let body = NewRepository {
            name: name.to_owned(),
            location: format!("/srv/{name}"),
            password: None,
            everyday: None,
        };
        Ok(self.admin.call::<CreateRepository>(&[], None, Some(&body)).await?.repository.id)
    }

    pub(crate) async fn invite(
        &self,
        name: &str,
        tags: &[&str],
        repositories: &[RepositoryId],
    ) -> Outcome<Invitation> {
        let attach = |repository: &RepositoryId| NewAttachment { repository: *repository, location: None };
        let body = NewEnrolment {
            host_name: name.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            presence_mode: None,
            repositories: repositories.iter().map(attach).collect(),
            include_paths: if repositories.is_empty() { Vec::new() } else { vec!["/srv".to_owned()] },
        };
        self.admin.call::<Invite>(&[], None, Some(&body)).await
    }

    /// The server as its agents know it.
    pub(crate) fn remote(&self, invitation: &Invitation) -> Outcome<Remote> {
        self.remote_with(&invitation.server_fingerprint)
    }

    /// The server as those know it who pin this fingerprint.
    pub(crate) fn remote_with(&self, fingerprint: &str) -> Outcome<Remote> {
        let fingerprint = fingerprint.parse()?;
        Ok(Remote { address: self.server.address(), fingerprint, clock: Arc::new(SystemClock) })
    }

    /// A host whose agent does as it is told.
    pub(crate) async fn host(
        &self,
        name: &str,
        tags: &[&str],
        repositories: &[RepositoryId],
    ) -> Outcome<(Remote, Persona, Agent)> {
        let invitation = self.invite(name, tags, repositories).await?;
        let remote = self.remote(&invitation)?;
        let identity = Identity::generate(&SystemRandom::new());
        let (persona, mut agent) = Persona::enrol(&remote, identity, invitation.token.expose()).await;
        agent.take_stock(Vec::new()).await;
        Ok((remote, persona, agent))
    }

    /// Somebody at an address of this machine, without a session.
    pub(crate) fn caller(&self, from: Ipv4Addr) -> Caller {
        let base_url = self.server.base_url();
        Caller { from, server: self.server.address(), base_url, cookie: None, csrf: None, extra: Vec::new() }
    }

    /// Actions in the audit log, newest first.
    pub(crate) async fn audited(&self) -> Outcome<Vec<Value>> {
        let answer = self.signed_in(ADMIN).await?.get("/api/v1/audit?limit=500").await?;
        Ok(answer.json()?["items"].as_array().cloned().unwrap_or_default())
    }

    /// Somebody with a session, who writes requests by hand.
    pub(crate) async fn signed_in(&self, name: &str) -> Outcome<Caller> {
        let mut caller = self.caller(HOME);
        let answer = caller.sign_in(name, ADMIN_PASSWORD).await?;
        answer.expect(201)?;
        caller.cookie = answer.cookie();
        caller.csrf = answer.json()?["csrf_token"].as_str().map(str::to_owned);
        Ok(caller)
    }
}

/// Somebody who makes requests.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) from: Ipv4Addr,
    pub(crate) server: SocketAddr,
    pub(crate) base_url: String,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    /// Headers that every request carries besides.
    pub(crate) extra: Vec<(&'static str, String)>,
}

impl Caller {
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut caller = self.clone();
        caller.extra.push((name, value.into()));
        caller
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Outcome<Answer> {
        self.send("POST", "/api/v1/session", Some(json!({ "name": name, "password": password }))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send("GET", path, None).await
    }

    /// A request as this caller's browser would make it, but for the headers it brings along.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Outcome<Answer> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.authority());
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("X-CSRF-Token", csrf);
        }
        let brings = |name: &str| self.extra.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if method != "GET" && !brings("origin") && !brings("sec-fetch-site") {
            request = request.header(ORIGIN, &self.base_url);
        }
        if body.is_some() && !brings("content-type") {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.extra {
            request = request.header(*name, value);
        }
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        self.exchange(request.body(Full::from(bytes))?).await
    }

    pub(crate) async fn exchange(&self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let exchanging = async {
            let stream = self.connect().await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            Answer::read(sender.send_request(request).await?).await
        };
        let timed_out = |_| Failure::new(format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
        tokio::time::timeout(ANSWER_WITHIN, exchanging).await.map_err(timed_out)?
    }

    /// A connection from this caller's address.
    pub(crate) async fn connect(&self) -> Outcome<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.from, 0).into())?;
        Ok(socket.connect(self.server).await?)
    }

    pub(crate) fn authority(&self) -> &str {
        self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, authority)| authority)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    async fn read(response: Response<Incoming>) -> Outcome<Self> {
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Self { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    pub(crate) fn expect(&self, status: u16) -> Outcome<&Self> {
        if self.status == status {
            Ok(self)
        } else {
            Err(Failure::new(format!("{} instead of {status}: {}", self.status, self.body)))
        }
    }

    pub(crate) fn json(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.body)?)
    }

    /// The body without what differs from one request to the next.
    pub(crate) fn without_request(&self) -> Outcome<Value> {
        let mut body = self.json()?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("request_id");
        }
        Ok(body)
    }

    /// Name and value of the session's cookie that was set.
    pub(crate) fn cookie(&self) -> Option<String> {
        let pair = self.session_cookie()?.split(';').next()?;
        Some(pair.to_owned())
    }

    /// The session's `Set-Cookie`, whole.
    pub(crate) fn session_cookie(&self) -> Option<&str> {
        let set = self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        set.into_iter().find(|set| set.contains("rm_session="))
    }
}
