//! Passkeys against what Chromium's virtual authenticator answered (`vectors/record_passkeys.cjs` made the file), and
//! against everything that must not pass.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use restic_manager_crypto::{
    Assertion, NewPasskey, OwnerCheck, PasskeyError, PasskeyKey, RelyingParty, register_passkey,
    verify_passkey,
};
use serde_json::Value;

const PARTY: RelyingParty<'static> = RelyingParty::new("localhost", "http://localhost:8765");

fn vectors() -> Vec<Value> {
    let text = include_str!("vectors/passkeys.json");
    let recorded: Value = serde_json::from_str(text).unwrap();
    recorded["vectors"].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(value.as_str().unwrap()).unwrap()
}

/// One recorded use, to be bent.
#[derive(Clone)]
struct Use {
    challenge: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

impl Use {
    fn of(vector: &Value, number: usize) -> Self {
        let one = &vector["uses"][number];
        Self {
            challenge: vec![[8, 9][number]; 32],
            client_data: bytes(&one["client_data"]),
            authenticator_data: bytes(&one["authenticator_data"]),
            signature: bytes(&one["signature"]),
        }
    }

    fn verify(&self, key: &PasskeyKey, counter: u32, owner: OwnerCheck) -> Result<u32, PasskeyError> {
        self.verify_at(PARTY, key, counter, owner)
    }

    fn verify_at(
        &self,
        party: RelyingParty<'_>,
        key: &PasskeyKey,
        counter: u32,
        owner: OwnerCheck,
    ) -> Result<u32, PasskeyError> {
        let assertion = Assertion {
            client_data: &self.client_data,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        };
        verify_passkey(party, &self.challenge, key, counter, owner, assertion)
    }

