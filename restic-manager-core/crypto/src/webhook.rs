//! Signatures of webhooks, as the Standard Webhooks specification wants them: HMAC-SHA256 over id, time and body.

use core::fmt;
use data_encoding::BASE64;
use ring::hmac;

use crate::{Random, SecretBytes, SecretString};

const PREFIX: &str = "whsec_";
const SHORTEST: usize = 24;
const LONGEST: usize = 64;
const MINTED: usize = 32;

/// What the sender and the receiver of a webhook share.
///
/// ```
/// use restic_manager_crypto::WebhookSecret;
/// let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
/// assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// # Ok::<(), restic_manager_crypto::WebhookSecretError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(SecretBytes);

/// A text is not the secret of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a webhook secret; one is `whsec_` and the Base64 of 24 to 64 bytes")]
#[non_exhaustive]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Makes a new secret of 256 bits.
    #[must_use]
    pub fn mint(random: &dyn Random) -> Self {
        let mut bytes = vec![0; MINTED];
        random.fill(&mut bytes);
        Self(SecretBytes::new(bytes))
    }

    /// Reads a secret, with or without its prefix.
    ///
    /// # Errors
    /// When it is no Base64, or of too few or too many bytes.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let coded = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = BASE64.decode(coded.as_bytes()).map_err(|_| WebhookSecretError)?;
        if (SHORTEST..=LONGEST).contains(&bytes.len()) {
            Ok(Self(SecretBytes::new(bytes)))
        } else {
            Err(WebhookSecretError)
        }
    }

    /// The secret as the receiver is given it.
    #[must_use]
    pub fn text(&self) -> SecretString {
        SecretString::new(format!("{PREFIX}{}", BASE64.encode(self.0.expose())))
    }

    /// The value of `webhook-signature` for a message of this id, sent at this second, with this body. An id holds no full
    /// stop: another message could else be made of the same bytes.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.expose()));
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn a_secret_is_read_as_it_was_written_and_short_ones_are_refused() {
        let secret = WebhookSecret::mint(&SystemRandom::new());
        assert_eq!(WebhookSecret::parse(secret.text().expose()), Ok(secret));
        for wrong in
            ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!", &format!("whsec_{}", BASE64.encode(&[1; 65]))]
        {
            assert_eq!(WebhookSecret::parse(wrong), Err(WebhookSecretError), "{wrong}");
        }
    }

    #[test]
    fn every_part_is_signed() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign("id", 7, b"body");
        for other in
            [secret.sign("ie", 7, b"body"), secret.sign("id", 8, b"body"), secret.sign("id", 7, b"bodz")]
        {
            assert_ne!(signed, other);
        }
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }
}
