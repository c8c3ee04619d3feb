use argon2::{Algorithm, Argon2, Block, Params, Version};
use core::{fmt, hint::black_box};
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq as _;

use crate::{MAX_PASSWORD_BYTES, Random, SecretString};

const SALT_LEN: usize = 16;
const OUTPUT_LEN: usize = 32;

/// What one guess at a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PasswordCost {
    /// The limits also hold for stored hashes, so that a forged row cannot exhaust the memory.
    const MAX: Self = Self { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };

    /// A cost of one's own: memory up to 1 GiB, up to 64 passes over it, up to 16 lanes.
    ///
    /// # Errors
    /// When a number is out of range; a lane needs at least 8 KiB.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordError> {
        let cost = Self { memory_kib, passes, lanes };
        let small_enough =
            memory_kib <= Self::MAX.memory_kib && passes <= Self::MAX.passes && lanes <= Self::MAX.lanes;
        match cost.params() {
            Ok(_) if small_enough => Ok(cost),
            _ => Err(PasswordError::CostOutOfRange),
        }
    }

    /// So cheap that it protects nothing. For tests alone.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub const fn lowest() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    fn of(hash: &PasswordHash) -> Result<Self, PasswordError> {
        let params = Params::try_from(hash).map_err(|_| PasswordError::Unreadable)?;
        Self::new(params.m_cost(), params.t_cost(), params.p_cost()).map_err(|_| PasswordError::Unreadable)
    }

    fn params(self) -> Result<Params, PasswordError> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT_LEN))
            .map_err(|_| PasswordError::CostOutOfRange)
    }
}

impl Default for PasswordCost {
    /// 19 MiB, 2 passes, 1 lane: what OWASP advises for argon2id.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// A password could not be hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The memory that the cost asks for is not to be had.
    #[error("not enough memory to hash a password; try again, or lower the cost")]
    OutOfMemory,
    /// The password is longer than 1 KiB.
    #[error("the password is longer than 1 KiB; choose a shorter one")]
    TooLong,
    /// What is stored is no argon2id hash within the limits.
    #[error("the stored password hash is damaged; set a new password")]
    Unreadable,
    /// A cost that cannot be or that is higher than the limits.
    #[error(
        "the password cost is out of range; take up to 1 GiB, 64 passes and 16 lanes, 8 KiB or more per lane"
    )]
    CostOutOfRange,
}

/// What came of comparing a password with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a fourth verdict must not pass unnoticed")]
pub enum Verdict {
    /// Not the password.
    Wrong,
    /// The password.
    Right,
    /// The password, but hashed at another cost than today's: hash it anew while it is at hand.
    RightButOutdated,
}

/// Hashes and compares passwords at one cost.
///
/// Both take tens of milliseconds and megabytes on purpose: call them off the async threads, through a
/// bounded queue. The memory is kept and used again by the next one: there is as much of it as there ever were
/// calls at once. Clones share it.
///
/// ```
/// use restic_manager_crypto::{PasswordCost, Passwords, SecretString, SystemRandom, Verdict};
/// let passwords = Passwords::new(PasswordCost::default());
/// let password = SecretString::new("nine lives of a tabby");
/// let stored = passwords.hash(&password, &SystemRandom::new())?;
/// assert_eq!(passwords.verify(&password, &stored)?, Verdict::Right);
/// assert_eq!(passwords.verify(&SecretString::new("guess"), &stored)?, Verdict::Wrong);
/// # Ok::<(), restic_manager_crypto::PasswordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: PasswordCost,
    memory: Memory,
}

