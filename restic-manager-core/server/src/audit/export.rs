//! The log as a file of JSON lines that proves itself: entries, checkpoints among them, and a last line.

use restic_manager_crypto::{Fingerprint, Identity, PublicKey};
use restic_manager_proto::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_store::audit::{Actor, AuditEntry, AuditHead, NewAuditEntry, Subject};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read as _};

use super::{
    chain::{Fault, judge},
    checkpoint::Checkpoint,
    hex::{hex, unhex},
    walk::Whole,
};

/// What the first line names itself.
const FORMAT: &str = "restic-manager audit export 1";
/// Longest line that is read.
const LINE_BYTES: u64 = 4 * 1024 * 1024;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line {
    /// The first.
    Export { format: String, public_key: String, fingerprint: String, made_at: Timestamp },
    /// One entry.
    Entry(Box<EntryLine>),
    /// The server's word for everything before it.
    Checkpoint { checkpoint: String },
    /// The last.
    End { entries: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryLine {
    sequence: u64,
    id: AuditId,
    moment: Timestamp,
    actor_kind: ActorKind,
    actor_id: Option<String>,
    actor_name: Option<String>,
    action: Action,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    subject_name: Option<String>,
    outcome: Outcome,
    address: Option<String>,
    detail: serde_json::Value,
    previous_hash: String,
    hash: String,
}

/// The first line of a file.
pub(crate) fn first_line(identity: &Identity, now: Timestamp) -> serde_json::Result<String> {
    let key = identity.public_key();
    line(&Line::Export {
        format: FORMAT.to_owned(),
        public_key: hex(key.as_bytes()),
        fingerprint: key.fingerprint().to_string(),
        made_at: now,
    })
}

/// One entry.
pub(crate) fn entry_line(entry: &AuditEntry) -> serde_json::Result<String> {
    line(&Line::Entry(Box::new(EntryLine::of(entry))))
}

/// The server's word for everything before it.
pub(crate) fn checkpoint_line(checkpoint: &Checkpoint) -> serde_json::Result<String> {
    line(&Line::Checkpoint { checkpoint: checkpoint.to_string() })
}

/// The last line of a file.
pub(crate) fn last_line(entries: u64) -> serde_json::Result<String> {
    line(&Line::End { entries })
}

fn line(line: &Line) -> serde_json::Result<String> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    Ok(text)
}

impl EntryLine {
    fn of(stored: &AuditEntry) -> Self {
        let AuditEntry { sequence, entry, previous_hash, hash } = stored.clone();
        let (subject_kind, subject_id, subject_name) = match entry.subject {
            Some(Subject { kind, id, name }) => (Some(kind), id, name),
            None => (None, None, None),
        };
        Self {
            sequence,
            id: entry.id,
            moment: entry.moment,
            actor_kind: entry.actor.kind,
            actor_id: entry.actor.id,
            actor_name: entry.actor.name,
            action: entry.action,
            subject_kind,
            subject_id,
            subject_name,
            outcome: entry.outcome,
            address: entry.address,
            detail: entry.detail,
            previous_hash: hex(&previous_hash),
            hash: hex(&hash),
        }
    }

    fn entry(self) -> Option<AuditEntry> {
        let (id, name) = (self.subject_id, self.subject_name);
        Some(AuditEntry {
            sequence: self.sequence,
            previous_hash: unhex(&self.previous_hash)?,
            hash: unhex(&self.hash)?,
            entry: NewAuditEntry {
                id: self.id,
                moment: self.moment,
                actor: Actor { kind: self.actor_kind, id: self.actor_id, name: self.actor_name },
                action: self.action,
                subject: self.subject_kind.map(|kind| Subject { kind, id, name }),
                outcome: self.outcome,
                address: self.address,
                detail: self.detail,
            },
        })
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a file is whole, is not, or is nothing that can be judged")]
pub enum ExportVerdict {
    /// Every entry is as it was written, and in its place.
    Whole(Whole),
    /// It is not.
    Broken(Fault),
    /// A line is not one of an export, by its number from 1.
    Damaged(u64),
    /// It breaks off: the last line is missing.
    CutOff,
    /// It is no export of this server.
    Foreign(&'static str),
}

/// Reads a file, a line at a time. `kept` are checkpoints that were kept elsewhere.
///
/// # Errors
/// When the file cannot be read.
pub fn verify_export(
    mut file: impl BufRead,
    trusted: &Fingerprint,
    kept: &[Checkpoint],
) -> io::Result<ExportVerdict> {
    let key = match next(&mut file)? {
        Some(Ok(Line::Export { format, public_key, .. })) if format == FORMAT => unhex(&public_key),
        _ => return Ok(ExportVerdict::Foreign("it is not an export of the audit log")),
    };
    let Some(key) = key.map(PublicKey::from_bytes).filter(|key| key.fingerprint() == *trusted) else {
        return Ok(ExportVerdict::Foreign("it is an export of a server with another fingerprint"));
    };
    let mut reading = Reading { key, head: AuditHead::START, covered: 0, kept };
    let mut number = 1;
    while let Some(line) = next(&mut file)? {
        number += 1;
        let step = match line {
            Ok(Line::Entry(entry)) => match entry.entry() {
                Some(entry) => reading.entry(&entry),
                None => return Ok(ExportVerdict::Damaged(number)),
            },
            Ok(Line::Checkpoint { checkpoint }) => match checkpoint.parse() {
                Ok(checkpoint) => reading.checkpoint(&checkpoint),
                Err(_) => return Ok(ExportVerdict::Damaged(number)),
            },
            Ok(Line::End { entries }) => {
                let rest = next(&mut file)?;
                if rest.is_some() || entries != reading.head.sequence {
                    return Ok(ExportVerdict::Damaged(number));
                }
                return Ok(reading.end());
            }
            Ok(Line::Export { .. }) | Err(_) => return Ok(ExportVerdict::Damaged(number)),
        };
        if let Err(fault) = step {
            return Ok(ExportVerdict::Broken(fault));
        }
    }
    Ok(ExportVerdict::CutOff)
}

struct Reading<'a> {
    key: PublicKey,
    head: AuditHead,
    covered: u64,
    kept: &'a [Checkpoint],
}

impl Reading<'_> {
    fn entry(&mut self, entry: &AuditEntry) -> Result<(), Fault> {
        self.head = judge(self.head, entry)?;
        for mark in self.kept.iter().filter(|mark| mark.head().sequence == entry.sequence) {
            self.checkpoint(mark)?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, mark: &Checkpoint) -> Result<(), Fault> {
        let known = mark.head();
        if !mark.is_of(&self.key) {
            return Err(Fault::Forged(known.sequence));
        }
        if known != self.head {
            return Err(Fault::Rewritten(known.sequence));
        }
        self.covered = known.sequence;
        Ok(())
    }

    fn end(&self) -> ExportVerdict {
        let last = self.head.sequence;
        match self.kept.iter().map(|mark| mark.head().sequence).max() {
            Some(known) if known > last => ExportVerdict::Broken(Fault::Truncated { last, known }),
            _ => ExportVerdict::Whole(Whole::new(self.head, self.covered)),
        }
    }
}

/// The next line; `None` at the end of the file.
fn next(file: &mut impl BufRead) -> io::Result<Option<Result<Line, serde_json::Error>>> {
    let mut text = Vec::new();
    let read = file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut text)?;
    Ok((read > 0).then(|| serde_json::from_slice(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::SeededRandom;

    fn sample(identity: &Identity) -> Vec<String> {
        let now = Timestamp::from_milliseconds(1_795_316_400_000);
        let mut lines = vec![first_line(identity, now).unwrap()];
        let mut head = AuditHead::START;
        for number in 1..=6_u8 {
            let entry = NewAuditEntry {
                id: AuditId::from_bytes([number; 16]),
                moment: now,
                actor: Actor { kind: ActorKind::User, id: Some("1".into()), name: Some("=Ada\n\"".into()) },
                action: Action::Login,
                subject: Some(Subject { kind: "host".into(), id: None, name: Some("wörter".into()) }),
                outcome: Outcome::Done,
                address: None,
                detail: serde_json::json!({ "b": 1.5, "a": [null, "x"] }),
            };
            let linked = AuditEntry::link(head, entry);
            head = linked.head();
            lines.push(entry_line(&linked).unwrap());
            if number % 3 == 0 {
                lines.push(checkpoint_line(&Checkpoint::sign(identity, head, now)).unwrap());
            }
        }
        lines.push(last_line(6).unwrap());
        lines
    }

    fn judge_lines(lines: &[String], identity: &Identity) -> ExportVerdict {
        let trusted = identity.public_key().fingerprint();
        verify_export(lines.concat().as_bytes(), &trusted, &[]).unwrap()
    }

    #[test]
    fn a_file_proves_itself_and_each_kind_of_tampering_is_named() {
        let identity = Identity::generate(&SeededRandom::new(1));
        let whole = sample(&identity);
        let ExportVerdict::Whole(found) = judge_lines(&whole, &identity) else { panic!() };
        assert_eq!((found.head.sequence, found.covered), (6, 6));
        let with = |change: fn(&mut Vec<String>)| {
            let mut lines = sample(&identity);
            change(&mut lines);
            judge_lines(&lines, &identity)
        };
        let broken = ExportVerdict::Broken;
        assert_eq!(with(|l| l[2] = l[2].replace("Ada", "Eve")), broken(Fault::Changed(2)));
        assert_eq!(with(|l| drop(l.remove(2))), broken(Fault::Missing { first: 2, last: 2 }));
        assert_eq!(with(|l| l.swap(1, 2)), broken(Fault::Missing { first: 1, last: 1 }));
        assert_eq!(with(|l| l.truncate(6)), ExportVerdict::CutOff);
        assert_eq!(with(|l| drop(l.drain(6..9))), ExportVerdict::Damaged(7), "the last line counts");
        assert_eq!(with(|l| l[4] = l[4].replace(":3:", ":4:")), broken(Fault::Forged(4)));
        assert_eq!(with(|l| l[3] = "{}\n".to_owned()), ExportVerdict::Damaged(4));
        let other = Identity::generate(&SeededRandom::new(2));
        assert!(matches!(judge_lines(&whole, &other), ExportVerdict::Foreign(_)));
        let kept = Checkpoint::sign(
            &identity,
            AuditHead { sequence: 9, hash: [1; 32] },
            Timestamp::from_milliseconds(0),
        );
        let verdict =
            verify_export(whole.concat().as_bytes(), &identity.public_key().fingerprint(), &[kept]).unwrap();
        assert_eq!(verdict, broken(Fault::Truncated { last: 6, known: 9 }));
    }
}
