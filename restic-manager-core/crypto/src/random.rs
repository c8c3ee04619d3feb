//! The only place that draws randomness.

use ring::rand::SecureRandom as _;
use std::sync::Arc;

/// A source of unpredictable bytes.
///
/// Filling cannot fail: a program whose operating system has no randomness left can do nothing useful but
/// stop, so [`SystemRandom`] panics then, and nobody writes code for a case that nobody can test. This is
/// our own trait because ring seals its own; tests pass a seeded source.
///
/// ```
/// use restic_manager_crypto::{Random, SystemRandom};
/// let mut bytes = [0; 10];
/// SystemRandom::new().fill(&mut bytes);
/// assert_ne!(bytes, [0; 10]);
/// ```
pub trait Random: Send + Sync {
    /// Overwrites all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl<R: Random + ?Sized> Random for &R {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

impl<R: Random + ?Sized> Random for Box<R> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// The operating system's randomness.
#[derive(Clone, Debug)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl SystemRandom {
    /// A handle; it owns nothing, so any number may exist.
    #[must_use]
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness.
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system always has randomness once it has started");
    }
}

/// Bytes that follow from a seed, the same on every machine. For tests alone: whoever knows the seed knows
/// every byte.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    blocks: std::sync::atomic::AtomicU64,
}

#[cfg(any(test, feature = "testing"))]
impl SeededRandom {
    /// The stream of bytes that belongs to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, blocks: std::sync::atomic::AtomicU64::new(0) }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.blocks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut input = [0; 16];
            input[..8].copy_from_slice(&self.seed.to_be_bytes());
            input[8..].copy_from_slice(&block.to_be_bytes());
            let digest = ring::digest::digest(&ring::digest::SHA256, &input);
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}
