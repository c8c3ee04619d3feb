//! The engine: built from its parts, prepared once, then served.

use bytes::Bytes;
use core::fmt;
use restic_manager_core::{
    clock::{Clock, SystemClock},
    mint::Mint,
    shutdown::{Finish, Shutdown},
};
use restic_manager_crypto::{Identity, Keyring, PasswordCost, Passwords, Random, SystemRandom};
use restic_manager_store::Store;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock, Once},
};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    BoxError,
    audit::MarkFile,
    background,
    config::Config,
    http::{ServerService, openapi_document},
    notify::{Courier, Notifier},
    parts::{Parts, claims::Claims, hub::Hub, mark::DatabaseMark, passwords::PasswordQueue},
    prepare::{self, PrepareError, Prepared},
    serve,
};

/// A restic-manager server.
#[derive(Clone)]
pub struct Server {
    parts: Arc<Parts>,
    /// Whether what happens by itself was started.
    background: Arc<Once>,
}

impl Server {
    /// Starts with the parts that it cannot do without.
    pub fn builder(store: Arc<dyn Store>, keyring: Keyring, identity: Identity, config: Config) -> Builder {
        Builder {
            store,
            keyring,
            identity,
            config,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom::new()),
            password_cost: PasswordCost::default(),
            shutdown: Shutdown::new(),
            notifiers: BTreeMap::new(),
            mark_file: None,
            background: Arc::new(Once::new()),
        }
    }

    /// Checks that database and keys belong together, and offers the bootstrap token while there is no admin.
    /// Call it once, before the first request.
    pub async fn prepare(&self) -> Result<Prepared, PrepareError> {
        prepare::prepare(&self.parts).await
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// The HTTP service, to be served or mounted.
    ///
    /// The first call starts what happens by itself with time: jobs fall due and past their deadlines, leases expire, old
    /// rows are collected. It ends with the shutdown that the [`Builder`] was given.
    ///
    /// # Panics
    /// Outside of a tokio runtime, unless the server was built [without background work](Builder::without_background).
    #[must_use]
    pub fn service(&self) -> ServerService {
        self.background.call_once(|| background::start(&self.parts));
        ServerService::new(Arc::clone(&self.parts))
    }

    /// Serves `service`, which is [`Server::service`] or something around it, over HTTP/1.1 until the shutdown is
    /// requested; then finishes what is going on. Ends when all is done, the deadline passes, or the shutdown is insisted
    /// on. Whoever serves it in a loop of their own (over TLS, on a Unix socket, in another framework) puts a
    /// [`PeerAddress`](crate::PeerAddress) into each request, serves with upgrades, and ends with
    /// [`Shutdown::finish`](crate::Shutdown::finish).
    pub async fn serve<S, B>(&self, listener: TcpListener, service: S) -> Finish
    where
        S: tower::Service<
                http::Request<hyper::body::Incoming>,
                Response = http::Response<B>,
                Error: Into<BoxError>,
            > + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let finish = serve::serve(&self.parts, listener, service).await;
        self.finish().await;
        finish
    }

    /// Signs the end of the audit log as it is, once nothing writes to it any more; takes 5 seconds at most. [`Server::serve`]
    /// has done so when it returns; whoever serves in a loop of their own calls it before the database is closed.
    pub async fn finish(&self) {
        background::finish(&self.parts).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(…)")
    }
}

/// A server whose parts are being chosen.
pub struct Builder {
    store: Arc<dyn Store>,
    keyring: Keyring,
    identity: Identity,
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    password_cost: PasswordCost,
    shutdown: Shutdown,
    notifiers: BTreeMap<String, Arc<dyn Notifier>>,
    mark_file: Option<MarkFile>,
    background: Arc<Once>,
}

impl Builder {
    /// Another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness than the operating system.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// What one guess at a password costs.
    #[must_use]
    pub const fn password_cost(mut self, cost: PasswordCost) -> Self {
        self.password_cost = cost;
        self
    }

    /// The requests to stop that this server obeys.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Takes the notifications of channels of the kind `custom` that name it. A name is letters, digits, `-` or `_`.
    #[must_use]
    pub fn notifier(mut self, name: impl Into<String>, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.insert(name.into(), notifier);
        self
    }

    /// Keeps a mark of the database in a file outside of it, and refuses to start on a database that is older than its mark.
    /// Each server has a file of its own, beside its identity. Without one a database that went back in time goes unnoticed.
    #[must_use]
    pub fn mark_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.mark_file = Some(MarkFile::new(path));
        self
    }

    /// Nothing happens by itself: for tests, and for a server beside another one that does the work.
    #[must_use]
    pub fn without_background(self) -> Self {
        self.background.call_once(|| {});
        self
    }

    /// Joins the parts.
    #[must_use]
    pub fn build(self) -> Server {
        let passwords = Passwords::new(self.password_cost);
        let passwords = PasswordQueue::new(passwords, Arc::clone(&self.random), &self.config.limits);
        let parts = Parts {
            mint: Mint::new(Arc::clone(&self.clock), Arc::clone(&self.random)),
            courier: Courier::new(self.config.outgoing_allow.clone(), self.notifiers),
            store: self.store,
            random: self.random,
            keyring: self.keyring,
            identity: self.identity,
            passwords,
            running_keys: Default::default(),
            builds: Default::default(),
            down: Default::default(),
            tasks: Default::default(),
            scrapes: Default::default(),
            outside: Default::default(),
            fleet_size: Default::default(),
            places: Arc::new(Semaphore::new(self.config.limits.connections)),
            started: self.clock.now(),
            clock: self.clock,
            damage: Default::default(),
            mark: DatabaseMark::at(self.mark_file),
            fleet_count: Default::default(),
            hub: Arc::new(Hub::default()),
            lobby: Default::default(),
            setups: Default::default(),
            config: self.config,
            shares: Default::default(),
            handshakes: Default::default(),
            refusals: Default::default(),
            claims: Claims::default(),
            pages: Default::default(),
            audit_proof: Default::default(),
            api_document: LazyLock::new(openapi_document),
            shutdown: self.shutdown,
        };
        Server { parts: Arc::new(parts), background: self.background }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builder(…)")
    }
}
