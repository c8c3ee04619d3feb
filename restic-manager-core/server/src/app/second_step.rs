//! A sign-in whose password was right and whose second step is missing.
//!
//! It is a sealed note in the caller's hands, not a session: it opens one door, for five minutes, once, and only while
//! the password is still the same. The server keeps nothing of it.

use core::time::Duration;
use restic_manager_crypto::{Context, Sealed};
use restic_manager_proto::{SecretText, Timestamp, UserId};
use restic_manager_store::users::User;

use super::{
    evidence::{Once, bytes, text},
    value::hash_of,
};
use crate::{call::Cx, failure::Failure};

const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The note for a person whose password was right just now.
pub(super) fn note(cx: &Cx, user: &User) -> SecretText {
    let parts = cx.parts();
    let expires = cx.now().after(LIFETIME).as_milliseconds();
    let mut words = user.id.as_bytes().to_vec();
    words.extend(expires.to_be_bytes());
    words.extend(password_of(user));
    SecretText::new(text(parts.keyring.seal(&context(), &words, &*parts.random).as_bytes()))
}

/// The person of a note, while it is good.
pub(super) async fn open(cx: &Cx, note: &SecretText) -> Result<Option<(User, Once)>, Failure> {
    let Some(sealed) = bytes(note.expose().trim()) else { return Ok(None) };
    let once = hash_of("pending sign-in", &sealed);
    let Ok(words) = cx.parts().keyring.open(&context(), &Sealed::from_bytes(sealed)) else {
        return Ok(None);
    };
    let Some((id, rest)) = words.expose().split_first_chunk() else { return Ok(None) };
    let Some((expires, password)) = rest.split_first_chunk() else { return Ok(None) };
    let expires = Timestamp::from_milliseconds(i64::from_be_bytes(*expires));
    let user = cx.read().await?.users().find(UserId::from_bytes(*id)).await?;
    let good = |user: &User| !user.disabled && password_of(user) == password && cx.now() < expires;
    Ok(user.filter(good).map(|user| (user, Once { hash: once, expires })))
}

fn password_of(user: &User) -> [u8; 32] {
    *hash_of("password of a pending sign-in", user.password.as_str().as_bytes()).as_bytes()
}

fn context() -> Context {
    Context::new("pending sign-in", "", "note")
}
