//! A signature over the end of the chain, in the database and as a line to keep elsewhere.

use core::{fmt, str::FromStr};
use restic_manager_crypto::{Identity, Label, PublicKey, Signature};
use restic_manager_proto::Timestamp;
use restic_manager_store::{self as store, audit::AuditHead, checkpoints::AuditCheckpoint};

use super::hex::{hex, unhex};

/// What a line begins with.
const FORMAT: &str = "restic-manager-audit-1";

/// The server's word for every entry up to one. As text it is one line to keep where the server's operator cannot
/// change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint(AuditCheckpoint);

/// A text is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint; one begins with {FORMAT}: and has six parts with colons between them")]
pub struct ParseCheckpointError;

impl Checkpoint {
    /// Signs the end of a chain that was seen to be whole.
    #[must_use]
    pub fn sign(identity: &Identity, head: AuditHead, moment: Timestamp) -> Self {
        let signature = identity.sign(Label::AuditCheckpoint, &message(head, moment));
        Self(AuditCheckpoint {
            head,
            moment,
            signer: store::PublicKey::new(*identity.public_key().as_bytes()),
            signature: *signature.as_bytes(),
        })
    }

    /// Whether it is the word of this key.
    #[must_use]
    pub fn is_of(&self, key: &PublicKey) -> bool {
        let AuditCheckpoint { head, moment, signer, signature } = &self.0;
        let signature = Signature::from_bytes(*signature);
        signer.as_bytes() == key.as_bytes()
            && key.verify(Label::AuditCheckpoint, &message(*head, *moment), &signature).is_ok()
    }

    /// The last entry that it covers, and its hash.
    #[must_use]
    pub const fn head(&self) -> AuditHead {
        self.0.head
    }

    /// Whose it says to be.
    #[must_use]
    pub const fn signer(&self) -> PublicKey {
        PublicKey::from_bytes(*self.0.signer.as_bytes())
    }

    /// When it was signed.
    #[must_use]
    pub const fn moment(&self) -> Timestamp {
        self.0.moment
    }

    /// As it is stored.
    #[must_use]
    pub const fn stored(&self) -> &AuditCheckpoint {
        &self.0
    }
}

impl From<AuditCheckpoint> for Checkpoint {
    fn from(stored: AuditCheckpoint) -> Self {
        Self(stored)
    }
}

/// Number, hash, moment: 48 bytes.
fn message(head: AuditHead, moment: Timestamp) -> [u8; 48] {
    let mut message = [0; 48];
    message[..8].copy_from_slice(&head.sequence.to_be_bytes());
    message[8..40].copy_from_slice(&head.hash);
    message[40..].copy_from_slice(&moment.as_milliseconds().to_be_bytes());
    message
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuditCheckpoint { head, moment, signer, signature } = &self.0;
        write!(
            f,
            "{FORMAT}:{}:{}:{}:{}:{}",
            head.sequence,
            hex(&head.hash),
            moment.as_milliseconds(),
            hex(signer.as_bytes()),
            hex(signature)
        )
    }
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let [FORMAT, sequence, hash, moment, signer, signature] = parts[..] else {
            return Err(ParseCheckpointError);
        };
        let parsed = || {
            Some(AuditCheckpoint {
                head: AuditHead { sequence: sequence.parse().ok()?, hash: unhex(hash)? },
                moment: Timestamp::from_milliseconds(moment.parse().ok()?),
                signer: store::PublicKey::new(unhex(signer)?),
                signature: unhex(signature)?,
            })
        };
        parsed().map(Self).ok_or(ParseCheckpointError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::SeededRandom;

    #[test]
    fn a_line_reads_back_and_counts_for_its_signer_alone() {
        let identity = Identity::generate(&SeededRandom::new(1));
        let other = Identity::generate(&SeededRandom::new(2));
        let head = AuditHead { sequence: 41, hash: [7; 32] };
        let checkpoint = Checkpoint::sign(&identity, head, Timestamp::from_milliseconds(1_795_316_400_000));
        let read: Checkpoint = format!(" {checkpoint}\n").parse().unwrap();
        assert_eq!(read, checkpoint);
        assert!(read.is_of(&identity.public_key()));
        assert!(!read.is_of(&other.public_key()));
        for (from, to) in [(":41:", ":42:"), (":0707", ":0708"), (":1795316400000:", ":1795316400001:")] {
            let forged: Checkpoint = checkpoint.to_string().replacen(from, to, 1).parse().unwrap();
            assert!(!forged.is_of(&identity.public_key()), "{to}");
        }
        for broken in ["", "restic-manager-audit-1:1:2:3", "restic-manager-audit-2:41:0:0:0:0"] {
            assert!(broken.parse::<Checkpoint>().is_err(), "{broken}");
        }
    }
}
