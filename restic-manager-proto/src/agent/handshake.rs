//! How the two ends come to trust each other.
//!
//! 1. Agent: [`Hello`] with its public key, an ephemeral key and a nonce.
//! 2. Server: [`Challenge`] with its identity, an ephemeral key, a nonce and a signature over all of it. The agent
//!    compares the identity with the one it pinned and checks the signature before it says more.
//! 3. Agent: [`Proof`] with a signature over all of it, and its token sealed with the keys agreed on.
//! 4. Server: [`Welcome`], or a [`Refusal`] at any point. A host that announces itself is told first that it is
//!    [`Pending`]; nothing but heartbeats passes until its verdict.
//!
//! What is signed is `hello frame, version, identity, ephemeral key, nonce` by the server, and the same followed by
//! `server's signature, sealed token` by the agent. The crate that signs defines labels and framing.

use serde::{Deserialize, Serialize};

use super::OutboxPosition;
use crate::{HostFacts, HostId, Opaque, VersionRange, capability::Capabilities};

/// Why an agent connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Intent {
    /// It is enrolled and takes up its work.
    Connect {
        /// The id it was given when it enrolled.
        host: HostId,
    },
    /// It holds an enrolment token and wants to become a host.
    Enrol {},
    /// It has no token and asks to become a host. The token in its proof is empty.
    Announce {},
}

/// The agent's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hello {
    /// The protocol versions it speaks.
    pub versions: VersionRange,
    /// Why it connects.
    pub intent: Intent,
    /// Its Ed25519 public key: 32 bytes.
    pub public_key: Opaque,
    /// Its X25519 public key for this connection only: 32 bytes.
    pub ephemeral: Opaque,
    /// Random, for this connection only: 32 bytes.
    pub nonce: Opaque,
    /// Its version, for logs and for refusals that can be understood.
    pub agent_version: String,
    /// What it can do.
    #[serde(default, skip_serializing_if = "Capabilities::is_empty")]
    pub capabilities: Capabilities,
}

impl Hello {
    /// A hello of this build's versions.
    #[must_use]
    pub fn new(
        intent: Intent,
        public_key: Opaque,
        ephemeral: Opaque,
        nonce: Opaque,
        agent_version: impl Into<String>,
    ) -> Self {
        Self {
            versions: crate::SUPPORTED,
            intent,
            public_key,
            ephemeral,
            nonce,
            agent_version: agent_version.into(),
            capabilities: Capabilities::default(),
        }
    }

    /// The same with what the agent can do.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }
}

/// The server's answer: who it is, and its half of the key agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Challenge {
    /// The version both will speak.
    pub version: u16,
    /// Its Ed25519 public key: 32 bytes.
    pub identity: Opaque,
    /// Its X25519 public key for this connection only: 32 bytes.
    pub ephemeral: Opaque,
    /// Random, for this connection only: 32 bytes.
    pub nonce: Opaque,
    /// Its signature: 64 bytes.
    pub signature: Opaque,
}

impl Challenge {
    /// Joins the parts.
    #[must_use]
    pub fn new(version: u16, identity: Opaque, ephemeral: Opaque, nonce: Opaque, signature: Opaque) -> Self {
        Self { version, identity, ephemeral, nonce, signature }
    }
}

/// The agent's proof that it holds its key and its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Proof {
    /// Its token, or its enrolment token, sealed with the keys agreed on.
    pub token: Opaque,
    /// Its signature: 64 bytes.
    pub signature: Opaque,
    /// What it knows of its host.
    #[serde(default)]
    pub facts: HostFacts,
}

impl Proof {
    /// Joins the parts.
    #[must_use]
    pub fn new(token: Opaque, signature: Opaque, facts: HostFacts) -> Self {
        Self { token, signature, facts }
    }
}

/// The agent has proven its key, and waits until an admin has decided. The verdict is a [`Welcome`] with a token, or a
/// [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pending {
    /// How long its announcement lasts from now on, in seconds.
    pub seconds: u64,
}

impl Pending {
    /// An announcement that lasts for so many seconds.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self { seconds }
    }
}

/// The agent is known and may work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Welcome {
    /// The host this agent speaks for.
    pub host: HostId,
    /// The host's name at the server.
    pub host_name: String,
    /// Counts this host's connections; a newer one replaces an older one.
    pub generation: u64,
    /// For an agent that has just enrolled: its token, sealed with the keys agreed on.
    #[serde(default)]
    pub token: Option<Opaque>,
    /// What the server has of the agent's outbox, so that an agent whose state went back in time notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<OutboxPosition>,
    /// What the server understands.
    #[serde(default, skip_serializing_if = "Capabilities::is_empty")]
    pub capabilities: Capabilities,
}

impl Welcome {
    /// A welcome for an agent that is enrolled.
    #[must_use]
    pub fn new(host: HostId, host_name: impl Into<String>, generation: u64) -> Self {
        Self {
            host,
            host_name: host_name.into(),
            generation,
            token: None,
            reported: None,
            capabilities: Capabilities::default(),
        }
    }

    /// The same with the token of an agent that has just enrolled.
    #[must_use]
    pub fn with_token(mut self, token: Opaque) -> Self {
        self.token = Some(token);
        self
    }

    /// The same with what the server understands.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same with what the server has of the agent's outbox.
    #[must_use]
    pub const fn with_reported(mut self, reported: Option<OutboxPosition>) -> Self {
        self.reported = reported;
        self
    }
}

/// Why a server refuses an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RefusalCode {
    /// The two speak no common version.
    Version,
    /// The first messages cannot be read, or came in the wrong order.
    Malformed,
    /// Host, key, token or signature is wrong; it is not said which.
    Untrusted,
    /// The enrolment token cannot be spent; it is not said why.
    EnrolmentRefused,
    /// The server takes no new hosts.
    EnrolmentClosed,
    /// The host was removed.
    Removed,
    /// An admin rejected the announced host.
    Rejected,
    /// Nobody decided on the announced host in time.
    Expired,
    /// Too many connections; come back later.
    Busy,
    /// A reason of a newer server.
    #[serde(other)]
    Unknown,
}

impl RefusalCode {
    /// Whether trying again without a change at either end is pointless.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Busy | Self::Unknown)
    }
}

/// The server refuses the agent, and the connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// One sentence for the agent's log, with what to do next.
    pub message: String,
    /// The versions the server speaks.
    #[serde(default)]
    pub versions: Option<VersionRange>,
}

impl Refusal {
    /// Joins code and sentence.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), versions: Some(crate::SUPPORTED) }
    }
}
