//! The word of whoever may run commands on the server's machine that a database which is older than its mark is the one to go
//! on with. There is no route to it.

use restic_manager_core::{alert::meaning, clock::Clock, mint::Mint};
use restic_manager_crypto::Random;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Action, AlertKind},
};
use restic_manager_store::{
    Audit, Error as StoreError, PageRequest, Store, Transaction,
    alerts::{AlertSubject, NewAlert},
    audit::{Actor, NewAuditEntry},
    retry,
};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    audit::{Checkpoint, Mark, MarkFile, MarkFileError},
    domain::mark,
    entry::{SYSTEM, entry},
};

/// What was accepted, and what ended with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The generation that the database had been known to have; none where there was no mark that can be read.
    pub known: Option<u64>,
    /// When it was known to have it.
    pub known_at: Option<Timestamp>,
    /// The generation that it has from now on.
    pub generation: u64,
    /// How many sessions ended.
    pub sessions_ended: u64,
    /// How many API tokens were revoked.
    pub tokens_revoked: u64,
    /// Who can sign in from now on, by name: whoever was disabled since then can do so again.
    pub can_sign_in: Vec<String>,
}

/// Nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The new mark could not be written; the old one still refuses the database.
    #[error(transparent)]
    Mark(#[from] MarkFileError),
    /// The database.
    #[error("could not use the database")]
    Store(#[from] StoreError),
}

/// Accepts the database as it is. Sessions and API tokens of it end, for some of them had ended by later words that are not in
/// it. A mark that cannot be read is replaced.
///
/// # Errors
/// When the database or the mark cannot be written. Running it again does no harm.
pub async fn accept_database(
    store: &dyn Store,
    mark_file: &MarkFile,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    operator: &str,
) -> Result<Accepted, AcceptError> {
    let known = mark_file.read().unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn core::error::Error, "the mark is replaced");
        None
    });
    let now = clock.now();
    let acceptance = Acceptance { known, now, mint: Mint::new(clock, random), operator };
    let (accepted, checkpoint) = retry(async || acceptance.run(store).await).await?;
    mark_file.write(&Mark { generation: accepted.generation, moment: now, checkpoint })?;
    tracing::warn!(
        operator,
        generation = accepted.generation,
        "an older database was accepted by a command on the server's machine"
    );
    Ok(accepted)
}

struct Acceptance<'a> {
    known: Option<Mark>,
    now: Timestamp,
    mint: Mint,
    operator: &'a str,
}

impl Acceptance<'_> {
    async fn run(&self, store: &dyn Store) -> Result<(Accepted, Option<Checkpoint>), StoreError> {
        let mut change = store.begin().await?;
        let generation = mark::next(change.as_mut()).await?;
        let (ended, can_sign_in) = end_all(change.as_mut(), self.now).await?;
        let accepted = Accepted {
            known: self.known.map(|mark| mark.generation),
            known_at: self.known.map(|mark| mark.moment),
            generation,
            sessions_ended: ended.sessions,
            tokens_revoked: ended.tokens,
            can_sign_in,
        };
        let detail = self.detail(&accepted);
        change.alerts().raise(&self.alert(detail.clone())).await?;
        let checkpoint = change.checkpoints().last().await?.map(Checkpoint::from);
        change.commit(Audit::entry(self.entry(detail))).await?;
        Ok((accepted, checkpoint))
    }

    /// The checkpoint that the mark had proves to whoever kept the newer database how far it went.
    fn detail(&self, accepted: &Accepted) -> Value {
        let checkpoint = self.known.and_then(|mark| mark.checkpoint);
        json!({
            "known_generation": accepted.known,
            "known_at": accepted.known_at,
            "known_checkpoint": checkpoint.map(|checkpoint| checkpoint.to_string()),
            "generation": accepted.generation,
            "sessions_ended": accepted.sessions_ended,
            "tokens_revoked": accepted.tokens_revoked,
        })
    }

    fn alert(&self, detail: Value) -> NewAlert {
        NewAlert {
            id: self.mint.alert(),
            kind: AlertKind::ServerRestored,
            severity: meaning(AlertKind::ServerRestored).severity,
            subject: AlertSubject::server(),
            subject_name: "database".to_owned(),
            summary:
                "A database that is older than this server knew it was accepted on the server's machine."
                    .to_owned(),
            detail,
            host: None,
            repository: None,
            job: None,
            evidence: String::new(),
            cause: None,
            moment: self.now,
        }
    }

    fn entry(&self, detail: Value) -> NewAuditEntry {
        let operator = Actor { name: Some(self.operator.to_owned()), ..SYSTEM };
        NewAuditEntry { detail, ..entry(self.mint.audit(), self.now, operator, Action::DatabaseAccept) }
    }
}

#[derive(Default)]
struct Ended {
    sessions: u64,
    tokens: u64,
}

/// Ends what lets somebody in without a password; gives the names of those who have one.
async fn end_all(
    transaction: &mut dyn Transaction,
    now: Timestamp,
) -> Result<(Ended, Vec<String>), StoreError> {
    let (mut ended, mut names) = (Ended::default(), Vec::new());
    let mut part = PageRequest::first(PageRequest::<()>::LIMIT);
    loop {
        let page = transaction.users().page(part).await?;
        for user in page.items {
            ended.sessions += transaction.sessions().end_all_of(user.id, None).await?;
            ended.tokens += transaction.api_tokens().revoke_all_of(user.id, now).await?;
            // One that was followed since then would set a password once more.
            transaction.setup_links().remove(user.id).await?;
            if !user.disabled && user.password_set.is_some() {
                names.push(user.name);
            }
        }
        match page.next {
            Some(next) => part = PageRequest::after(next, PageRequest::<()>::LIMIT),
            None => return Ok((ended, names)),
        }
    }
}
