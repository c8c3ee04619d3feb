//! Lines of an htpasswd file, as restic's rest-server reads it.

use bcrypt::{Version, hash_with_salt};

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
    let hash = hash_with_salt(password, COST, salt).map_err(|_| HtpasswdError::Password)?;
    Ok(format!("{user}:{}", hash.format_for_version(Version::TwoY)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;
    use bcrypt::HashParts;

    /// Vectors of the first implementation, by way of Openwall's crypt_blowfish.
    #[test]
    fn hashes_are_those_of_everybody_else() {
        for (hash, password) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
            ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""),
        ] {
            let salt = hash.parse::<HashParts>().expect("a hash").get_salt_raw();
            let made = hash_with_salt(password, 5, salt).expect("a hash");
            assert_eq!(made.format_for_version(Version::TwoA), hash, "{password:?}");
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
