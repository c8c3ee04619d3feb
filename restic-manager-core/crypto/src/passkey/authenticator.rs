//! What the authenticator says: for which site, whether somebody was there, how often it has signed.

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;

use super::{PasskeyError, key::cose_len};

const LONGEST: usize = 8192;
const LONGEST_CREDENTIAL: usize = 1023;

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Whether the authenticator must have checked who touched it, by finger, face or PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum OwnerCheck {
    /// It must: the passkey stands for name and password.
    Required,
    /// Touching is enough: the password was checked too.
    Optional,
}

pub(super) struct AuthenticatorData<'a> {
    party: &'a [u8; 32],
    flags: u8,
    pub(super) counter: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// The new key.
pub(super) struct Attested<'a> {
    pub(super) credential: &'a [u8],
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of `bytes`. Extensions are signed over and otherwise nothing to us.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        Self::parse(bytes).ok_or(PasskeyError::AuthenticatorData)
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let (party, rest) = bytes.split_first_chunk()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk()?;
        let (attested, rest) = match flags & ATTESTED {
            0 => (None, rest),
            _ => Attested::parse(rest).map(|(attested, rest)| (Some(attested), rest))?,
        };
        let extended = flags & EXTENDED != 0;
        let impossible = flags & (BACKUP_ELIGIBLE | BACKED_UP) == BACKED_UP;
        (extended != rest.is_empty() && !impossible).then_some(Self {
            party,
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
            attested,
        })
    }

    pub(super) fn check(&self, party: &str, owner: OwnerCheck) -> Result<(), PasskeyError> {
        let expected = digest(&SHA256, party.as_bytes());
        if !bool::from(self.party.as_slice().ct_eq(expected.as_ref())) {
            return Err(PasskeyError::RelyingParty);
        }
        if self.flags & PRESENT == 0 {
            return Err(PasskeyError::NotPresent);
        }
        if owner == OwnerCheck::Required && self.flags & VERIFIED == 0 {
            return Err(PasskeyError::NotVerified);
        }
        Ok(())
    }
}

impl<'a> Attested<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (_model, rest) = bytes.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > LONGEST_CREDENTIAL {
            return None;
        }
        let (credential, rest) = rest.split_at_checked(length)?;
        let (key, rest) = rest.split_at_checked(cose_len(rest)?)?;
        Some((Self { credential, key }, rest))
    }
}
