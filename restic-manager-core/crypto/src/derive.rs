//! Keys made from keys: HKDF-SHA256, one label per use.

use ring::hkdf;
use zeroize::Zeroizing;

pub(crate) const KEY_LEN: usize = 32;

/// 32 secret bytes that wipe themselves.
pub(crate) type Key = Zeroizing<[u8; KEY_LEN]>;

/// What a derived key is for. The texts are part of the stored formats: never edit one, add another.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    SealedBlob,
    KeyId,
    CsrfToken,
    SessionForm,
    KnownDevice,
    ChannelToAgent,
    ChannelToServer,
}

impl Label {
    const fn text(self) -> &'static [u8] {
        match self {
            Self::SealedBlob => b"restic-manager v1 sealed blob",
            Self::KeyId => b"restic-manager v1 key id",
            Self::CsrfToken => b"restic-manager v1 csrf token",
            Self::SessionForm => b"restic-manager v1 session form",
            Self::KnownDevice => b"restic-manager v1 known device",
            Self::ChannelToAgent => b"restic-manager v1 channel to agent",
            Self::ChannelToServer => b"restic-manager v1 channel to server",
        }
    }
}

pub(crate) fn derive_key(secret: &[u8], salt: &[u8], label: Label) -> Key {
    let mut key = Key::default();
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[label.text()], hkdf::HKDF_SHA256)
        .and_then(|output| output.fill(key.as_mut_slice()))
        .expect("32 bytes are one block of HKDF-SHA256");
    key
}
