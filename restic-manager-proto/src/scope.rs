//! What part of the fleet a role is for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::HostId;

/// What part of the fleet a role is for. Whoever has it sees nothing else.
///
/// ```
/// use restic_manager_proto::{HostId, Scope};
///
/// let berlin = Scope::tags(["berlin"]);
/// let host = HostId::from_bytes([1; 16]);
/// assert!(berlin.holds(host, &["linux".to_owned(), "berlin".to_owned()]));
/// assert!(!berlin.holds(host, &["paris".to_owned()]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "every place that decides by it has to decide anew")]
pub enum Scope {
    /// All of it.
    #[default]
    All,
    /// The hosts that carry one of these tags.
    Tags {
        /// At least one.
        tags: BTreeSet<String>,
    },
    /// These hosts.
    Hosts {
        /// At least one.
        hosts: BTreeSet<HostId>,
    },
}

impl Scope {
    /// Tags that one scope names at most.
    pub const MOST_TAGS: usize = 16;
    /// Hosts that one scope names at most. More hosts are better given a tag.
    pub const MOST_HOSTS: usize = 32;

    /// The scope of nobody: it holds no host.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::Hosts { hosts: BTreeSet::new() }
    }

    /// The scope of these tags.
    #[must_use]
    pub fn tags<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Self {
        Self::Tags { tags: tags.into_iter().map(Into::into).collect() }
    }

    /// The scope of these hosts.
    #[must_use]
    pub fn hosts(hosts: impl IntoIterator<Item = HostId>) -> Self {
        Self::Hosts { hosts: hosts.into_iter().collect() }
    }

    /// Whether it names nothing, and so holds no host.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::All => false,
            Self::Tags { tags } => tags.is_empty(),
            Self::Hosts { hosts } => hosts.is_empty(),
        }
    }

    /// Whether it is the whole fleet.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether a host with these tags is within it.
    #[must_use]
    pub fn holds(&self, host: HostId, tags: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Tags { tags: wanted } => tags.iter().any(|tag| wanted.contains(tag)),
            Self::Hosts { hosts } => hosts.contains(&host),
        }
    }

    /// Whether a host that doesn't exist yet will be within it by its tags.
    #[must_use]
    pub fn holds_tags(&self, tags: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Tags { tags: wanted } => tags.iter().any(|tag| wanted.contains(tag)),
            Self::Hosts { .. } => false,
        }
    }
}
