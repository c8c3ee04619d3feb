use super::{
    OwnerCheck, PasskeyError, PasskeyKey,
    authenticator::AuthenticatorData,
    client::{self, Ceremony},
};

/// Who asks for a passkey: the site, as browsers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelyingParty<'a> {
    id: &'a str,
    origin: &'a str,
}

impl<'a> RelyingParty<'a> {
    /// The site at `origin`, such as `https://backup.example.com`, whose passkeys are bound to the name `id`.
    #[must_use]
    pub const fn new(id: &'a str, origin: &'a str) -> Self {
        Self { id, origin }
    }
}

/// A passkey that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPasskey {
    /// The name by which browsers know it.
    pub credential: Vec<u8>,
    /// What its signatures are checked with.
    pub key: PasskeyKey,
    /// How often it has signed; 0 when it does not count.
    pub counter: u32,
}

/// What a browser answers when a passkey was used.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: the parts of the standard")]
pub struct Assertion<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `signature`.
    pub signature: &'a [u8],
}

/// Accepts a new passkey that answers `challenge`.
///
/// # Errors
/// The first of the reasons that applies.
pub fn register_passkey(
    party: RelyingParty<'_>,
    challenge: &[u8],
    client_data: &[u8],
    authenticator_data: &[u8],
) -> Result<NewPasskey, PasskeyError> {
    client::check(client_data, Ceremony::Create, challenge, party.origin)?;
    let data = AuthenticatorData::read(authenticator_data)?;
    data.check(party.id, OwnerCheck::Required)?;
    let attested = data.attested.ok_or(PasskeyError::AuthenticatorData)?;
    Ok(NewPasskey {
        credential: attested.credential.to_vec(),
        key: PasskeyKey::from_cose(attested.key)?,
        counter: data.counter,
    })
}

/// Accepts an answer to `challenge` that was signed with `key`; says what its counter is now. `counter` is what it was
/// the last time.
///
/// # Errors
/// The first of the reasons that applies.
pub fn verify_passkey(
    party: RelyingParty<'_>,
    challenge: &[u8],
    key: &PasskeyKey,
    counter: u32,
    owner: OwnerCheck,
    assertion: Assertion<'_>,
) -> Result<u32, PasskeyError> {
    client::check(assertion.client_data, Ceremony::Get, challenge, party.origin)?;
    let data = AuthenticatorData::read(assertion.authenticator_data)?;
    data.check(party.id, owner)?;
    if data.attested.is_some() {
        return Err(PasskeyError::AuthenticatorData);
    }
    let mut signed = assertion.authenticator_data.to_vec();
    signed.extend_from_slice(ring::digest::digest(&ring::digest::SHA256, assertion.client_data).as_ref());
    key.verify(&signed, assertion.signature)?;
    // Passkeys that are copied among devices on purpose stay at zero.
    if (data.counter, counter) != (0, 0) && data.counter <= counter {
        return Err(PasskeyError::Counter);
    }
    Ok(data.counter)
}
