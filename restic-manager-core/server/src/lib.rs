//! The restic-manager server engine: HTTP API, use cases, the other end of agents.
//!
//! Build a [`Server`] from a store, a keyring, an identity and a [`Config`]; [`Server::prepare`] it; then
//! [`Server::serve`] its [`Server::service`], alone or with something mounted around it.
//!
//! ```
//! use restic_manager_crypto::{Identity, Keyring, SystemRandom};
//! use restic_manager_server::{Config, Server};
//! use restic_manager_store::memory::MemoryStore;
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let random = SystemRandom::new();
//! let config = Config::new("https://backup.example.com".parse()?);
//! let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
//! let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config).build();
//!
//! let prepared = server.prepare().await?;
//! println!("agents pin {}", prepared.fingerprint);
//!
//! // A tower service: serve it, or call it from the same process.
//! use tower::ServiceExt as _;
//! let request = http::Request::get("/healthz").body(String::new())?;
//! assert_eq!(server.service().oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

pub mod acceptance;
mod agents;
mod app;
pub mod audit;
mod background;
mod call;
pub mod config;
mod domain;
mod entry;
mod failure;
mod http;
pub mod limits;
mod notify;
mod parts;
mod prepare;
pub mod recovery;
pub mod sealing;
mod serve;
mod server;

pub use call::body::{Body, BodyError, BoxError};
pub use config::Config;
/// The metrics at `/metrics` as rows of a table in Markdown: name, type and meaning of each family.
#[must_use]
pub fn metrics_reference() -> String {
    app::metrics::reference()
}

pub use http::{Access, Audited, PeerAddress, ProofAge, ROUTES, Route, ServerService, Within};
pub use notify::{Notifier, NotifierFuture};
pub use prepare::{PrepareError, Prepared, open_keys};
pub use restic_manager_core::{
    alert::{Meaning as AlertMeaning, Resolved as AlertResolved, meanings as alert_meanings},
    clock::{Clock, SystemClock},
    notify::{Message, Outcome},
    shutdown::{Finish, Shutdown},
};
pub use restic_manager_crypto::{
    Context, Fingerprint, Identity, KeyFileError, Keyring, ParseFingerprintError, PublicKey, Sealed,
    SecretString, SystemRandom,
};
pub use server::{Builder, Server};
