//! Maintenance windows: times in which it is known why hosts are silent.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, endpoints};
use crate::{MaintenanceId, Scope, Timestamp};

endpoints! {
    /// Lists maintenance windows that last or are to come, the one that ends first first: those about hosts that the caller sees.
    List("maintenance.list"): Get "/api/v1/maintenance" => 200 Json { response: Page<MaintenanceWindow> }
    /// Shows a maintenance window, also one that is over.
    Show("maintenance.show"): Get "/api/v1/maintenance/{window}" => 200 Json { path: ByWindow, response: MaintenanceWindow }
    /// Announces maintenance. While it lasts, hosts that are silent or have no fresh snapshot are said to be under maintenance.
    Create("maintenance.create"): Post "/api/v1/maintenance" => 201 Json { body: NewMaintenanceWindow, response: MaintenanceWindow }
    /// Ends a maintenance window now; one that has not begun is removed.
    End("maintenance.end"): Delete "/api/v1/maintenance/{window}" => 204 Empty { path: ByWindow, response: Nothing }
}

/// One maintenance window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByWindow {
    /// The window's id.
    pub window: MaintenanceId,
}

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct MaintenanceWindow {
    /// Its id.
    pub id: MaintenanceId,
    /// Which hosts are under maintenance.
    pub scope: Scope,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who announced it.
    pub made_by: String,
    /// When it was announced.
    pub created_at: Timestamp,
    /// Whether the caller may end it: all of its hosts are among those that the caller sees.
    pub yours: bool,
}

/// Maintenance to announce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewMaintenanceWindow {
    /// Which hosts: hosts by their ids, or all that carry one of some tags, or all; among those that the caller sees.
    pub scope: Scope,
    /// When it begins, at most a year ahead; now when absent.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// When it is over: later than now and than its beginning, and at most 30 days after that.
    pub until: Timestamp,
    /// Why: 1 to 64 characters, such as `Disks are replaced`.
    pub reason: String,
}
