//! An authenticator in software: makes and uses a passkey as a browser would.

use data_encoding::BASE64URL_NOPAD;
use restic_manager_proto::api::factors::{PasskeyOffer, PasskeyRequest};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use crate::support::ORIGIN;

/// Present, verified.
const VERIFIED: u8 = 0b101;

pub(crate) struct Authenticator {
    key: Ed25519KeyPair,
    pub(crate) credential: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
}

impl Authenticator {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            credential: encode(&[seed; 16]),
            flags: VERIFIED,
            counter: 0,
        }
    }

    /// What a page sends to add the passkey.
    pub(crate) fn create(&self, offer: &PasskeyOffer, name: &str) -> Value {
        let mut data = self.data(&offer.party, self.flags | 1 << 6);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(BASE64URL_NOPAD.decode(self.credential.as_bytes()).unwrap());
        data.extend([0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20]);
        data.extend(self.key.public_key().as_ref());
        json!({
            "name": name,
            "challenge": offer.challenge,
            "client_data": client_data("webauthn.create", &offer.challenge),
            "authenticator_data": encode(&data),
        })
    }

    /// What a page sends when the passkey is used.
    pub(crate) fn answer(&mut self, request: &PasskeyRequest) -> Value {
        self.counter += 1;
        let data = self.data(&request.party, self.flags);
        let client = client_data("webauthn.get", &request.challenge);
        let hash = digest(&SHA256, &BASE64URL_NOPAD.decode(client.as_bytes()).unwrap());
        let signed = [&data, hash.as_ref()].concat();
        json!({
            "challenge": request.challenge,
            "credential": self.credential,
            "client_data": client,
            "authenticator_data": encode(&data),
            "signature": encode(self.key.sign(&signed).as_ref()),
        })
    }

    fn data(&self, party: &str, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn client_data(ceremony: &str, challenge: &str) -> String {
    let data = json!({ "type": ceremony, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false });
    encode(data.to_string().as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
