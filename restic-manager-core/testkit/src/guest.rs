//! A host that announces itself.

use restic_manager_core::{
    handshake::agent_token_context,
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelKeys, Identity};
use restic_manager_proto::{
    OutboxId,
    agent::{Intent, Pending, Refusal, Welcome},
    session::Event,
};
use tokio::net::TcpStream;

use crate::{
    agent::patiently,
    persona::{Persona, Remote, facts, opening, prove},
};

/// An announced host that waits for its verdict.
#[derive(Debug)]
pub struct Guest {
    /// The connection.
    pub link: Link<TcpStream>,
    /// The connection's keys.
    pub keys: ChannelKeys,
    /// What the server said first.
    pub pending: Pending,
}

impl Guest {
    /// Announces a host of this name.
    ///
    /// # Errors
    /// When the server does not let it wait.
    pub async fn announce(server: &Remote, identity: &Identity, name: &str) -> Result<Self, Refusal> {
        let stream = TcpStream::connect(server.address).await.unwrap();
        Self::announce_over(stream, server, identity, name).await
    }

    /// The same over a connection to the server that is there, such as one from an address of its own.
    ///
    /// # Errors
    /// When the server does not let it wait.
    pub async fn announce_over(
        stream: TcpStream,
        server: &Remote,
        identity: &Identity,
        name: &str,
    ) -> Result<Self, Refusal> {
        let opening = opening(identity, Intent::Announce {});
        let (mut link, keys) =
            prove(server, stream, "/ws/agent/pending", identity, opening, "", facts(name)).await?;
        match patiently(link.next()).await {
            Ok(Event::Pending(pending)) => Ok(Self { link, keys, pending }),
            Ok(Event::Refused(refusal)) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the verdict, and hears nothing before it.
    ///
    /// # Errors
    /// When it is a refusal.
    pub async fn verdict(&mut self) -> Result<Welcome, Refusal> {
        match patiently(self.link.next()).await.unwrap() {
            Event::Established(Some(welcome)) => Ok(welcome),
            Event::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Who it is once it was accepted.
    pub async fn accepted(mut self, identity: Identity) -> Persona {
        let welcome = self.verdict().await.expect("an accepted host");
        let sealed = welcome.token.expect("an accepted host gets its token");
        let token = self.keys.open(&agent_token_context(welcome.host), sealed.as_bytes()).unwrap();
        let outbox = OutboxId::from_bytes(*welcome.host.as_bytes());
        Persona { identity, token: token.into_string().unwrap(), host: welcome.host, outbox, sent: 0 }
    }

    /// How the connection ends, and nothing before it.
    pub async fn ended(mut self) -> Ended {
        patiently(self.link.next()).await.expect_err("the connection goes on")
    }
}
