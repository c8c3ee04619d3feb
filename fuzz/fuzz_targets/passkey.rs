//! What a browser says of a passkey: two bytes of length, client data of that length, authenticator data.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_crypto::{PasskeyKey, RelyingParty, register_passkey};

fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let (client, authenticator) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
    let party = RelyingParty::new("localhost", "http://localhost:8765");
    if let Ok(made) = register_passkey(party, &[7; 32], client, authenticator) {
        assert_eq!(PasskeyKey::from_cose(made.key.as_cose()).unwrap(), made.key);
    }
    let _ = PasskeyKey::from_cose(authenticator);
});
