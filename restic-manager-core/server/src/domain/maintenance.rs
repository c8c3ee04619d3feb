//! Which hosts are under maintenance, and whose a window is.

use core::time::Duration;
use restic_manager_core::{
    maintenance::{self as rules, Window},
    scope,
};
use restic_manager_proto::{MaintenanceId, Scope, Timestamp};
use restic_manager_store::{Error, Read, hosts::Host, maintenance::MaintenanceWindow};
use std::collections::BTreeMap;

/// So many windows last or are to come at once, at most: each is looked at for each host that is shown.
pub(crate) const MOST: usize = 100;
/// For so long a window can be looked at after it is over.
pub(crate) const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// The windows that last.
pub(crate) struct Windows(Vec<Window>);

impl Windows {
    pub(crate) async fn at(read: &mut dyn Read, now: Timestamp) -> Result<Self, Error> {
        let windows = read.maintenance().not_over(now, MOST).await?.into_iter().map(|row| Window {
            scope: row.scope,
            from: row.from,
            until: row.until,
        });
        Ok(Self(windows.filter(|window| window.lasts(now)).collect()))
    }

    pub(crate) fn hold(&self, host: &Host, now: Timestamp) -> bool {
        rules::is_in(&self.0, host.id, &host.tags, now)
    }

    /// When the last of the windows is over that hold a host now.
    pub(crate) fn end(&self, host: &Host, now: Timestamp) -> Option<Timestamp> {
        let holding = self.0.iter().filter(|window| rules::is_in([*window], host.id, &host.tags, now));
        holding.map(|window| window.until).max()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What somebody of a scope sees of a window's hosts.
pub(crate) async fn seen_of(read: &mut dyn Read, sight: &Scope, window: &Scope) -> Result<Scope, Error> {
    let mut tags = BTreeMap::new();
    for id in scope::tags_needed(sight, window) {
        let host = read.hosts().find(id).await?.filter(|host| host.deleted.is_none());
        tags.extend(host.map(|host| (id, host.tags)));
    }
    Ok(scope::meet(sight, window, &tags))
}

/// A window of an id, if somebody of a scope sees any of its hosts.
pub(crate) async fn find_seen(
    read: &mut dyn Read,
    sight: &Scope,
    id: MaintenanceId,
) -> Result<Option<MaintenanceWindow>, Error> {
    let Some(window) = read.maintenance().find(id).await? else { return Ok(None) };
    let seen = seen_of(read, sight, &window.scope).await?;
    Ok((!seen.is_nothing()).then_some(window))
}
