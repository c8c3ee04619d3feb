use std::{path::PathBuf, sync::Arc};

use restic_manager_agent::{
    Agent, AgentError, HostEnvironment, Pace,
    config::Config,
    link::{EnrolError, EnrolRequest, Enrolled, IfEnrolled, enrol},
    policy::PolicyFile,
};
use restic_manager_core::shutdown::Shutdown;
use restic_manager_crypto::{Fingerprint, SecretString, SeededRandom, Token, TokenKind};
use restic_manager_proto::HostFacts;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{
    folder,
    server::{Peer, TestServer},
};

/// A host with nothing but a folder.
pub(crate) struct TestHost {
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
}

/// An agent at work.
pub(crate) struct TestAgent {
    pub(crate) shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl TestHost {
    pub(crate) fn new(fingerprint: Fingerprint) -> Self {
        let folder = folder();
        let mut config = Config::new("http://server.test".parse().expect("an address"), fingerprint);
        config.state_folder = folder.path().join("state");
        config.restic = Some(folder.path().join("no restic here"));
        Self { folder, config }
    }

    /// A host that has enrolled.
    pub(crate) async fn enrolled(server: &mut TestServer) -> Self {
        let host = Self::new(server.fingerprint());
        let (enrolled, ()) = tokio::join!(host.enrol(server, IfEnrolled::Refuse), async {});
        enrolled.expect("the host enrols");
        host
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("etc").join("agent.toml")
    }

    /// Where the host says what it allows; there is no such file at first.
    pub(crate) fn policy_path(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }

    fn user(&self) -> u32 {
        use std::os::unix::fs::MetadataExt as _;
        self.folder.path().metadata().expect("the folder is there").uid()
    }

    pub(crate) fn request(&self, if_enrolled: IfEnrolled) -> EnrolRequest {
        EnrolRequest {
            config: self.config.clone(),
            config_path: self.config_path(),
            facts: HostFacts::default(),
            if_enrolled,
            credentials: None,
        }
    }

    /// Enrols at a server that lets it in.
    pub(crate) async fn enrol(
        &self,
        server: &mut TestServer,
        if_enrolled: IfEnrolled,
    ) -> Result<Enrolled, EnrolError> {
        let (dialer, clock, random) =
            (server.dialer(), Arc::clone(&server.clock), Arc::clone(&server.random));
        let request = self.request(if_enrolled);
        let enrolling = enrol(request, secret(), &dialer, &clock, &random);
        let serving = async { server.accept().await.farewell().await };
        tokio::pin!(enrolling, serving);
        tokio::select! {
            enrolled = &mut enrolling => enrolled,
            _ = &mut serving => enrolling.await,
        }
    }

    pub(crate) fn try_start(&self, server: &TestServer) -> Result<TestAgent, AgentError> {
        self.try_start_at(server, Pace::default(), 2)
    }

    /// Starts with another pace; each start of one test draws its own ids.
    pub(crate) fn try_start_at(
        &self,
        server: &TestServer,
        pace: Pace,
        seed: u64,
    ) -> Result<TestAgent, AgentError> {
        let random = Arc::new(SeededRandom::new(seed));
        let agent = Agent::builder(self.config.clone(), Arc::clone(&server.clock), random)
            .dialer(server.dialer())
            .pace(pace)
            .environment(HostEnvironment::from_lookup(|name| std::env::var_os(name)))
            .policy(PolicyFile::new(self.policy_path()).owned_by(self.user()))
            .build()?;
        let shutdown = Shutdown::new();
        let handle = shutdown.clone();
        let task = tokio::spawn(async move { agent.run(&handle).await });
        Ok(TestAgent { shutdown, task })
    }

    pub(crate) fn start(&self, server: &TestServer) -> TestAgent {
        self.try_start(server).expect("the agent starts")
    }

    /// An agent at work, and the server's end of its connection, with the inventory taken.
    pub(crate) async fn connected(server: &mut TestServer) -> (Self, TestAgent, Peer) {
        let host = Self::enrolled(server).await;
        let agent = host.start(server);
        let mut peer = server.accept().await;
        peer.inventory().await;
        (host, agent, peer)
    }
}

impl TestAgent {
    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        self.task.await.expect("the agent does not panic");
    }

    /// Ends it as a crash would: nothing more of it runs.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

/// The one-time token of the tests.
pub(crate) fn secret() -> SecretString {
    SecretString::new(Token::mint(TokenKind::Enrolment, &SeededRandom::new(7)).expose())
}
