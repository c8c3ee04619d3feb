//! Whether what a path names is within the caller's scope.
//!
//! What is not there and what is out of sight are answered alike, before the use case runs.

use restic_manager_proto::api::Code;

use super::route::Route;
use crate::{
    call::{Caller, Cx, request::PathParameters},
    domain::scope::of_parameter,
    failure::Failure,
};

/// Whether a row is within a caller's reach.
pub(super) enum Reach {
    Within,
    /// It needs a role for the whole fleet.
    Fleet,
}

/// Whether the caller may go on to this row with these parameters. What it names must be there, as far as the caller can
/// tell.
pub(super) async fn check(cx: &Cx, route: &Route, path: &PathParameters) -> Result<Reach, Failure> {
    let Caller::User(user) = cx.caller() else { return Ok(Reach::Within) };
    let scope = &user.standing.scope;
    if scope.is_all() {
        return Ok(Reach::Within);
    }
    let named: Vec<_> = path.iter().filter_map(|(name, value)| Some((of_parameter(name)?, value))).collect();
    if !named.is_empty() {
        let mut read = cx.read().await?;
        for (object, id) in &named {
            if !object.is_seen(read.as_mut(), id, scope).await? {
                return Err(Failure::not_found(object.noun()));
            }
        }
    }
    Ok(if route.needs_fleet() { Reach::Fleet } else { Reach::Within })
}

/// The refusal of a row that needs a role for the whole fleet.
pub(super) fn needs_fleet(route: &Route) -> Failure {
    let detail = format!("{} needs a role for the whole fleet; yours is for a part of it", route.name);
    Failure::new(Code::Forbidden, detail, "ask an admin to do it, or for a wider scope")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::scope::names_object,
        http::{
            ROUTES,
            route::{Access, Within},
        },
    };

    /// Parameters that name nothing of a host: a slot, a freeze or a snapshot of a repository, a build of the agent, a sign-in, a person
    /// and what is theirs, an entry of the audit log, a host that is none yet.
    const PLAIN: &[&str] = &[
        "passkey",
        "token",
        "slot",
        "snapshot",
        "freeze",
        "session",
        "user",
        "sequence",
        "pending_host",
        "channel",
        "route",
        "silence",
    ];

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
