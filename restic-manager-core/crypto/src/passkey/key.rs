//! Public keys as authenticators write them: COSE, a small CBOR map from small numbers to numbers and bytes.
//!
//! Read here and not by a library, because this map is all the CBOR there is: definite lengths, each number in its
//! shortest form, no key twice, nothing nested.

use core::fmt;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::PasskeyError;

const MOST_ENTRIES: usize = 8;
const LONGEST_PART: usize = 1024;

/// A passkey's public key: ES256, EdDSA with Ed25519, or RS256 with 2048 bits or more.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyKey {
    cose: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// An uncompressed point of P-256.
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256 {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PasskeyKey {
    /// The algorithms that are taken, by their numbers in the register of COSE, the best first.
    pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

    /// Reads a key as it was stored.
    ///
    /// # Errors
    /// When it is not one of the kinds that are taken, or not written as they must be.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let map = Map::read(bytes).filter(|map| map.length == bytes.len()).ok_or(PasskeyError::Key)?;
        let kind = Kind::of(&map).ok_or(PasskeyError::Key)?;
        Ok(Self { cose: bytes.to_vec(), kind })
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_cose(&self) -> &[u8] {
        &self.cose
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let verdict =
            match &self.kind {
                Kind::Es256(point) => {
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
                }
                Kind::EdDsa(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
                Kind::Rs256 { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            };
        verdict.map_err(|_| PasskeyError::Signature)
    }
}

impl fmt::Debug for PasskeyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Es256(_) => "ES256",
            Kind::EdDsa(_) => "EdDSA",
            Kind::Rs256 { .. } => "RS256",
        };
        write!(f, "PasskeyKey({name})")
    }
}

impl Kind {
    fn of(map: &Map<'_>) -> Option<Self> {
        match (map.number(1)?, map.number(3)?) {
            (2, -7) if map.number(-1)? == 1 && map.entries.len() == 5 => {
                let (x, y) = (map.bytes(-2, 32)?, map.bytes(-3, 32)?);
                Some(Self::Es256([&[4], x, y].concat()))
            }
            (1, -8) if map.number(-1)? == 6 && map.entries.len() == 4 => {
                Some(Self::EdDsa(map.bytes(-2, 32)?.to_vec()))
            }
            (3, -257) if map.entries.len() == 4 => {
                let (modulus, exponent) = (map.any_bytes(-1)?, map.any_bytes(-2)?);
                let plain = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
                (plain(modulus) && plain(exponent) && (256..=LONGEST_PART).contains(&modulus.len()))
                    .then(|| Self::Rs256 { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
            }
            _ => None,
        }
    }
}

/// How many bytes of `bytes` the key at their beginning takes.
pub(super) fn cose_len(bytes: &[u8]) -> Option<usize> {
    Map::read(bytes).map(|map| map.length)
}

struct Map<'a> {
    entries: Vec<(i64, Value<'a>)>,
    length: usize,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

impl<'a> Map<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let (5, count) = head(&mut rest)? else { return None };
        let count = usize::try_from(count).ok().filter(|count| *count <= MOST_ENTRIES)?;
        let mut entries: Vec<(i64, Value<'_>)> = Vec::with_capacity(count);
        for _ in 0..count {
            let key = number(&mut rest)?;
            if entries.iter().any(|(known, _)| *known == key) {
                return None;
            }
            entries.push((key, value(&mut rest)?));
        }
        Some(Self { entries, length: bytes.len() - rest.len() })
    }

    fn find(&self, key: i64) -> Option<Value<'a>> {
        self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn number(&self, key: i64) -> Option<i64> {
        if let Value::Number(number) = self.find(key)? { Some(number) } else { None }
    }

    fn any_bytes(&self, key: i64) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self.find(key)? { Some(bytes) } else { None }
    }

    fn bytes(&self, key: i64, length: usize) -> Option<&'a [u8]> {
        self.any_bytes(key).filter(|bytes| bytes.len() == length)
    }
}

/// Major type and argument of the next item.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, after) = rest.split_first()?;
    let (argument, after, least) = match first & 31 {
        short @ 0..=23 => (u64::from(short), after, 0),
        24 => after.split_first_chunk::<1>().map(|(one, after)| (u64::from(one[0]), after, 24))?,
        25 => after
            .split_first_chunk()
            .map(|(two, after)| (u64::from(u16::from_be_bytes(*two)), after, 1 << 8))?,
        26 => after
            .split_first_chunk()
            .map(|(four, after)| (u64::from(u32::from_be_bytes(*four)), after, 1 << 16))?,
        _ => return None,
    };
    *rest = after;
    (argument >= least).then_some((first >> 5, argument))
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    match head(rest)? {
        (0, number) => i64::try_from(number).ok(),
        (1, number) => i64::try_from(number).ok().map(|number| -1 - number),
        _ => None,
    }
}

fn value<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    if matches!(rest.first()? >> 5, 0 | 1) {
        return number(rest).map(Value::Number);
    }
    let (2, length) = head(rest)? else { return None };
    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_PART)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Value::Bytes(bytes))
}
