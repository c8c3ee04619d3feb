//! Whether whoever opened a socket may still have it.

use core::time::Duration;
use restic_manager_store::{Error, Read};
use std::sync::Arc;

use crate::{
    call::{Means, Standing, User},
    parts::Parts,
};

/// How often an open socket looks whether its person is still signed in. An end on this server is noticed at once.
const INTERVAL: Duration = Duration::from_secs(30);

/// Waits until a person is no longer signed in, or may do something else than when they opened the socket.
pub(super) async fn signed_out(parts: Arc<Parts>, user: Box<User>) {
    loop {
        // Listens before it looks, so that no end falls in between.
        let mut news = core::pin::pin!(parts.pages.sessions_ended());
        news.as_mut().enable();
        match is_signed_in(&parts, &user).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn core::error::Error,
                    "could not look whether a session has ended"
                );
            }
        }
        tokio::select! {
            () = news => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

async fn is_signed_in(parts: &Parts, user: &User) -> Result<bool, Error> {
    let mut read = parts.store.read().await?;
    let Some(now) = standing(parts, read.as_mut(), user).await? else { return Ok(false) };
    Ok(now.role.includes(user.standing.role) && now.scope == user.standing.scope)
}

/// What the caller may do now; nothing when their session or token has ended.
async fn standing(parts: &Parts, read: &mut dyn Read, user: &User) -> Result<Option<Standing>, Error> {
    let now = parts.now();
    let Some(person) = read.users().find(user.id).await?.filter(|person| !person.disabled) else {
        return Ok(None);
    };
    match &user.means {
        Means::Session(session) => {
            let newest = read.sessions().newest_of(session.family).await?;
            if newest.is_none_or(|session| now >= session.idle_expires || now >= session.expires) {
                return Ok(None);
            }
            Standing::of_person(parts, read, &person).await.map(Some)
        }
        Means::Token(program) => {
            let token = read.api_tokens().find(program.id).await?.filter(|token| token.is_good(now));
            let Some(token) = token else { return Ok(None) };
            Standing::of_program(parts, read, &person, &token).await.map(Some)
        }
    }
}
