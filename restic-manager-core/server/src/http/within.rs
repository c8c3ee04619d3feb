//! Whether what a path names is within the caller's scope.
//!
//! What is not there and what is out of sight are answered alike, before the use case runs.

use restic_manager_proto::{
    AlertId, EnrolmentId, HostId, JobId, RepositoryId, ScheduleId, Scope, SourceGroupId, api::Code,
};
use restic_manager_store::Read;

use super::{
    caller::{Caller, Cx},
    decode::PathParameters,
    route::Route,
};
use crate::failure::Failure;

/// What a parameter of a path can name that belongs to hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Host,
    Repository,
    SourceGroup,
    Schedule,
    Job,
    Enrolment,
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
    ("alert", Object::Alert),
];

/// Why a row is out of a caller's reach.
pub(super) enum Refusal {
    /// It needs a role for the whole fleet.
    Fleet,
    /// What it names is not there, as far as the caller can tell.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// Whether the caller may go on to this row with these parameters.
pub(super) async fn check(cx: &Cx, route: &Route, path: &PathParameters) -> Result<(), Refusal> {
    let Caller::User(user) = cx.caller() else { return Ok(()) };
    let scope = &user.standing.scope;
    if scope.is_all() {
        return Ok(());
    }
    let named: Vec<_> = path.iter().filter_map(|(name, value)| Some((of_parameter(name)?, value))).collect();
    if !named.is_empty() {
        let mut read = cx.read().await?;
        for (object, id) in &named {
            let is_seen = match object {
                Object::Alert => alert_is_seen(read.as_mut(), scope, id).await?,
                _ => object.is_within(read.as_mut(), id, scope).await?,
            };
            if !is_seen {
                return Err(Failure::not_found(object.noun()).into());
            }
        }
    }
    if route.needs_fleet() { Err(Refusal::Fleet) } else { Ok(()) }
}

/// Whether a path names something that belongs to hosts.
pub(super) fn names_object(path: &str) -> bool {
    let parameters = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    parameters.into_iter().any(|name| of_parameter(name).is_some())
}

/// The refusal of a row that needs a role for the whole fleet.
pub(super) fn needs_fleet(route: &Route) -> Failure {
    let detail = format!("{} needs a role for the whole fleet; yours is for a part of it", route.name);
    Failure::new(Code::Forbidden, detail, "ask an admin to do it, or for a wider scope")
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

fn of_parameter(name: &str) -> Option<Object> {
    PARAMETERS.iter().find(|(parameter, _)| *parameter == name).map(|(_, object)| *object)
}

impl Object {
    const fn noun(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Repository => "repository",
            Self::SourceGroup => "source group",
            Self::Schedule => "schedule",
            Self::Job => "job",
            Self::Enrolment => "enrolment",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{
        ROUTES,
        route::{Access, Within},
    };

    /// Parameters that name nothing of a host: a slot of a repository, a build of the agent, a sign-in, a person
    /// and what is theirs, an entry of the audit log, a host that is none yet.
    const PLAIN: &[&str] =
        &["passkey", "token", "slot", "platform", "session", "user", "sequence", "pending_host"];

    #[test]
    fn every_parameter_is_known() {
        for route in ROUTES {
            for name in route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let known = of_parameter(name).is_some() || PLAIN.contains(&name);
                assert!(
                    known,
                    "{}: say in PARAMETERS what {{{name}}} names, or that it is PLAIN",
                    route.name
                );
            }
        }
    }

    #[test]
    fn a_row_that_cuts_or_is_about_the_caller_names_nothing_of_a_host() {
        for route in ROUTES.iter().filter(|route| matches!(route.within, Within::Cut | Within::Own)) {
            assert!(matches!(route.access, Access::Role(_) | Access::Person), "{} is open", route.name);
            assert!(!names_object(route.path), "{} names something", route.name);
        }
    }
}
