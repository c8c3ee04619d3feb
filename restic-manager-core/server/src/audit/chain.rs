//! Whether one entry follows another, and what is wrong when it does not.

use restic_manager_store::audit::{AuditEntry, AuditHead};

/// How far an entry may have been moved for its old place to be found.
const REACH: u64 = 256;

/// What is wrong with the first entry that is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Its content is not what its hash was made of.
    #[error("entry {0} was changed after it was written")]
    Changed(u64),
    /// There is a gap.
    #[error("entries {first} to {last} are missing")]
    Missing {
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
    },
    /// It is whole, but stands at another place.
    #[error("entries were reordered: at {stands} stands what was written as entry {written}")]
    Moved {
        /// Where it stands.
        stands: u64,
        /// Where it was written.
        written: u64,
    },
    /// It is whole by itself, and follows another entry than the one before it.
    #[error("entry {0} does not follow the one before it: one of the two was put in another's place")]
    Detached(u64),
    /// The log ends before what somebody vouched for.
    #[error("the log was truncated: it ends at entry {last}, and entry {known} is known to have been there")]
    Truncated {
        /// The last that is there.
        last: u64,
        /// The last that was there.
        known: u64,
    },
    /// The chain is whole, and is not the one that was signed.
    #[error("the log was rewritten at or before entry {0}: a signed checkpoint knows another entry there")]
    Rewritten(u64),
    /// A checkpoint is not this server's.
    #[error("the checkpoint at entry {0} is not signed by this server")]
    Forged(u64),
    /// It does not even have the form of an entry.
    #[error("entry {0} was changed: it cannot be read")]
    Unreadable(u64),
}

/// The end of the chain once an entry was added to it.
///
/// # Errors
/// What is wrong, when the entry does not follow.
pub fn judge(head: AuditHead, entry: &AuditEntry) -> Result<AuditHead, Fault> {
    let expected = head.sequence.saturating_add(1);
    if entry.follows(head) {
        return Ok(entry.head());
    }
    if entry.sequence > expected {
        return Err(Fault::Missing { first: expected, last: entry.sequence - 1 });
    }
    if entry.sequence < expected {
        return Err(Fault::Moved { stands: expected, written: entry.sequence });
    }
    if entry.is_as_written() {
        return Err(Fault::Detached(expected));
    }
    let around = expected.saturating_sub(REACH).max(1)..=expected.saturating_add(REACH);
    match around.into_iter().find(|place| entry.was_written_at(*place)) {
        Some(written) => Err(Fault::Moved { stands: expected, written }),
        None => Err(Fault::Changed(expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::{
        AuditId, Timestamp,
        vocabulary::{Action, ActorKind, Outcome},
    };
    use restic_manager_store::audit::{Actor, NewAuditEntry};

    fn chain(length: u8) -> Vec<AuditEntry> {
        let mut head = AuditHead::START;
        (1..=length)
            .map(|number| {
                let entry = NewAuditEntry {
                    id: AuditId::from_bytes([number; 16]),
                    moment: Timestamp::from_milliseconds(i64::from(number)),
                    actor: Actor { kind: ActorKind::System, id: None, name: None },
                    action: Action::Login,
                    subject: None,
                    outcome: Outcome::Done,
                    address: None,
                    detail: serde_json::json!({ "number": number }),
                };
                let linked = AuditEntry::link(head, entry);
                head = linked.head();
                linked
            })
            .collect()
    }

    fn fault(entries: &[AuditEntry]) -> Option<Fault> {
        entries.iter().try_fold(AuditHead::START, judge).err()
    }

    #[test]
    fn each_kind_of_tampering_is_named_with_the_first_entry_that_is_wrong() {
        assert_eq!(fault(&chain(9)), None);
        let mut changed = chain(9);
        changed[4].entry.actor.name = Some("Eve".to_owned());
        assert_eq!(fault(&changed), Some(Fault::Changed(5)));
        let mut missing = chain(9);
        missing.drain(2..4);
        assert_eq!(fault(&missing), Some(Fault::Missing { first: 3, last: 4 }));
        let mut swapped = chain(9);
        swapped.swap(2, 6);
        (swapped[2].sequence, swapped[6].sequence) = (3, 7);
        assert_eq!(fault(&swapped), Some(Fault::Moved { stands: 3, written: 7 }));
        let mut replaced = chain(9);
        let forged = AuditEntry::link(replaced[2].head(), changed[4].entry.clone());
        replaced[3] = forged;
        assert_eq!(fault(&replaced), Some(Fault::Detached(5)), "a rewritten entry shows at the next");
    }
}
