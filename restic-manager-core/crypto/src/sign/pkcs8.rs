//! The one PKCS#8 document that an Ed25519 key has (RFC 8410, version 2): fixed bytes around the two keys.
//! Written here because ring makes one only from its own randomness.

pub(super) const SEED_LEN: usize = 32;
const KEY_LEN: usize = 32;
const BEFORE_SEED: [u8; 16] =
    [0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const BEFORE_PUBLIC: [u8; 3] = [0x81, 0x21, 0x00];
const PUBLIC_AT: usize = BEFORE_SEED.len() + SEED_LEN + BEFORE_PUBLIC.len();
pub(super) const LEN: usize = PUBLIC_AT + KEY_LEN;

pub(super) fn write(seed: &[u8; SEED_LEN], public: &[u8; KEY_LEN], document: &mut [u8; LEN]) {
    let (before_seed, rest) = document.split_at_mut(BEFORE_SEED.len());
    let (seed_part, rest) = rest.split_at_mut(SEED_LEN);
    let (before_public, public_part) = rest.split_at_mut(BEFORE_PUBLIC.len());
    before_seed.copy_from_slice(&BEFORE_SEED);
    seed_part.copy_from_slice(seed);
    before_public.copy_from_slice(&BEFORE_PUBLIC);
    public_part.copy_from_slice(public);
}

pub(super) fn seed(document: &[u8; LEN]) -> &[u8; SEED_LEN] {
    let (_, rest) = document.split_at(BEFORE_SEED.len());
    rest.first_chunk().expect("the document is longer than its head and the seed")
}
