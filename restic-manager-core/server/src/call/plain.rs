//! The routes outside the API: for load balancers, installers and agents.

use restic_manager_proto::api::{Answer, Endpoint, Method, Nothing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! plain {
    ($($(#[doc = $summary:literal])+ $name:ident($id:literal): $path:literal => $status:literal $answer:ident $query:ty;)*) => {$(
        $(#[doc = $summary])+
        pub(crate) struct $name;

        impl Endpoint for $name {
            const NAME: &'static str = $id;
            const SUMMARY: &'static str = concat!($($summary),+);
            const METHOD: Method = Method::Get;
            const PATH: &'static str = $path;
            const STATUS: u16 = $status;
            const ANSWER: Answer = Answer::$answer;
            const CONDITIONAL: bool = false;
            type Path = Nothing;
            type Query = $query;
            type Body = Nothing;
            type Response = Nothing;
        }
    )*};
}

plain! {
    /// Says that the process is up.
    Health("health"): "/healthz" => 200 Download Nothing;
    /// Says that the server can do its work.
    Readiness("readiness"): "/readyz" => 200 Download Nothing;
    /// Gives metrics of hosts, repositories, jobs and the server, as Prometheus reads them.
    Metrics("metrics.own"): "/metrics" => 200 Download Nothing;
    /// Gives metrics under the names of the widely used restic exporter.
    ExporterMetrics("metrics.exporter"): "/metrics/restic-exporter" => 200 Download ExporterQuery;
    /// Takes an agent's connection.
    AgentSocket("agent.socket"): "/ws/agent" => 101 WebSocket Nothing;
    /// Takes the connection of a host that announces itself, until an admin has decided.
    PendingAgentSocket("agent.pending-socket"): "/ws/agent/pending" => 101 WebSocket Nothing;
    /// Gives the install script for Linux.
    LinuxInstaller("install.linux"): "/install/agent.sh" => 200 Download Nothing;
    /// Gives a build of the agent, with its SHA-256 in a header.
    AgentBinary("agent.binary"): "/agent/binary" => 200 Download Build;
    /// Gives the SHA-256 of a build of the agent, as sha256sum writes it.
    AgentChecksum("agent.checksum"): "/agent/binary.sha256" => 200 Download Build;
}

/// Of which repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExporterQuery {
    /// The name of one repository, which is then no label; all of them when absent.
    pub(crate) repository: Option<String>,
}

/// Which build of the agent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// The operating system.
    pub(crate) os: System,
    /// The processor.
    pub(crate) arch: Architecture,
}

/// An operating system that agents are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum System {
    /// Any Linux.
    Linux,
}

/// A processor that agents are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Architecture {
    /// Also called x86-64.
    Amd64,
    /// Also called aarch64.
    Arm64,
}
