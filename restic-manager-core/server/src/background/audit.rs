//! The audit log is read again and again: new entries every minute, all of it every day. What is whole is signed; what is
//! not raises an alert.

use core::time::Duration;
use restic_manager_core::task::Rhythm;
use restic_manager_proto::{Timestamp, vocabulary::AlertKind};
use restic_manager_store::{Audit, Error, ErrorKind, alerts::AlertSubject, audit::AuditHead, retry};
use std::sync::Arc;

use super::rounds::Rounds;
use crate::{
    audit::{Checkpoint, Fault, Step, Walk},
    domain::alerts,
    parts::Parts,
};

/// A round may read the whole log.
const RHYTHM: Rhythm = Rhythm { every: Duration::from_secs(60), longest: Duration::from_secs(6 * 3600) };
/// How often all of it is read.
const WHOLE: Duration = Duration::from_secs(86_400);
/// Entries after which a checkpoint is signed, however young the last one is.
const ENTRIES: u64 = 1000;
/// The age after which new entries get a checkpoint, however few they are.
const AGE: Duration = Duration::from_secs(3600);
/// Pieces of the daily reading in one round.
const PIECES: usize = 50;

pub(super) async fn watch(parts: Arc<Parts>) {
    let rounds = Rounds::begin(&parts, RHYTHM, "verify the audit log");
    let mut watch = Watch::new(&parts);
    rounds.once(watch.round(&parts)).await;
    while rounds.wait().await {
        rounds.once(watch.round(&parts)).await;
    }
}

struct Watch {
    /// Follows what is new; at the start it reads everything.
    newest: Walk,
    /// Reads what is old once more, while there is something left of it.
    again: Option<Walk>,
    /// When a reading from the start began.
    began: Timestamp,
    broken: bool,
    signed: bool,
}

impl Watch {
    fn new(parts: &Parts) -> Self {
        let newest = Walk::from_start(parts.identity.public_key());
        Self { newest, again: None, began: parts.now(), broken: false, signed: false }
    }

    async fn round(&mut self, parts: &Parts) -> Result<(), Error> {
        let now = parts.now();
        if now.since(self.began) >= WHOLE {
            self.began = now;
            if self.broken {
                // It may have been put right; nothing that was seen before counts.
                self.newest = Walk::from_start(parts.identity.public_key());
            } else {
                self.again = Some(Walk::from_start(parts.identity.public_key()));
            }
        } else if self.broken {
            return Ok(());
        }
        let from_start = self.newest.head() == AuditHead::START;
        match run(&mut self.newest, parts, usize::MAX).await? {
            Step::Broken(fault) => return self.report(parts, &fault).await,
            Step::More => return Ok(()),
            Step::End(_) => self.found_whole(parts, from_start).await?,
        }
        self.sign(parts).await?;
        if let Some(walk) = &mut self.again {
            match run(walk, parts, PIECES).await? {
                Step::More => {}
                Step::End(_) => {
                    self.again = None;
                    self.found_whole(parts, true).await?;
                }
                Step::Broken(fault) => return self.report(parts, &fault).await,
            }
        }
        Ok(())
    }

    async fn found_whole(&mut self, parts: &Parts, from_start: bool) -> Result<(), Error> {
        let now = parts.now();
        let was_broken = std::mem::take(&mut self.broken);
        parts.audit_proof.update(|proof| {
            proof.verified = Some((self.newest.head().sequence, now));
            proof.fault = None;
            if from_start {
                proof.whole = Some(now);
            }
        });
        if from_start || was_broken {
            retry(async || {
                let mut change = parts.begin().await?;
                let about = AlertSubject::server();
                if alerts::resolve(&mut change, AlertKind::AuditChainBroken, &about).await? {
                    change.commit(Audit::Routine("the audit log was found whole")).await?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        }
        Ok(())
    }

    /// Signs the end of what was found whole, when that is due.
    async fn sign(&mut self, parts: &Parts) -> Result<(), Error> {
        let (head, now) = (self.newest.head(), parts.now());
        let last = parts.store.read().await?.checkpoints().last().await?;
        let due = match last {
            None => head.sequence > 0,
            Some(last) => {
                head.sequence > last.head.sequence
                    && (!self.signed
                        || head.sequence - last.head.sequence >= ENTRIES
                        || now.since(last.moment) >= AGE)
            }
        };
        if !due {
            return Ok(());
        }
        let checkpoint = Checkpoint::sign(&parts.identity, head, now);
        let stored = retry(async || {
            let mut transaction = parts.begin().await?;
            transaction.checkpoints().add(checkpoint.stored()).await?;
            transaction.commit(Audit::Routine("the audit log got a checkpoint")).await
        })
        .await;
        match stored {
            // Another server was faster.
            Err(error) if error.kind() == ErrorKind::Taken => {}
            stored => stored?,
        }
        self.signed = true;
        tracing::info!(checkpoint = %checkpoint, "the audit log is whole; keep this line elsewhere to prove it later");
        Ok(())
    }

    async fn report(&mut self, parts: &Parts, fault: &Fault) -> Result<(), Error> {
        self.broken = true;
        self.again = None;
        let summary = format!("The audit log is not as it was written: {fault}.");
        parts.audit_proof.update(|proof| proof.fault = Some(fault.to_string()));
        tracing::error!(%fault, "the audit log is broken");
        let detail = serde_json::json!({ "verified_up_to": self.newest.head().sequence });
        let found = alerts::found(
            parts,
            AlertKind::AuditChainBroken,
            AlertSubject::server(),
            "audit log",
            summary,
            detail,
        );
        retry(async || {
            let mut transaction = parts.begin().await?;
            alerts::raise(&mut transaction, &found).await?;
            transaction.commit(Audit::Routine("the audit log was found broken")).await
        })
        .await
    }
}

/// Some pieces of a walk; ends early at a fault, at the end, or when the server stops.
async fn run(walk: &mut Walk, parts: &Parts, pieces: usize) -> Result<Step, Error> {
    for _ in 0..pieces {
        match walk.step(&*parts.store).await? {
            Step::More if parts.shutdown.is_requested() => return Ok(Step::More),
            Step::More => tokio::task::yield_now().await,
            done => return Ok(done),
        }
    }
    Ok(Step::More)
}
