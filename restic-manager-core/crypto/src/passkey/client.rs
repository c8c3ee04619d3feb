//! What the browser says: which ceremony, for which challenge, on a page of which site.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::PasskeyError;

const LONGEST: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

/// Browsers add members as they like; these are the ones that count.
#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

pub(super) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &[u8],
    origin: &str,
) -> Result<(), PasskeyError> {
    if json.len() > LONGEST {
        return Err(PasskeyError::ClientData);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyError::ClientData)?;
    let expected = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.r#type != expected {
        return Err(PasskeyError::Ceremony);
    }
    let answered = Base64UrlUnpadded::decode_vec(&data.challenge).map_err(|_| PasskeyError::Challenge)?;
    if challenge.is_empty() || !bool::from(answered.ct_eq(challenge)) {
        return Err(PasskeyError::Challenge);
    }
    if data.origin != origin || data.cross_origin {
        return Err(PasskeyError::Origin);
    }
    Ok(())
}
