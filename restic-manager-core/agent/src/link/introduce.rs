//! The handshake, from the agent's end.

use std::sync::Arc;

use restic_manager_core::{
    clock::Clock,
    handshake::{AgentSide, TrustingSide},
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelContext, ChannelKeys, Fingerprint, Identity, Random, SecretString};
use restic_manager_proto::{
    HostFacts,
    agent::{Intent, Pending, Refusal, RefusalCode, Welcome},
    session::{Close, Event, Limits, Session},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;

use super::dial::ConnectError;
use crate::{facts::AGENT_VERSION, files::FileError};

/// A connection did not come about, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The server cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Whoever answered is not the server that was pinned.
    #[error(
        "trust who answered: it is not the server with the fingerprint in the configuration; \
         if the server was set up anew, enrol this host again"
    )]
    Untrusted,
    /// The server refused.
    #[error("be let in: {}", .0.message.escape_debug())]
    Refused(Refusal),
    /// The agent's own state cannot be written; without it nothing may be reported.
    #[error(transparent)]
    State(#[from] FileError),
    /// The connection ended.
    #[error("go on: {0}")]
    Ended(#[from] Ended),
}

/// Who introduces itself to whom, and with what.
pub(crate) struct Introduction<'a> {
    pub(crate) intent: Intent,
    pub(crate) identity: &'a Identity,
    pub(crate) pinned: &'a Fingerprint,
    pub(crate) token: &'a SecretString,
    /// What the token is sealed for.
    pub(crate) context: ChannelContext,
    pub(crate) facts: HostFacts,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) random: &'a dyn Random,
}

impl Introduction<'_> {
    /// Speaks the handshake to its end. The token leaves only once the server has proven who it is. `waiting` is told
    /// when people decide first; who did not expect that hangs up.
    pub(crate) async fn make<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        socket: WebSocketStream<S>,
        mut waiting: Option<&mut (dyn FnMut(Pending) + Send)>,
    ) -> Result<(Link<S>, Welcome, ChannelKeys), LinkError> {
        let (side, hello) = AgentSide::start(self.intent, self.identity, AGENT_VERSION, self.random);
        let session = Session::connect(self.clock.now(), hello, Limits::default());
        let mut link = Link::new(socket, session, &**self.clock);
        let (mut side, mut keys) = (Some(side), None);
        loop {
            match link.next().await {
                Ok(Event::Challenge { challenge, hello_frame }) => {
                    let trusting = side.take().map(|side| side.check(&hello_frame, &challenge, self.pinned));
                    if let Some(Ok(trusting)) = trusting {
                        keys = Some(self.prove(&mut link, trusting));
                    } else {
                        link.session().close(Close::Untrusted);
                    }
                }
                Ok(Event::Pending(pending)) => match &mut waiting {
                    Some(waiting) => waiting(pending),
                    None => link.session().close(Close::OutOfOrder),
                },
                // Only the server itself can say that it has removed this host.
                Ok(Event::Refused(refusal)) if refusal.code == RefusalCode::Removed && keys.is_none() => {
                    return Err(LinkError::Untrusted);
                }
                Ok(Event::Refused(refusal)) => return Err(LinkError::Refused(refusal)),
                Ok(Event::Established(Some(welcome))) => {
                    let keys = keys.ok_or(LinkError::Untrusted)?;
                    return Ok((link, welcome, keys));
                }
                Ok(_) => {}
                Err(Ended::Closed(Close::Untrusted)) => return Err(LinkError::Untrusted),
                Err(ended) => return Err(ended.into()),
            }
        }
    }

    fn prove<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        link: &mut Link<S>,
        trusting: TrustingSide,
    ) -> ChannelKeys {
        let (proof, keys) = trusting.prove(self.identity, &self.context, self.token, self.facts.clone());
        let now = link.now();
        link.session().prove(now, proof);
        keys
    }
}