    fn with_client_data(&self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.client_data.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        Self { client_data: text.replace(from, to).into_bytes(), ..self.clone() }
    }
}

fn registered(vector: &Value) -> NewPasskey {
    let (client, authenticator) = (bytes(&vector["client_data"]), bytes(&vector["authenticator_data"]));
    register_passkey(PARTY, &[7; 32], &client, &authenticator).unwrap()
}

#[test]
fn what_chromium_made_is_accepted_for_each_algorithm() {
    assert_eq!(vectors().len(), PasskeyKey::ALGORITHMS.len());
    for vector in vectors() {
        let made = registered(&vector);
        assert_eq!(made.credential, bytes(&vector["credential"]));
        let stored = PasskeyKey::from_cose(made.key.as_cose()).unwrap();
        let first = Use::of(&vector, 0).verify(&stored, made.counter, OwnerCheck::Required).unwrap();
        let second = Use::of(&vector, 1).verify(&stored, first, OwnerCheck::Required).unwrap();
        assert!(made.counter < first && first < second);
    }
}

#[test]
fn nothing_bent_is_accepted() {
    use PasskeyError as Because;
    for vector in vectors() {
        let (key, good) = (registered(&vector).key, Use::of(&vector, 0));
        let refused = |bent: &Use| bent.verify(&key, 0, OwnerCheck::Optional).unwrap_err();
        assert_eq!(refused(&Use { challenge: vec![9; 32], ..good.clone() }), Because::Challenge);
        assert_eq!(refused(&Use { challenge: Vec::new(), ..good.clone() }), Because::Challenge);
        assert_eq!(refused(&good.with_client_data("webauthn.get", "webauthn.create")), Because::Ceremony);
        assert_eq!(refused(&good.with_client_data("localhost:8765", "localhost:8766")), Because::Origin);
        assert_eq!(refused(&good.with_client_data("http://localhost", "https://localhost")), Because::Origin);
        assert_eq!(
            refused(&good.with_client_data("\"crossOrigin\":false", "\"crossOrigin\":true")),
            Because::Origin
        );
        // All that is checked by its content alone still fits; only the signature tells.
        assert_eq!(
            refused(&good.with_client_data("\"crossOrigin\":false", "\"crossOrigin\":false,\"a\":1")),
            Because::Signature
        );
        assert_eq!(refused(&Use { client_data: b"{".to_vec(), ..good.clone() }), Because::ClientData);
        assert_eq!(refused(&Use { client_data: vec![b' '; 5000], ..good.clone() }), Because::ClientData);

        let elsewhere = RelyingParty::new("example.com", "http://localhost:8765");
        assert_eq!(
            good.verify_at(elsewhere, &key, 0, OwnerCheck::Optional).unwrap_err(),
            Because::RelyingParty
        );
        for place in 0..good.signature.len() {
            let mut bent = good.clone();
            bent.signature[place] ^= 1;
            assert_eq!(refused(&bent), Because::Signature, "byte {place}");
        }
        assert_eq!(refused(&Use { signature: Vec::new(), ..good.clone() }), Because::Signature);
        for counter in [2, 3, u32::MAX] {
            let error = good.verify(&key, counter, OwnerCheck::Optional).unwrap_err();
            assert_eq!(error, Because::Counter, "it is not later than {counter}");
        }
    }
}

#[test]
fn the_flags_of_the_authenticator_count() {
    let vector = &vectors()[0];
    let (key, good) = (registered(vector).key, Use::of(vector, 0));
    let flagged = |flags: u8| {
        let mut bent = good.clone();
        bent.authenticator_data[32] = flags;
        bent
    };
    let refused = |flags, owner| flagged(flags).verify(&key, 0, owner).unwrap_err();
    assert_eq!(refused(0b100, OwnerCheck::Optional), PasskeyError::NotPresent);
    assert_eq!(refused(0b001, OwnerCheck::Required), PasskeyError::NotVerified);
    assert_eq!(refused(0b001, OwnerCheck::Optional), PasskeyError::Signature, "flags are signed, too");
    assert_eq!(
        refused(0b1_0101, OwnerCheck::Optional),
        PasskeyError::AuthenticatorData,
        "copied, and cannot be"
    );
    assert_eq!(
        refused(0b1000_0101, OwnerCheck::Optional),
        PasskeyError::AuthenticatorData,
        "extensions are missing"
    );
    assert_eq!(
        refused(0b0100_0101, OwnerCheck::Optional),
        PasskeyError::AuthenticatorData,
        "a key is missing"
    );
}

#[test]
fn a_registration_that_is_bent_is_refused() {
    for vector in vectors() {
        let (client, data) = (bytes(&vector["client_data"]), bytes(&vector["authenticator_data"]));
        let refused =
            |client: &[u8], data: &[u8]| register_passkey(PARTY, &[7; 32], client, data).unwrap_err();
        assert_eq!(refused(&Use::of(&vector, 0).client_data, &data), PasskeyError::Ceremony);
        assert_eq!(register_passkey(PARTY, &[8; 32], &client, &data).unwrap_err(), PasskeyError::Challenge);
        for length in 0..data.len() {
            assert_eq!(refused(&client, &data[..length]), PasskeyError::AuthenticatorData, "{length} bytes");
        }
        let longer = [&data[..], &[0]].concat();
        assert_eq!(refused(&client, &longer), PasskeyError::AuthenticatorData);
        let mut extended = longer;
        extended[32] |= 1 << 7;
        assert!(
            register_passkey(PARTY, &[7; 32], &client, &extended).is_ok(),
            "extensions are nothing to us"
        );
        let unverified = {
            let mut data = data.clone();
            data[32] &= !0b100;
            data
        };
        assert_eq!(refused(&client, &unverified), PasskeyError::NotVerified);
        let without = Use::of(&vector, 0).authenticator_data;
        assert_eq!(refused(&client, &without), PasskeyError::AuthenticatorData, "there is no key in it");
        let mixed = Use { authenticator_data: data, ..Use::of(&vector, 0) };
        let key = registered(&vector).key;
        assert!(mixed.verify(&key, 0, OwnerCheck::Optional).is_err(), "a registration is no use");
    }
}

#[test]
fn keys_of_other_kinds_and_in_other_words_are_refused() {
    let x: &[u8] = &[&[0x21, 0x58, 0x20][..], &[1; 32]].concat();
    let y: &[u8] = &[&[0x22, 0x58, 0x20][..], &[1; 32]].concat();
    let key = |parts: &[&[u8]]| PasskeyKey::from_cose(&parts.concat());
    assert!(key(&[&[0xa5, 1, 2, 3, 0x26, 0x20, 1], x, y]).is_ok());
    let wrong: &[&[&[u8]]] = &[
        &[],
        &[&[0xa0]],
        &[&[0xa5, 1, 2, 3, 0x38, 0x22, 0x20, 1], x, y], // ES384
        &[&[0xa5, 1, 2, 3, 0x26, 0x20, 2], x, y],       // another curve
        &[&[0xa5, 1, 1, 3, 0x26, 0x20, 1], x, y],       // another type of key
        &[&[0xa4, 1, 2, 3, 0x26, 0x20, 1], x],          // no y
        &[&[0xa5, 1, 2, 3, 0x26, 0x20, 1], x, x],       // a part twice
        &[&[0xa5, 1, 2, 3, 0x26, 0x20, 1], x, y, &[0]], // more than the key
        &[&[0xbf, 1, 2, 3, 0x26, 0x20, 1], x, y, &[0xff]], // no definite length
        &[&[0xa5, 0x18, 1, 2, 3, 0x26, 0x20, 1], x, y], // a number in too many bytes
        &[&[0xa5, 1, 2, 3, 0x26, 0x20, 0xa0], x, y],    // a map in the map
        &[&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
        &[&[0xa1, 1, 0x5a, 0xff, 0xff, 0xff, 0xff]], // bytes without end
        &[&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x41, 1]], // a short point
    ];
    for parts in wrong {
        assert_eq!(key(parts).unwrap_err(), PasskeyError::Key, "{parts:02x?}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_sent_panics(client in proptest::collection::vec(proptest::num::u8::ANY, 0..200), data in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = PasskeyKey::from_cose(&data);
        let _ = register_passkey(PARTY, &[7; 32], &client, &data);
        let good = bytes(&vectors()[0]["client_data"]);
        proptest::prop_assert!(register_passkey(PARTY, &[7; 32], &good, &data).is_err());
    }
}
