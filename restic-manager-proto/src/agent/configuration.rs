//! What an agent does by itself, so that it needs no server at the time.

use serde::{Deserialize, Serialize};

use super::SourceOrder;
use crate::{
    Bandwidth, Misfire, Opaque, RepositoryId, ScheduleId, SourceGroupId, Timestamp, vocabulary::PresenceMode,
};

/// Which configuration: a number that grows with each change, and a digest that tells apart two that were given the
/// same number, as happens after a server went back to an older backup.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a number and a digest")]
pub struct ConfigurationVersion {
    /// Grows with each change of the host's configuration.
    pub number: u64,
    /// Of the content, secrets included; made and compared by the server alone, at most 128 bytes.
    pub digest: String,
}

/// All that an agent does by itself. It replaces what the agent had, as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Configuration {
    /// Which one it is.
    pub version: ConfigurationVersion,
    /// The name under which restic records the host.
    pub host_name: String,
    /// How the host is expected to be reachable.
    pub presence: PresenceMode,
    /// How fast restic may be on this host.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
    /// The repositories that the source groups go to.
    #[serde(default)]
    pub repositories: Vec<ConfiguredRepository>,
    /// The source groups that the schedules point at.
    #[serde(default)]
    pub groups: Vec<ConfiguredGroup>,
    /// When what runs; a schedule that is switched off is not here.
    #[serde(default)]
    pub schedules: Vec<ConfiguredSchedule>,
}

impl Configuration {
    /// A configuration in which nothing runs by itself.
    #[must_use]
    pub fn new(version: ConfigurationVersion, host_name: impl Into<String>, presence: PresenceMode) -> Self {
        Self {
            version,
            host_name: host_name.into(),
            presence,
            bandwidth: Bandwidth::default(),
            repositories: Vec::new(),
            groups: Vec::new(),
            schedules: Vec::new(),
        }
    }
}

/// A repository as this host uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfiguredRepository {
    /// Its id.
    pub id: RepositoryId,
    /// Where this host finds it.
    pub location: String,
    /// Whether to make it when it is missing.
    #[serde(default)]
    pub initialise: bool,
    /// JSON of [`RepositorySecrets`](crate::RepositorySecrets) with the everyday credential, sealed with the keys of
    /// this connection for this repository.
    pub secrets: Opaque,
}

impl ConfiguredRepository {
    /// Joins the parts.
    #[must_use]
    pub fn new(id: RepositoryId, location: impl Into<String>, initialise: bool, secrets: Opaque) -> Self {
        Self { id, location: location.into(), initialise, secrets }
    }
}

/// A source group and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfiguredGroup {
    /// What is backed up, as in an order.
    pub source: SourceOrder,
    /// Where to; one of the configuration's repositories.
    pub repository: RepositoryId,
}

impl ConfiguredGroup {
    /// Joins the two.
    #[must_use]
    pub const fn new(source: SourceOrder, repository: RepositoryId) -> Self {
        Self { source, repository }
    }
}

/// When source groups are backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfiguredSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Five fields, such as `30 2 * * *`.
    pub cron: String,
    /// The IANA name of the zone whose clock it follows.
    pub zone: String,
    /// What becomes of a slot whose time has passed while the host was off or asleep.
    #[serde(default)]
    pub misfire: Misfire,
    /// Each run starts up to so many seconds after its slot, always the same for one host and slot.
    #[serde(default)]
    pub jitter_seconds: u32,
    /// How fast restic may be in its runs; the host's limits count too.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
    /// Slots after this moment count: when the schedule was made, switched on, or last given other times.
    pub since: Timestamp,
    /// What is backed up, in this order; each one of the configuration's source groups.
    pub groups: Vec<SourceGroupId>,
}

impl ConfiguredSchedule {
    /// A schedule without jitter that runs once when it is late.
    #[must_use]
    pub fn new(
        id: ScheduleId,
        name: impl Into<String>,
        cron: impl Into<String>,
        zone: impl Into<String>,
        since: Timestamp,
        groups: Vec<SourceGroupId>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            cron: cron.into(),
            zone: zone.into(),
            misfire: Misfire::RunOnce,
            jitter_seconds: 0,
            bandwidth: Bandwidth::default(),
            since,
            groups,
        }
    }
}
