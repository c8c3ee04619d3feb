//! What fuzzing has kept, replayed.

use restic_manager_crypto::{
    Context, Keyring, RelyingParty, Sealed, SecretBytes, Token, TokenKind, register_passkey,
};
use std::{fs, path::Path};

#[test]
fn crypto_open() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("vectors/sealed-v1.json")).unwrap();
    let hex = |field: &str| crate::vectors::hex(&vectors[0], field);
    let keyring = Keyring::from_keys([SecretBytes::new(hex("key"))]).unwrap();
    let context = Context::new("repository", hex("row"), "password");
    let inputs = corpus("crypto_open");
    let opened =
        inputs.iter().filter(|bytes| keyring.open(&context, &Sealed::from_bytes(bytes.as_slice())).is_ok());
    let opened = opened.count();
    assert!(0 < opened && opened < inputs.len(), "{opened} of {}", inputs.len());
}

#[test]
fn token() {
    let inputs = corpus("token");
    let texts = inputs.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok());
    let good = texts.filter(|text| {
        TokenKind::of(text)
            .and_then(|kind| Token::parse(kind, text).ok())
            .is_some_and(|token| token.expose() == *text)
    });
    let good = good.count();
    assert!(0 < good && good < inputs.len(), "{good} of {}", inputs.len());
}

#[test]
fn passkey() {
    let party = RelyingParty::new("localhost", "http://localhost:8765");
    let inputs = corpus("passkey");
    let made = inputs.iter().filter_map(|bytes| bytes.split_first_chunk()).filter(|(length, rest)| {
        let (client, data) = rest.split_at(usize::from(u16::from_be_bytes(**length)).min(rest.len()));
        register_passkey(party, &[7; 32], client, data).is_ok()
    });
    let made = made.count();
    assert!(0 < made && made < inputs.len(), "{made} of {}", inputs.len());
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}
