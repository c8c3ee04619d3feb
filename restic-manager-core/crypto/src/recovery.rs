//! Codes on paper, for who has lost the second factor.

use core::fmt;
use data_encoding::{Encoding, Specification};
use ring::digest::{Context, SHA256};
use std::sync::LazyLock;

use crate::{Random, SecretString, TokenHash};

/// Crockford's base32, without letters that are taken for one another: no I, L, O, U.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(ALPHABET);
    specification.encoding().expect("an alphabet of 32 different letters")
});
const BYTES: usize = 10;
const LETTERS: usize = 16;
const GROUP: usize = 4;

/// One code: 80 random bits in four groups of four letters. Good once; stored as a hash alone.
///
/// ```
/// use restic_manager_crypto::{RecoveryCode, SystemRandom};
/// let user = [7; 16];
/// let code = RecoveryCode::mint(&SystemRandom::new());
/// let stored = code.hash(&user);
///
/// let typed = RecoveryCode::parse(&code.expose().to_lowercase()).expect("case does not matter");
/// assert!(typed.hash(&user) == stored);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// Makes a new code.
    #[must_use]
    pub fn mint(random: &dyn Random) -> Self {
        let mut bytes = [0; BYTES];
        random.fill(&mut bytes);
        Self::of(&CROCKFORD.encode(&bytes))
    }

    /// Reads a code as people type it: in any case, with any spaces and dashes, with O for 0 and I or L for 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters = String::with_capacity(LETTERS);
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if !ALPHABET.contains(letter) || letters.len() == LETTERS {
                return None;
            }
            letters.push(letter);
        }
        (letters.len() == LETTERS).then(|| Self::of(&letters))
    }

    fn of(letters: &str) -> Self {
        let groups: Vec<&str> = (0..LETTERS / GROUP).map(|n| &letters[n * GROUP..(n + 1) * GROUP]).collect();
        Self(SecretString::new(groups.join("-")))
    }

    /// The text to hand out, once. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored of the code. The person is part of it, so that one guess is a guess at one account alone.
    #[must_use]
    pub fn hash(&self, user: &[u8; 16]) -> TokenHash {
        let mut context = Context::new(&SHA256);
        context.update(b"restic-manager recovery code");
        context.update(user);
        context.update(self.expose().as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        TokenHash::from_bytes(hash)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = RecoveryCode::parse("01AB-CDEF-GHJK-MNPQ").unwrap();
        for typed in ["01abcdefghjkmnpq", " oiAB cdef\tGHJK-mnpq ", "0LAB-CDEF-GHJK-MNPQ"] {
            assert_eq!(RecoveryCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for wrong in [
            "",
            "01AB-CDEF-GHJK-MNP",
            "01AB-CDEF-GHJK-MNPQR",
            "01AB-CDEF-GHJK-MNPU",
            "01AB_CDEF-GHJK-MNPQ",
            "日本",
        ] {
            assert_eq!(RecoveryCode::parse(wrong), None, "{wrong}");
        }
    }

    /// What was handed out once must be read for ever.
    #[test]
    fn codes_are_spelled_as_they_always_were() {
        for (bytes, letters) in [(b"fooba", "CSQPYRK1"), (&[0; 5], "00000000"), (&[0xff; 5], "ZZZZZZZZ")] {
            assert_eq!(CROCKFORD.encode(bytes), letters);
        }
    }

    #[test]
    fn codes_differ_and_so_do_their_hashes_by_person() {
        let random = SystemRandom::new();
        let (one, other) = (RecoveryCode::mint(&random), RecoveryCode::mint(&random));
        assert_ne!(one, other);
        assert_eq!(RecoveryCode::parse(one.expose()), Some(one.clone()));
        assert!(one.hash(&[1; 16]) != one.hash(&[2; 16]) && one.hash(&[1; 16]) != other.hash(&[1; 16]));
        assert_eq!(format!("{one:?}"), "RecoveryCode(…)");
    }
}
