//! A server, a repository and agents, joined and ready.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_proto::api::enrolments::Show as ShowEnrolment;
use restic_manager_proto::api::enrolments::{Create as Invite, Invitation, NewAttachment, NewEnrolment};
use restic_manager_proto::api::hosts::{Host, Show as ShowHost};
use restic_manager_proto::api::jobs::{Create as CreateJob, Job, NewJob};
use restic_manager_proto::api::repositories::{Create as CreateRepository, NewRepository};
use restic_manager_proto::vocabulary::{JobKind, Presence};
use restic_manager_proto::{Bandwidth, HostId, JobId, RepositoryId, SecretText, TransportCredential};

use crate::agent::Agent;
use crate::client::Api;
use crate::database::Database;
use crate::failure::Outcome;
use crate::repository::{self, RestServer};
use crate::restic::Restic;
use crate::server::{Server, ServerOptions};
use crate::wait::until;

/// The admin of every world.
pub const ADMIN: &str = "admin";
/// The admin's password.
pub const ADMIN_PASSWORD: &str = "correct-horse-battery-staple-9";
/// What encrypts the repository; distinctive, so that a search for it finds nothing else.
pub const REPOSITORY_PASSWORD: &str = "repository-password-W3kd81ZqPz";

const ONLINE_WITHIN: Duration = Duration::from_secs(30);
const ENDED_WITHIN: Duration = Duration::from_secs(120);
const REPOSITORY: &str = "main";

/// How a world is made.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// The server's database.
    pub database: Database,
    /// The filter of all logs.
    pub log: String,
    /// What the server is told encrypts the repository.
    pub repository_password: String,
    /// Further settings of the server, as variables of its environment.
    pub settings: Vec<(String, String)>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            database: Database::Sqlite,
            log: "info,restic_manager=debug".to_owned(),
            repository_password: REPOSITORY_PASSWORD.to_owned(),
            settings: Vec::new(),
        }
    }
}

/// Everything in a temporary folder that goes with it.
#[derive(Debug)]
pub struct World {
    /// The admin's session.
    pub api: Api,
    /// The server.
    pub server: Server,
    /// The storage of the repository.
    pub storage: RestServer,
    /// The repository.
    pub repository: RepositoryId,
    log: String,
    folder: tempfile::TempDir,
}

impl World {
    /// SQLite, the usual log.
    pub async fn start() -> Outcome<Self> {
        Self::with(WorldOptions::default()).await
    }

    /// Starts storage and server, makes the first admin and the repository.
    pub async fn with(options: WorldOptions) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("restic-manager-").tempdir()?;
        let storage = RestServer::start(&folder.path().join("repositories")).await?;
        let name =
            folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let server = Server::start(ServerOptions {
            data: folder.path().join("server"),
            database_url: options.database.prepare(&name).await?,
            log: options.log.clone(),
            settings: options.settings,
        })
        .await?;
        let api = server.bootstrap(ADMIN, ADMIN_PASSWORD).await?;
        let repository = create_repository(&api, &storage, &options.repository_password).await?;
        Ok(Self { api, server, storage, repository, log: options.log, folder })
    }

    /// A folder for a test's files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything is below this folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// restic itself on the repository.
    pub fn restic(&self) -> Outcome<Restic> {
        Restic::open(&self.storage.location_with_user(REPOSITORY), REPOSITORY_PASSWORD)
    }

    /// The folder that holds the repository, for damage and for search.
    pub fn repository_folder(&self) -> PathBuf {
        self.storage.repository_folder(REPOSITORY)
    }

    /// Invites a host that will back up these paths.
    pub async fn invite(&self, name: &str, paths: &[&Path]) -> Outcome<Invitation> {
        let body = NewEnrolment {
            host_name: name.to_owned(),
            tags: Vec::new(),
            presence_mode: None,
            repositories: vec![NewAttachment { repository: self.repository, location: None }],
            include_paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        };
        self.api.call::<Invite>(&[], None, Some(&body)).await
    }

    /// Invites a host, enrols an agent with the token, starts it and waits until it is online.
    pub async fn enrol(&self, name: &str, paths: &[&Path]) -> Outcome<Agent> {
        let mut agent = self.enrol_only(name, paths).await?;
        agent.begin()?;
        self.online(agent.host()?).await?;
        Ok(agent)
    }

    /// The same without starting the agent.
    pub async fn enrol_only(&self, name: &str, paths: &[&Path]) -> Outcome<Agent> {
        let invitation = self.invite(name, paths).await?;
        // A name is free again once its host has another; the folder is not.
        let folders = (1_u32..).map(|number| self.path(&format!("agent-{name}-{number}")));
        let first = core::iter::once(self.path(&format!("agent-{name}")));
        let folder = first.chain(folders).find(|folder| !folder.exists()).unwrap_or_default();
        let mut agent = Agent::new(&folder, &self.log)?;
        agent.enrol(&invitation).await?;
        let enrolment = invitation.enrolment.id.to_string();
        let host = until("the token to be spent", ONLINE_WITHIN, || async {
            Ok(self.api.call::<ShowEnrolment>(&[&enrolment], None, None).await?.host)
        });
        agent.became(host.await?);
        Ok(agent)
    }

    /// Waits until a host is online.
    pub async fn online(&self, host: HostId) -> Outcome<Host> {
        self.host_when("the host to come online", host, |host| host.presence == Presence::Online).await
    }

    /// Waits until a host looks as wanted.
    pub async fn host_when(&self, what: &str, host: HostId, wanted: impl Fn(&Host) -> bool) -> Outcome<Host> {
        let id = host.to_string();
        until(what, ONLINE_WITHIN, || async {
            Ok(Some(self.api.call::<ShowHost>(&[&id], None, None).await?).filter(|host| wanted(host)))
        })
        .await
    }

    /// Asks for a backup.
    pub async fn ask_for_backup(&self, host: HostId) -> Outcome<Job> {
        let bandwidth = Bandwidth::default();
        let body = NewJob { host, kind: JobKind::Backup, source_group: None, repository: None, bandwidth };
        self.api.call::<CreateJob>(&[], None, Some(&body)).await
    }

    /// Waits until a job has ended.
    pub async fn ended(&self, job: JobId) -> Outcome<Job> {
        self.job_when("the job to end", job, |job| job.state.is_end()).await
    }

    /// Waits until a job looks as wanted.
    pub async fn job_when(&self, what: &str, job: JobId, wanted: impl Fn(&Job) -> bool) -> Outcome<Job> {
        until(what, ENDED_WITHIN, || async { Ok(Some(self.api.job(job).await?).filter(|job| wanted(job))) })
            .await
    }

    /// Starts the server again and signs the admin's session over to its new address.
    pub async fn restart_server(&mut self) -> Outcome {
        self.server.begin().await?;
        self.api = self.api.moved_to(self.server.address());
        Ok(())
    }
}

async fn create_repository(api: &Api, storage: &RestServer, password: &str) -> Outcome<RepositoryId> {
    let body = NewRepository {
        name: REPOSITORY.to_owned(),
        location: storage.location(REPOSITORY),
        password: Some(SecretText::new(password)),
        everyday: Some(TransportCredential::Rest {
            username: repository::USER.to_owned(),
            password: SecretText::new(repository::PASSWORD),
        }),
    };
    Ok(api.call::<CreateRepository>(&[], None, Some(&body)).await?.repository.id)
}
