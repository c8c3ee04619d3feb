//! People who sign in, as admins see them.

use restic_manager_proto::{
    UserId,
    api::{
        self, Page,
        users::{List, Show},
    },
};
use restic_manager_store::{Read, users::User};

use super::page;
use crate::{
    failure::Failure,
    http::{Cx, Reply, Request},
};

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::users::User>, Failure> {
    let query = request.query;
    let part = page::request(query.limit, query.after.as_ref(), |id: UserId| id)?;
    let found = cx.read().await?.users().page(part).await?;
    page::finish(found.items.into_iter().map(view).collect(), found.next, |id| id)
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<api::users::User>, Failure> {
    let user = existing(cx.read().await?.as_mut(), request.path.user).await?;
    let version = user.version;
    Ok(Reply::versioned(view(user), version))
}

async fn existing(read: &mut dyn Read, id: UserId) -> Result<User, Failure> {
    read.users().find(id).await?.ok_or_else(|| Failure::not_found("user"))
}

fn view(user: User) -> api::users::User {
    api::users::User {
        id: user.id,
        name: user.name,
        role: user.role,
        scope: user.scope,
        disabled: user.disabled,
        created_at: user.created,
        version: user.version,
    }
}
