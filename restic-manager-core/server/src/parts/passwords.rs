//! Passwords are slow to hash on purpose: off the async threads, a few at once, and only so many waiting.

use core::time::Duration;
use restic_manager_crypto::{HtpasswdError, Passwords, Random, SecretString, Verdict, htpasswd_line};
use restic_manager_proto::api::{Code, Problem};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{config::Limits, failure::Failure, limits::KNOWN_PLACES};

/// Hashes and compares passwords in turn.
pub(crate) struct PasswordQueue {
    passwords: Arc<Passwords>,
    random: Arc<dyn Random>,
    threads: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    places: usize,
}

impl PasswordQueue {
    pub(crate) fn new(passwords: Passwords, random: Arc<dyn Random>, limits: &Limits) -> Self {
        Self {
            passwords: Arc::new(passwords),
            random,
            threads: Arc::new(Semaphore::new(limits.password_threads.max(1))),
            inside: Arc::default(),
            places: limits.password_threads.max(1) + limits.password_queue,
        }
    }

    /// The text to store for a new password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Failure> {
        let random = Arc::clone(&self.random);
        self.run(move |passwords| passwords.hash(&password, &random)).await
    }

    /// The line of a user in an htpasswd file.
    pub(crate) async fn htpasswd_line(
        &self,
        user: String,
        password: SecretString,
    ) -> Result<Result<String, HtpasswdError>, Failure> {
        let random = Arc::clone(&self.random);
        self.run(move |_| Ok(htpasswd_line(&user, password.expose(), &random))).await
    }

    /// Compares a password with what is stored; takes as long when nothing is.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
        by: Guesser,
    ) -> Result<Verdict, Failure> {
        self.run_for(by, move |passwords| match stored {
            Some(stored) => passwords.verify(&password, &stored),
            None => passwords.verify_nobody(&password),
        })
        .await
        .inspect(|_| tracing::trace!("a password was compared"))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Passwords) -> Result<T, restic_manager_crypto::PasswordError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run_for(Guesser::Stranger, work).await
    }

    async fn run_for<T: Send + 'static>(
        &self,
        by: Guesser,
        work: impl FnOnce(&Passwords) -> Result<T, restic_manager_crypto::PasswordError> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = QueuePlace::take(&self.inside, self.places, by).ok_or_else(crowded)?;
        let thread = Arc::clone(&self.threads).acquire_owned().await;
        let passwords = Arc::clone(&self.passwords);
        // Permit and place move into the thread: a caller who goes away does not free what is still in use.
        let done = spawn_blocking(move || {
            let _held = (place, thread);
            work(&passwords)
        })
        .await;
        done.map_err(|error| Failure::internal("the thread that hashes a password ended early", error))?
            .map_err(|error| Failure::internal("could not hash a password", error))
    }
}

/// Who shows a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guesser {
    /// Somebody in a browser that has opened the account before, or who is signed in.
    Known,
    /// Anybody else.
    Stranger,
}

struct QueuePlace(Arc<AtomicUsize>);

impl QueuePlace {
    fn take(inside: &Arc<AtomicUsize>, places: usize, by: Guesser) -> Option<Self> {
        let place = Self(Arc::clone(inside));
        let places = match by {
            Guesser::Known => places + KNOWN_PLACES,
            Guesser::Stranger => places,
        };
        (inside.fetch_add(1, Ordering::Relaxed) < places).then_some(place)
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn crowded() -> Failure {
    let problem = Problem::new(
        Code::TooManyRequests,
        "too many people are signing in at this moment",
        "try again in a few seconds",
    );
    Failure::ComeAgain(Box::new(problem), Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_wait_in_turn_and_not_without_end() {
        let inside = Arc::default();
        let take = |by| QueuePlace::take(&inside, 34, by);
        let strangers: Vec<_> = core::iter::from_fn(|| take(Guesser::Stranger)).collect();
        assert_eq!(strangers.len(), 34);
        let known: Vec<_> = core::iter::from_fn(|| take(Guesser::Known)).collect();
        assert_eq!(known.len(), KNOWN_PLACES, "strangers leave these to known browsers");
        drop((strangers, known));
        assert!(take(Guesser::Stranger).is_some());
        assert_eq!(inside.load(Ordering::Relaxed), 0);
    }
}
