//! What a caller may do at this moment: what a person was given, and what narrows it.

use restic_manager_core::scope;
use restic_manager_proto::{Scope, vocabulary::Role};
use restic_manager_store::{Error, Read, api_tokens::ApiToken, users};
use std::collections::BTreeMap;

use crate::{config::SecondFactor, parts::Parts};

/// A role, and for which part of the fleet.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) role: Role,
    pub(crate) scope: Scope,
}

impl Standing {
    /// A person's: an admin without the second factor that is asked for can only look.
    pub(crate) async fn of_person(
        parts: &Parts,
        read: &mut dyn Read,
        person: &users::User,
    ) -> Result<Self, Error> {
        let asked =
            person.role == Role::Admin && parts.config.second_factor == SecondFactor::RequiredForAdmins;
        let missing = asked && !read.factors().has_second(person.id).await?;
        let role = if missing { Role::Viewer } else { person.role };
        Ok(Self { role, scope: person.scope.clone() })
    }

    /// A program's: never more than its maker's at this moment.
    pub(crate) async fn of_program(
        parts: &Parts,
        read: &mut dyn Read,
        maker: &users::User,
        token: &ApiToken,
    ) -> Result<Self, Error> {
        let makers = Self::of_person(parts, read, maker).await?;
        let mut tags = BTreeMap::new();
        for id in scope::tags_needed(&makers.scope, &token.scope) {
            let host = read.hosts().find(id).await?.filter(|host| host.deleted.is_none());
            tags.extend(host.map(|host| (id, host.tags)));
        }
        let scope = scope::meet(&makers.scope, &token.scope, &tags);
        Ok(Self { role: makers.role.min(token.role), scope })
    }
}
