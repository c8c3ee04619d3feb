//! ChaCha20-Poly1305 behind two functions. Nonces are numbers that only this crate's own callers choose:
//! a key that is used once passes 0, a channel passes its counter.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{OpenError, SecretBytes, derive::Key};

pub(crate) const TAG_LEN: usize = 16;

pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &Key) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).expect("a key has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Appends the ciphertext and its tag to `out`.
    pub(crate) fn seal(&self, number: u64, associated: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        // Room for everything at once: growing later would leave copies of the plaintext behind.
        out.reserve_exact(plaintext.len() + TAG_LEN);
        out.extend_from_slice(plaintext);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(number), Aad::from(associated), &mut out[start..])
            .expect("a plaintext in memory is far shorter than the cipher's 256 GiB");
        out.extend_from_slice(tag.as_ref());
    }

    pub(crate) fn open(
        &self,
        number: u64,
        associated: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .0
            .open_in_place(nonce(number), Aad::from(associated), &mut buffer)
            .map_err(|_| OpenError)?
            .len();
        buffer.truncate(length);
        Ok(SecretBytes::from_zeroizing(buffer))
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
