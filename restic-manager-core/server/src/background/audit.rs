//! The audit log is read again and again: new entries every minute, all of it every day. What is whole is signed; what is
//! not raises an alert.

use core::time::Duration;
use restic_manager_core::task::Rhythm;
use restic_manager_proto::{Timestamp, vocabulary::AlertKind};
use restic_manager_store::{Audit, Error, ErrorKind, alerts::AlertSubject, audit::AuditHead, retry};
use std::sync::Arc;

use super::rounds::{self, Rounds};
use crate::{
    audit::{Checkpoint, Fault, Step, Walk},
    domain::{alerts, mark},
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
/// How long the signing at a stop may take.
const FINISH: Duration = Duration::from_secs(5);
/// Pieces of the daily reading in one round.
const PIECES: usize = 50;

pub(super) async fn watch(parts: Arc<Parts>) {
    let rounds = Rounds::begin(&parts, RHYTHM, "verify the audit log");
    let mut watch = Watch::new(&parts);
    rounds.once(watch.turn(&parts)).await;
    while rounds.wait().await {
        rounds.once(watch.turn(&parts)).await;
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
        let newest = from_start(parts);
        Self { newest, again: None, began: parts.now(), broken: false, signed: false }
    }

    /// A round, and how far the database has come, noted beside it.
    async fn turn(&mut self, parts: &Parts) -> Result<(), Error> {
        let read = self.round(parts).await;
        let whole = (!self.broken).then(|| self.newest.head());
        rounds::report("move the mark of the database on", mark::advance(parts, whole).await);
        read
    }

    async fn round(&mut self, parts: &Parts) -> Result<(), Error> {
        let now = parts.now();
        if now.since(self.began) >= WHOLE {
            self.began = now;
            if self.broken {
                // It may have been put right; nothing that was seen before counts.
                self.newest = from_start(parts);
            } else {
                self.again = Some(from_start(parts));
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
            proof.verified = Some((self.newest.head(), now));
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
        if due {
            sign(parts, head).await?;
            self.signed = true;
        }
        Ok(())
    }

    async fn report(&mut self, parts: &Parts, fault: &Fault) -> Result<(), Error> {
        self.broken = true;
        self.again = None;
        report(parts, self.newest.head(), fault).await
    }
}

/// From the first entry, past what the mark beside the database knows.
fn from_start(parts: &Parts) -> Walk {
    Walk::from_start(parts.identity.public_key()).past(parts.mark.checkpoint())
}

async fn sign(parts: &Parts, head: AuditHead) -> Result<(), Error> {
    let checkpoint = Checkpoint::sign(&parts.identity, head, parts.now());
    let stored = retry(async || {
        let mut change = parts.begin().await?;
        change.checkpoints().add(checkpoint.stored()).await?;
        change.commit(Audit::Routine("the audit log got a checkpoint")).await
    })
    .await;
    match stored {
        // Another server was faster.
        Err(error) if error.kind() == ErrorKind::Taken => {}
        stored => stored?,
    }
    tracing::info!(checkpoint = %checkpoint, "the audit log is whole; keep this line elsewhere to prove it later");
    Ok(())
}

async fn report(parts: &Parts, verified: AuditHead, fault: &Fault) -> Result<(), Error> {
    let summary = format!("The audit log is not as it was written: {fault}.");
    parts.audit_proof.update(|proof| proof.fault = Some(fault.to_string()));
    tracing::error!(%fault, "the audit log is broken");
    let detail = serde_json::json!({ "verified_up_to": verified.sequence });
    let found = alerts::found(
        parts,
        AlertKind::AuditChainBroken,
        AlertSubject::server(),
        "audit log",
        summary,
        detail,
    );
    retry(async || {
        let mut change = parts.begin().await?;
        alerts::raise(&mut change, &found).await?;
        change.commit(Audit::Routine("the audit log was found broken")).await
    })
    .await
}

/// Signs the end of the log once nothing writes to it any more, so that none of it can be rewritten while the server is
/// down. A log that was not read to its end, or not found whole, is not signed.
pub(super) async fn finish(parts: &Parts) {
    let last = parts.audit_proof.last();
    let (Some((head, _)), None) = (last.verified, last.fault) else { return };
    let signing = sign_what_is_new(parts, Walk::after(head, parts.identity.public_key()));
    let signed = tokio::time::timeout(FINISH, signing).await;
    rounds::report("sign the end of the audit log", signed.unwrap_or(Ok(())));
}

async fn sign_what_is_new(parts: &Parts, mut walk: Walk) -> Result<(), Error> {
    loop {
        match walk.step(&*parts.store).await? {
            Step::More => {}
            Step::Broken(fault) => return report(parts, walk.head(), &fault).await,
            Step::End(_) => break,
        }
    }
    let head = walk.head();
    let last = parts.store.read().await?.checkpoints().last().await?;
    if last.map_or(0, |last| last.head.sequence) < head.sequence {
        sign(parts, head).await?;
    }
    mark::advance(parts, Some(head)).await
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
