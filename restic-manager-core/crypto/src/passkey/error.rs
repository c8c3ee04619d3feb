/// Why a passkey was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyError {
    /// What the browser says of the ceremony cannot be read.
    #[error("the client data cannot be read")]
    ClientData,
    /// It was another ceremony: registration instead of sign-in, or the reverse.
    #[error("the client data is of another ceremony")]
    Ceremony,
    /// It answers another challenge.
    #[error("it answers another challenge")]
    Challenge,
    /// It was made on a page of another site.
    #[error("it was made on a page of another site")]
    Origin,
    /// What the authenticator says cannot be read.
    #[error("the authenticator data cannot be read")]
    AuthenticatorData,
    /// The key is bound to another site.
    #[error("the passkey is bound to another site")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody confirmed at the authenticator")]
    NotPresent,
    /// The authenticator did not check who touched it.
    #[error("the authenticator did not verify its owner")]
    NotVerified,
    /// The key is not one of ES256, EdDSA with Ed25519, RS256.
    #[error("the key is of a kind that is not taken")]
    Key,
    /// The signature is not the key's.
    #[error("the signature is not the passkey's")]
    Signature,
    /// The counter did not go forward: there is a copy of the key.
    #[error("the passkey's counter went back; there may be a copy of it")]
    Counter,
}
