//! Becoming a host: spend a one-time token, pin the server, keep what it gives. Without a token: [`announce`](super::announce()).

use std::{path::PathBuf, sync::Arc};

use restic_manager_core::{
    clock::Clock,
    handshake::{agent_token_context, enrolment_token_context},
    link::Link,
};
use restic_manager_crypto::{ChannelKeys, Random, SecretBytes, SecretString, Token, TokenError, TokenKind};
use restic_manager_proto::{
    HostFacts, HostId,
    agent::{Intent, Welcome},
    session::Close,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    dial::{self, Dial, warn_of_plain},
    introduce::{Introduction, LinkError},
};
use crate::{
    config::{Config, ConfigError},
    configuration::CurrentConfiguration,
    files::{FileError, Staged, StateFolder},
    state::Journal,
    vault::{Membership, Vault, VaultError},
};

/// What is needed to become a host, whichever way.
#[derive(Debug)]
pub struct EnrolRequest {
    /// What the agent will run with: the server, its fingerprint, its folders.
    pub config: Config,
    /// Where that is written.
    pub config_path: PathBuf,
    /// What the server is told of the host.
    pub facts: HostFacts,
    /// What to do on a host that is enrolled.
    pub if_enrolled: IfEnrolled,
    /// The folder in which systemd hands over credentials, if it does.
    pub credentials: Option<PathBuf>,
}

/// What to do on a host that is enrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfEnrolled {
    /// Nothing.
    #[default]
    Refuse,
    /// Enrol again, and forget the old enrolment.
    Replace,
}

/// An enrolment that worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The host.
    pub host: HostId,
    /// The host's name at the server.
    pub host_name: String,
}

/// A host could not be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The token is not one.
    #[error("use the token: {0}")]
    Token(#[from] TokenError),
    /// The host is enrolled.
    #[error("enrol again: this host is {host_name} already; say so if its enrolment is to be replaced")]
    AlreadyEnrolled {
        /// Its name at its server.
        host_name: String,
    },
    /// The configuration cannot be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The server cannot be reached, cannot be trusted, or refuses.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The server gave no token that can be read.
    #[error("read the token that the server gave; ask for a new enrolment token and try again")]
    NoToken,
    /// An admin rejected the announced host.
    #[error("join: an admin rejected this host")]
    Rejected,
    /// Nobody decided on the announced host in time.
    #[error("wait any longer: nobody decided within an hour; ask an admin, and announce this host again")]
    Expired,
    /// It was asked to stop waiting.
    #[error("wait any longer: it was asked to stop; announce this host again to go on")]
    Stopped,
}

/// Spends a one-time token: makes the agent's key, checks that the server is the one with the fingerprint, and
/// keeps the token that it gives. What can fail on this machine is tried before the token is spent.
///
/// # Errors
/// When the host is enrolled, when its files cannot be written, or when the server refuses or is not trusted.
pub async fn enrol(
    request: EnrolRequest,
    token: SecretString,
    dialer: &dyn Dial,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Enrolled, EnrolError> {
    let token = Token::parse(TokenKind::Enrolment, token.expose().trim())?;
    let place = Place::prepare(&request, random)?;
    let server = &request.config.server;
    let socket = dial::open(dialer, server, &server.agent_url()).await.map_err(LinkError::from)?;
    let introduction = Introduction {
        intent: Intent::Enrol {},
        identity: place.vault.identity(),
        pinned: &request.config.server_fingerprint,
        token: &SecretString::new(token.expose()),
        context: enrolment_token_context(&place.vault.identity().public_key()),
        facts: request.facts.clone(),
        clock,
        random,
    };
    let (link, welcome, keys) = introduction.make(socket, None).await?;
    let enrolled = place.keep(welcome, &keys)?;
    goodbye(link).await;
    Ok(enrolled)
}

/// Hangs up on a server that has given all there was to get.
pub(super) async fn goodbye<S: AsyncRead + AsyncWrite + Unpin>(mut link: Link<S>) {
    link.session().close(Close::Stopping);
    while link.next().await.is_ok() {}
}

/// Where a host that is to become one keeps what it gets.
pub(super) struct Place {
    folder: StateFolder,
    pub(super) vault: Vault,
    /// The file of the configuration, which is put in place when the server has let the host in, and not before.
    config: Staged,
}

impl Place {
    /// Does what can fail on this machine: takes the folder, makes the agent's key, writes the configuration beside its
    /// place.
    pub(super) fn prepare(request: &EnrolRequest, random: &Arc<dyn Random>) -> Result<Self, EnrolError> {
        let folder = StateFolder::open(&request.config.state_folder)?;
        refuse_second(request)?;
        let vault = Vault::renew(&folder, request.credentials.as_deref(), Arc::clone(random))?;
        let config = request.config.stage(&request.config_path)?;
        warn_of_plain(&request.config.server);
        Ok(Self { folder, vault, config })
    }

    /// Keeps who the agent is now; it is on the disk when this returns.
    pub(super) fn keep(&self, welcome: Welcome, keys: &ChannelKeys) -> Result<Enrolled, EnrolError> {
        let token = welcome
            .token
            .and_then(|sealed| keys.open(&agent_token_context(welcome.host), sealed.as_bytes()).ok())
            .and_then(|token| SecretBytes::into_string(token).ok())
            .ok_or(EnrolError::NoToken)?;
        // What an earlier host of this machine did is no business of the new one.
        CurrentConfiguration::discard(self.folder.path())?;
        Journal::discard(self.folder.path())?;
        let Welcome { host, host_name, .. } = welcome;
        self.vault.store(&Membership { host, host_name: host_name.clone(), token })?;
        self.config.commit()?;
        Ok(Enrolled { host, host_name })
    }
}

fn refuse_second(request: &EnrolRequest) -> Result<(), EnrolError> {
    match crate::vault::enrolled_host(&request.config.state_folder) {
        Ok(Some((_, host_name))) if request.if_enrolled == IfEnrolled::Refuse => {
            Err(EnrolError::AlreadyEnrolled { host_name })
        }
        Err(error) if request.if_enrolled == IfEnrolled::Refuse => Err(error.into()),
        _ => Ok(()),
    }
}
