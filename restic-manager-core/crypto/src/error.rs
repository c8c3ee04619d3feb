//! The one answer to everything that is not authentic.

/// Something sealed or signed did not open.
///
/// It says no more on purpose: wrong key, wrong context, wrong version and damaged data look alike, so
/// that whoever sends forgeries learns nothing from the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("not authentic: damaged, meant for another place, or made with another key")]
#[non_exhaustive]
pub struct OpenError;
