//! Lines of an htpasswd file, as restic's rest-server reads it.

use base64ct::{Base64Bcrypt, Encoding as _};
use blowfish::Blowfish;
use zeroize::Zeroizing;

use crate::random::Random;

/// Rounds are two to the power of this: a tenth of a second, which a server spends on each first request.
const COST: u32 = 10;
/// bcrypt takes no more, the zero byte at the end among them.
const MOST_BYTES: usize = 72;

/// A name or a password cannot stand in an htpasswd file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HtpasswdError {
    /// The name is empty, too long, or has a character that the file gives another meaning.
    #[error("a name of 1 to 64 letters, digits, `.`, `-` or `_`, such as `web`")]
    Name,
    /// The password is empty, or longer than bcrypt reads.
    #[error("a password of 1 to 71 bytes without a zero byte")]
    Password,
}

/// The line of a user, with the password hashed by bcrypt. It takes a tenth of a second of a processor.
///
/// # Errors
/// When name or password cannot be.
///
/// ```
/// use restic_manager_crypto::{SystemRandom, htpasswd_line};
/// let line = htpasswd_line("web", "a password", &SystemRandom::new())?;
/// assert!(line.starts_with("web:$2y$10$"));
/// # Ok::<(), restic_manager_crypto::HtpasswdError>(())
/// ```
pub fn htpasswd_line(user: &str, password: &str, random: &dyn Random) -> Result<String, HtpasswdError> {
    let plain = user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if !plain || !(1..=64).contains(&user.len()) {
        return Err(HtpasswdError::Name);
    }
    if password.contains('\0') || !(1..MOST_BYTES).contains(&password.len()) {
        return Err(HtpasswdError::Password);
    }
    let mut salt = [0; 16];
    random.fill(&mut salt);
    Ok(format!("{user}:{}", bcrypt("2y", COST, &salt, password)))
}

/// The text form of a hash: version, cost, salt, digest.
fn bcrypt(version: &str, cost: u32, salt: &[u8; 16], password: &str) -> String {
    let mut key = Zeroizing::new(password.as_bytes().to_vec());
    key.push(0);
    let digest = digest(cost, salt, &key);
    let (salt, digest) = (Base64Bcrypt::encode_string(salt), Base64Bcrypt::encode_string(&digest));
    format!("${version}${cost:02}${salt}{digest}")
}

/// Provos and Mazières, "A Future-Adaptable Password Scheme", section 5; the last byte is left out by all who do it.
fn digest(cost: u32, salt: &[u8; 16], key: &[u8]) -> [u8; 23] {
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, key);
    for _ in 0..1_u32 << cost {
        state.bc_expand_key(key);
        state.bc_expand_key(salt);
    }
    // "OrpheanBeholderScryDoubt".
    let mut text = [0x4f72_7068, 0x6561_6e42, 0x6568_6f6c, 0x6465_7253, 0x6372_7944, 0x6f75_6274];
    for pair in text.chunks_exact_mut(2) {
        for _ in 0..64 {
            let [left, right] = state.bc_encrypt([pair[0], pair[1]]);
            (pair[0], pair[1]) = (left, right);
        }
    }
    let mut bytes = [0; 24];
    for (place, word) in bytes.chunks_exact_mut(4).zip(text) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    let mut digest = [0; 23];
    digest.copy_from_slice(&bytes[..23]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    /// Vectors of the first implementation, by way of Openwall's crypt_blowfish.
    #[test]
    fn hashes_are_those_of_everybody_else() {
        for (salt, password, digest) in [
            ("CCCCCCCCCCCCCCCCCCCCC.", "U*U", "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("CCCCCCCCCCCCCCCCCCCCC.", "U*U*", "VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
            ("XXXXXXXXXXXXXXXXXXXXXO", "U*U*U", "AcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
            ("CCCCCCCCCCCCCCCCCCCCC.", "", "7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
        ] {
            let mut bytes = [0; 16];
            Base64Bcrypt::decode(salt, &mut bytes).expect("a salt");
            assert_eq!(bcrypt("2a", 5, &bytes, password), format!("$2a$05${salt}{digest}"), "{password:?}");
        }
    }

    #[test]
    fn what_the_file_would_misread_is_refused() {
        let line = |user: &str, password: &str| htpasswd_line(user, password, &SystemRandom::new());
        for user in ["", "a:b", "a\nb", "a b", &"x".repeat(65)] {
            assert_eq!(line(user, "secret"), Err(HtpasswdError::Name), "{user:?}");
        }
        for password in ["", "a\0b", &"x".repeat(72)] {
            assert_eq!(line("web", password), Err(HtpasswdError::Password), "{password:?}");
        }
        let (one, two) = (line("web", &"x".repeat(71)), line("web", &"x".repeat(71)));
        assert!(one.is_ok() && one != two, "each has a salt of its own");
    }
}
