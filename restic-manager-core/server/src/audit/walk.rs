//! Through the log as it is stored, a piece at a time, past every checkpoint.

use restic_manager_crypto::PublicKey;
use restic_manager_store::{Error, ErrorKind, Read, Store, audit::AuditHead};

use super::{
    chain::{Fault, judge},
    checkpoint::Checkpoint,
};

/// Entries that are held in memory at once.
const PIECE: usize = 1000;

/// What a whole log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Whole {
    /// Its end.
    pub head: AuditHead,
    /// The last entry that a checkpoint covers; 0 for none.
    pub covered: u64,
}

impl Whole {
    pub(super) const fn new(head: AuditHead, covered: u64) -> Self {
        Self { head, covered }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a log is whole, or it is not")]
pub enum Verdict {
    /// Every entry is as it was written, and in its place.
    Whole(Whole),
    /// It is not.
    Broken(Fault),
}

/// Reads the whole log. `kept` are checkpoints that were kept elsewhere: the log must reach as far as each, and agree.
///
/// # Errors
/// When the database fails.
pub async fn verify(store: &dyn Store, signer: &PublicKey, kept: &[Checkpoint]) -> Result<Verdict, Error> {
    let mut walk = Walk::from_start(*signer).past(kept.to_vec());
    loop {
        match walk.step(store).await? {
            Step::More => {}
            Step::End(whole) => return Ok(Verdict::Whole(whole)),
            Step::Broken(fault) => return Ok(Verdict::Broken(fault)),
        }
    }
}

/// A walk that can stop between pieces, and go on when there is more.
pub(crate) struct Walk {
    head: AuditHead,
    covered: u64,
    signer: PublicKey,
    kept: Vec<Checkpoint>,
}

/// What one piece showed.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// It is well so far, and there is more.
    More,
    /// It is well, and this was all.
    End(Whole),
    /// It is not well.
    Broken(Fault),
}

impl Walk {
    pub(crate) const fn from_start(signer: PublicKey) -> Self {
        Self { head: AuditHead::START, covered: 0, signer, kept: Vec::new() }
    }

    /// On from an end that was found whole before.
    pub(crate) const fn after(head: AuditHead, signer: PublicKey) -> Self {
        Self { head, covered: 0, signer, kept: Vec::new() }
    }

    /// The same past checkpoints that are kept elsewhere.
    pub(crate) fn past(mut self, kept: impl IntoIterator<Item = Checkpoint>) -> Self {
        self.kept.extend(kept);
        self
    }

    /// The last entry that was seen.
    pub(crate) const fn head(&self) -> AuditHead {
        self.head
    }

    pub(crate) async fn step(&mut self, store: &dyn Store) -> Result<Step, Error> {
        let mut read = store.read().await?;
        let marks = self.marks(read.as_mut()).await?;
        let mut marks = marks.into_iter().peekable();
        let entries = match read.audit().since(self.head.sequence + 1, PIECE).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::Corrupt => return self.unreadable(read.as_mut()).await,
            Err(error) => return Err(error),
        };
        for entry in &entries {
            match judge(self.head, entry) {
                Ok(head) => self.head = head,
                Err(fault) => return Ok(Step::Broken(fault)),
            }
            while let Some(mark) = marks.next_if(|mark| mark.head().sequence == self.head.sequence) {
                if let Err(fault) = self.pass(&mark) {
                    return Ok(Step::Broken(fault));
                }
            }
        }
        if entries.len() == PIECE {
            return Ok(Step::More);
        }
        if let Some(mark) = marks.next() {
            return Ok(Step::Broken(self.beyond(&mark)));
        }
        let last = read.audit().head().await?.sequence;
        if last < self.head.sequence {
            // Seen a while ago, and gone by now.
            return Ok(Step::Broken(Fault::Truncated { last, known: self.head.sequence }));
        }
        Ok(Step::End(Whole { head: self.head, covered: self.covered }))
    }

    /// The checkpoints ahead that this piece may reach, in order.
    async fn marks(&self, read: &mut dyn Read) -> Result<Vec<Checkpoint>, Error> {
        let stored = read.checkpoints().covering(self.head.sequence + 1, PIECE).await?;
        let kept = self.kept.iter().filter(|mark| mark.head().sequence > self.head.sequence).copied();
        let mut marks: Vec<_> = stored.into_iter().map(Checkpoint::from).chain(kept).collect();
        marks.sort_by_key(|mark| mark.head().sequence);
        Ok(marks)
    }

    fn pass(&mut self, mark: &Checkpoint) -> Result<(), Fault> {
        if !mark.is_of(&self.signer) {
            return Err(Fault::Forged(self.head.sequence));
        }
        if mark.head() != self.head {
            return Err(Fault::Rewritten(self.head.sequence));
        }
        self.covered = self.head.sequence;
        Ok(())
    }

    fn beyond(&self, mark: &Checkpoint) -> Fault {
        let known = mark.head().sequence;
        if mark.is_of(&self.signer) {
            Fault::Truncated { last: self.head.sequence, known }
        } else {
            Fault::Forged(known)
        }
    }

    /// Some entry of this piece cannot be read: goes on one by one, so that the first one is named.
    async fn unreadable(&mut self, read: &mut dyn Read) -> Result<Step, Error> {
        loop {
            let next = self.head.sequence + 1;
            match read.audit().since(next, 1).await {
                Ok(entries) => match entries.first().map(|entry| judge(self.head, entry)) {
                    Some(Ok(head)) => self.head = head,
                    Some(Err(fault)) => return Ok(Step::Broken(fault)),
                    None => return Ok(Step::Broken(Fault::Unreadable(next))),
                },
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    return Ok(Step::Broken(Fault::Unreadable(next)));
                }
                Err(error) => return Err(error),
            }
        }
    }
}
