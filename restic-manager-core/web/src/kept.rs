//! A form that waits until its sender has proved who they are.
//!
//! It waits in the browser, so that any number of them costs nothing here, and sealed, because it may hold secrets
//! that no page shows again. It opens only for the person and the address that it was typed for.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use restic_manager_crypto::{Context, Keyring, Random, Sealed};
use restic_manager_proto::{Timestamp, UserId};
use std::{sync::Arc, time::Duration};

use crate::forms::Form;

/// How long a form can wait.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// Longer forms are not kept: sealed they must fit into a form again.
const LONGEST: usize = 128 * 1024;

/// Seals and opens waiting forms with a key of this process alone.
pub(crate) struct Kept {
    keyring: Keyring,
    random: Arc<dyn Random>,
}

impl Kept {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        Self { keyring: Keyring::generate(&random), random }
    }

    /// The form as a text that nobody else can read; none when it is too long.
    pub(crate) fn seal(&self, user: UserId, path: &str, form: &Form, now: Timestamp) -> Option<String> {
        let mut text = now.as_milliseconds().to_be_bytes().to_vec();
        text.extend(form.written().into_bytes());
        if text.len() > LONGEST {
            return None;
        }
        let sealed = self.keyring.seal(&context(user, path), &text, &self.random);
        Some(Base64UrlUnpadded::encode_string(sealed.as_bytes()))
    }

    /// The form, if this process kept it for this person and address less than an hour ago.
    pub(crate) fn open(&self, user: UserId, path: &str, kept: &str, now: Timestamp) -> Option<Form> {
        let sealed = Base64UrlUnpadded::decode_vec(kept).ok()?;
        let text = self.keyring.open(&context(user, path), &Sealed::from_bytes(sealed)).ok()?;
        let (moment, form) = text.expose().split_first_chunk()?;
        let since = now.since(Timestamp::from_milliseconds(i64::from_be_bytes(*moment)));
        (since < PATIENCE).then(|| Form::parse(form))
    }
}

fn context(user: UserId, path: &str) -> Context {
    Context::new("waiting form", format!("{user}\n{path}"), "fields")
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::SystemRandom;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    #[test]
    fn a_form_waits_for_its_sender_at_its_address_for_an_hour() {
        let kept = Kept::new(Arc::new(SystemRandom::new()));
        let (ada, bob) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let form = Form::parse(b"password=SECRET+VALUE&name=%C3%BC%26x");
        let sealed = kept.seal(ada, "/a", &form, at(0)).unwrap();
        assert!(!sealed.contains("SECRET"));
        let opened = kept.open(ada, "/a", &sealed, at(3599)).unwrap();
        assert_eq!((opened.raw("password"), opened.text("name")), ("SECRET VALUE", "ü&x"));
        assert!(kept.open(ada, "/a", &sealed, at(3600)).is_none(), "it waited too long");
        assert!(kept.open(bob, "/a", &sealed, at(1)).is_none(), "somebody else's");
        assert!(kept.open(ada, "/b", &sealed, at(1)).is_none(), "for another address");
        assert!(kept.open(ada, "/a", "", at(1)).is_none() && kept.open(ada, "/a", "!", at(1)).is_none());
        let other = Kept::new(Arc::new(SystemRandom::new()));
        assert!(other.open(ada, "/a", &sealed, at(1)).is_none(), "another process has another key");
        let long = Form::parse(format!("x={}", "a".repeat(LONGEST)).as_bytes());
        assert!(kept.seal(ada, "/a", &long, at(0)).is_none());
    }
}