/// Memory that is at rest between two computations.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    /// Lends memory for as long as `work` takes.
    fn lend<T>(
        &self,
        blocks: usize,
        work: impl FnOnce(&mut [Block]) -> Result<T, PasswordError>,
    ) -> Result<T, PasswordError> {
        let mut memory = self.at_rest().pop().unwrap_or_default();
        if let Some(more) = blocks.checked_sub(memory.len()) {
            memory.try_reserve_exact(more).map_err(|_| PasswordError::OutOfMemory)?;
            memory.resize(blocks, Block::default());
        }
        let done = work(&mut memory[..blocks]);
        self.at_rest().push(memory);
        done
    }

    fn at_rest(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Passwords {
    /// Passwords at a cost.
    #[must_use]
    pub fn new(cost: PasswordCost) -> Self {
        Self { cost, memory: Memory::default() }
    }

    /// The text to store: PHC format, with a random salt and the cost inside.
    ///
    /// # Errors
    /// When the password is longer than 1 KiB, or the memory is not to be had.
    pub fn hash(&self, password: &SecretString, random: &dyn Random) -> Result<String, PasswordError> {
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt);
        Ok(self.compute(self.cost, password, &salt)?.to_string())
    }

    /// Compares a password with a stored hash, at the cost that it was stored with.
    ///
    /// # Errors
    /// When the stored text is damaged, or the memory is not to be had: neither is the person's mistake,
    /// so neither counts as a wrong guess.
    pub fn verify(&self, password: &SecretString, stored: &str) -> Result<Verdict, PasswordError> {
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return Ok(Verdict::Wrong);
        }
        let hash = PasswordHash::new(stored).map_err(|_| PasswordError::Unreadable)?;
        let (Some(salt), Some(expected)) =
            (&hash.salt, hash.hash.filter(|output| output.len() == OUTPUT_LEN))
        else {
            return Err(PasswordError::Unreadable);
        };
        if hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || hash.version != Some(Version::V0x13.into())
        {
            return Err(PasswordError::Unreadable);
        }
        let cost = PasswordCost::of(&hash)?;
        let computed = self.compute(cost, password, salt)?;
        let output = computed.hash.ok_or(PasswordError::Unreadable)?;
        Ok(match bool::from(output.as_bytes().ct_eq(expected.as_bytes())) {
            false => Verdict::Wrong,
            true if cost == self.cost => Verdict::Right,
            true => Verdict::RightButOutdated,
        })
    }

    /// Takes as long as [`Passwords::verify`] for an account that does not exist, so that time does not
    /// tell which accounts do.
    ///
    /// # Errors
    /// As [`Passwords::verify`].
    pub fn verify_nobody(&self, password: &SecretString) -> Result<Verdict, PasswordError> {
        if password.expose().len() <= MAX_PASSWORD_BYTES {
            black_box(self.compute(self.cost, password, &[0; SALT_LEN])?);
        }
        Ok(Verdict::Wrong)
    }

    fn compute(
        &self,
        cost: PasswordCost,
        password: &SecretString,
        salt: &[u8],
    ) -> Result<PasswordHash, PasswordError> {
        let params = cost.params()?;
        let blocks = params.block_count();
        let written = ParamsString::try_from(&params).map_err(|_| PasswordError::CostOutOfRange)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut output = [0; OUTPUT_LEN];
        self.memory.lend(blocks, |memory| {
            argon2
                .hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut output, memory)
                .map_err(|_| PasswordError::Unreadable)
        })?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: written,
            salt: Some(Salt::new(salt).map_err(|_| PasswordError::Unreadable)?),
            hash: Some(Output::new(&output).map_err(|_| PasswordError::Unreadable)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_never_more_than_was_needed_at_once() {
        let passwords = Passwords::new(PasswordCost::lowest());
        let password = SecretString::new("nine lives of a tabby");
        for _ in 0..20 {
            let _wrong = passwords.verify_nobody(&password).unwrap();
        }
        let addresses = || {
            let memory = passwords.memory.at_rest();
            memory.iter().map(|blocks| (blocks.as_ptr().addr(), blocks.len())).collect::<Vec<_>>()
        };
        let [one] = addresses()[..] else { panic!("{:?}", addresses()) };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _wrong = passwords.verify_nobody(&password).unwrap();
                    }
                });
            }
        });
        assert!(addresses().len() <= 3 && addresses().contains(&one), "{:?}", addresses());
        let larger =
            Passwords { cost: PasswordCost::new(64, 1, 1).unwrap(), memory: passwords.memory.clone() };
        let stored = larger.hash(&password, &crate::SystemRandom::new()).unwrap();
        assert_eq!(passwords.verify(&password, &stored), Ok(Verdict::RightButOutdated));
        assert_eq!(larger.verify(&password, &stored), Ok(Verdict::Right));
    }
}
