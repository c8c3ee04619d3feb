//! Codes from an authenticator app: RFC 6238 with SHA-1, six digits, thirty seconds, which is what every app knows.

use core::fmt;
use data_encoding::BASE32_NOPAD;
use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::{Random, SecretBytes, SecretString};

const SECRET_LEN: usize = 20;
const DIGITS: u32 = 6;
const STEP_SECONDS: u64 = 30;
/// A phone's clock may be half a minute off, and a code takes a while to type.
const WINDOW: u64 = 1;

/// What an authenticator app and the server share.
///
/// ```
/// use restic_manager_crypto::{SystemRandom, TotpSecret};
/// let secret = TotpSecret::mint(&SystemRandom::new());
/// let now = 1_795_316_400;
/// let code = secret.code_at(now);
///
/// let step = secret.step_of(&code, now, None).expect("it is the code of this moment");
/// assert_eq!(secret.step_of(&code, now, Some(step)), None, "a code is good once");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(SecretBytes);

impl TotpSecret {
    /// Makes a new secret of 160 bits.
    #[must_use]
    pub fn mint(random: &dyn Random) -> Self {
        let mut bytes = vec![0; SECRET_LEN];
        random.fill(&mut bytes);
        Self(SecretBytes::new(bytes))
    }

    /// A secret as it was stored; none when it cannot be one.
    #[must_use]
    pub fn from_bytes(bytes: SecretBytes) -> Option<Self> {
        (bytes.expose().len() == SECRET_LEN).then_some(Self(bytes))
    }

    /// The secret as it is stored, sealed. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The secret as people type it into an app.
    #[must_use]
    pub fn text(&self) -> SecretString {
        SecretString::new(BASE32_NOPAD.encode(self.expose()))
    }

    /// What the app reads from a QR code.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> SecretString {
        let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
        SecretString::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}",
            self.text().expose()
        ))
    }

    /// The code that an app shows at a moment, in seconds since 1970.
    #[must_use]
    pub fn code_at(&self, seconds: u64) -> String {
        format!("{:06}", self.truncated(seconds / STEP_SECONDS) % 10_u32.pow(DIGITS))
    }

    /// The step whose code this is: the present one or one next to it, and later than `used`, the step of the last
    /// code that was accepted. Keep what it answers, so that no code is accepted twice.
    #[must_use]
    pub fn step_of(&self, code: &str, seconds: u64, used: Option<u64>) -> Option<u64> {
        let now = seconds / STEP_SECONDS;
        let mut found = None;
        // All are compared, whichever fits, so that time tells nothing.
        for step in (now.saturating_sub(WINDOW)..=now.saturating_add(WINDOW)).rev() {
            let expected = self.code_at(step * STEP_SECONDS);
            let fits = bool::from(expected.as_bytes().ct_eq(code.as_bytes()));
            if fits && used.is_none_or(|used| step > used) {
                found = Some(step);
            }
        }
        found
    }

    fn truncated(&self, step: u64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
        let word = tag.get(offset..offset + 4).and_then(|word| word.try_into().ok()).unwrap_or_default();
        u32::from_be_bytes(word) & 0x7fff_ffff
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSecret {
        TotpSecret::from_bytes(SecretBytes::new(b"12345678901234567890".to_vec())).unwrap()
    }

    /// RFC 6238, appendix B. It shows eight digits; six are the last of them.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(format!("{:08}", rfc().truncated(seconds / 30) % 100_000_000), code);
            assert_eq!(rfc().code_at(seconds), code[2..]);
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_the_ones_beside_it_once() {
        let (secret, now) = (rfc(), 1_234_567_890_u64);
        let step = now / 30;
        for offset in [-1_i64, 0, 1] {
            let then = now.saturating_add_signed(offset * 30);
            let found = secret.step_of(&secret.code_at(then), now, None);
            assert_eq!(found, Some(step.saturating_add_signed(offset)));
        }
        for offset in [-2_i64, 2] {
            let then = now.saturating_add_signed(offset * 30);
            assert_eq!(secret.step_of(&secret.code_at(then), now, None), None);
        }
        let code = secret.code_at(now);
        assert_eq!(secret.step_of(&code, now, Some(step - 1)), Some(step));
        assert_eq!(secret.step_of(&code, now, Some(step)), None);
        assert_eq!(secret.step_of(&code, now + 30, Some(step)), None);
        for wrong in ["", "5924", "89005924", " 005924", "005924 ", "00592４"] {
            assert_eq!(secret.step_of(wrong, now, None), None, "{wrong}");
        }
    }

    #[test]
    fn the_clock_may_stand_at_its_beginning() {
        assert_eq!(rfc().step_of(&rfc().code_at(0), 0, None), Some(0));
    }

    #[test]
    fn apps_read_the_address() {
        let uri = rfc().uri("restic-manager (backup.example.com)", "ada@example");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/restic-manager%20%28backup.example.com%29:ada%40example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=restic-manager%20%28backup.example.com%29"
        );
        assert_eq!(format!("{:?}", rfc()), "TotpSecret(…)");
        assert!(TotpSecret::from_bytes(SecretBytes::new(vec![1; 19])).is_none());
    }
}
