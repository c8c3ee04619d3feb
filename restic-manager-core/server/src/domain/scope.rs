//! Whether a thing is within a scope: by its kind and id, as paths and alerts name it.

use restic_manager_proto::{
    AlertId, EnrolmentId, HostId, JobId, MaintenanceId, RepositoryId, ScheduleId, Scope, SourceGroupId,
};
use restic_manager_store::Read;

use super::maintenance;
use crate::failure::Failure;

/// What a parameter of a path can name that belongs to hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Host,
    Repository,
    SourceGroup,
    Schedule,
    Job,
    Enrolment,
    Maintenance,
    /// It belongs to what it is about.
    Alert,
}

/// The parameters by which paths name things that belong to hosts.
const PARAMETERS: &[(&str, Object)] = &[
    ("host", Object::Host),
    ("repository", Object::Repository),
    ("group", Object::SourceGroup),
    ("schedule", Object::Schedule),
    ("job", Object::Job),
    ("enrolment", Object::Enrolment),
    ("window", Object::Maintenance),
    ("alert", Object::Alert),
];

/// Whether a path names something that belongs to hosts.
pub(crate) fn names_object(path: &str) -> bool {
    let parameters = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    parameters.into_iter().any(|name| of_parameter(name).is_some())
}

/// What a parameter of a path names, if it belongs to hosts.
pub(crate) fn of_parameter(name: &str) -> Option<Object> {
    PARAMETERS.iter().find(|(parameter, _)| *parameter == name).map(|(_, object)| *object)
}

/// Whether somebody of a scope sees a thing of a kind, as alerts name what they are about. What belongs to no host, and
/// kinds that are not known here, are for who sees the whole fleet.
pub(crate) async fn is_seen(
    read: &mut dyn Read,
    scope: &Scope,
    kind: &str,
    id: &str,
) -> Result<bool, Failure> {
    let object = match kind {
        _ if scope.is_all() => return Ok(true),
        "host" => Object::Host,
        "repository" => Object::Repository,
        "source-group" => Object::SourceGroup,
        "schedule" => Object::Schedule,
        "job" => Object::Job,
        "enrolment" => Object::Enrolment,
        _ => return Ok(false),
    };
    object.is_within(read, id, scope).await
}

async fn alert_is_seen(read: &mut dyn Read, scope: &Scope, id: &str) -> Result<bool, Failure> {
    let Ok(id) = id.parse::<AlertId>() else { return Ok(false) };
    let Some(alert) = read.alerts().find(id).await? else { return Ok(false) };
    is_seen(read, scope, &alert.subject.kind, &alert.subject.id).await
}

impl Object {
    /// Whether somebody of a scope sees the thing of this id.
    pub(crate) async fn is_seen(self, read: &mut dyn Read, id: &str, scope: &Scope) -> Result<bool, Failure> {
        match self {
            Self::Alert => alert_is_seen(read, scope, id).await,
            _ => self.is_within(read, id, scope).await,
        }
    }

    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Repository => "repository",
            Self::SourceGroup => "source group",
            Self::Schedule => "schedule",
            Self::Job => "job",
            Self::Enrolment => "enrolment",
            Self::Maintenance => "maintenance window",
            Self::Alert => "alert",
        }
    }

    /// An id that cannot be read names nothing, within no scope and without one.
    async fn is_within(self, read: &mut dyn Read, id: &str, scope: &Scope) -> Result<bool, Failure> {
        let host = match self {
            Self::Host => id.parse::<HostId>().ok(),
            Self::SourceGroup => match id.parse::<SourceGroupId>() {
                Ok(id) => read.sources().find(id).await?.map(|group| group.host),
                Err(_) => None,
            },
            Self::Schedule => match id.parse::<ScheduleId>() {
                Ok(id) => read.schedules().find(id).await?.map(|schedule| schedule.host),
                Err(_) => None,
            },
            Self::Job => match id.parse::<JobId>() {
                Ok(id) => read.jobs().find(id).await?.map(|job| job.host),
                Err(_) => None,
            },
            Self::Repository => {
                return match id.parse::<RepositoryId>() {
                    Ok(id) => {
                        Ok(read.repositories().find(id).await?.is_some_and(|row| row.deleted.is_none())
                            && read.attachments().any_within(id, scope).await?)
                    }
                    Err(_) => Ok(false),
                };
            }
            Self::Alert => return Ok(false),
            Self::Maintenance => {
                return match id.parse::<MaintenanceId>() {
                    Ok(id) => Ok(maintenance::find_seen(read, scope, id).await?.is_some()),
                    Err(_) => Ok(false),
                };
            }
            Self::Enrolment => {
                return match id.parse::<EnrolmentId>() {
                    Ok(id) => Ok(read.enrolments().find(id).await?.is_some_and(|row| row.is_within(scope))),
                    Err(_) => Ok(false),
                };
            }
        };
        let Some(host) = host else { return Ok(false) };
        Ok(read.hosts().find(host).await?.is_some_and(|host| host.is_within(scope)))
    }
}
