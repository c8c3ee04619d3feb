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
    let mut read = cx.read().await?;
    let found = read.users().page(part).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for user in found.items {
        items.push(view(read.as_mut(), user).await?);
    }
    page::finish(items, found.next, |id| id)
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<api::users::User>, Failure> {
    let mut read = cx.read().await?;
    let user = existing(read.as_mut(), request.path.user).await?;
    let version = user.version;
    Ok(Reply::versioned(view(read.as_mut(), user).await?, version))
}

async fn existing(read: &mut dyn Read, id: UserId) -> Result<User, Failure> {
    read.users().find(id).await?.ok_or_else(|| Failure::not_found("user"))
}

async fn view(read: &mut dyn Read, user: User) -> Result<api::users::User, Failure> {
    Ok(api::users::User {
        second_factor: read.factors().has_second(user.id).await?,
        id: user.id,
        name: user.name,
        role: user.role,
        scope: user.scope,
        disabled: user.disabled,
        created_at: user.created,
        version: user.version,
    })
}
