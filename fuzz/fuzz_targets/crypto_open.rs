//! Bytes from a database that somebody may have written to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_crypto::{Context, Keyring, Sealed, SecretBytes, SeededRandom};

/// Key and row of the golden vectors, so that the corpus holds blobs that open.
const KEY: &str = "fc39b4f98030d991eac8428130afea3c19115fa0da557662aedf13ab9b36fb9d";
const ROW: &str = "f595767fe2dcc1b705ff027e644c123a";

fuzz_target!(|bytes: &[u8]| {
    let keyring = Keyring::from_keys([SecretBytes::new(hex(KEY))]).expect("a key has 32 bytes");
    let context = Context::new("repository", hex(ROW), "password");
    let sealed = Sealed::from_bytes(bytes);
    if let Ok(secret) = keyring.open(&context, &sealed) {
        assert_eq!(sealed.key_id(), Some(keyring.newest_id()));
        assert_eq!(bytes.len(), 57 + secret.expose().len());
        assert!(keyring.open(&Context::new("repository", hex(ROW), "passwore"), &sealed).is_err());
    }
    let own = keyring.seal(&context, bytes, &SeededRandom::new(1));
    assert_eq!(keyring.open(&context, &own).expect("what was sealed opens").expose(), bytes);
});

fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("a digit")).collect()
}
