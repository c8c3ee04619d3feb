//! Protocol versions and how two ends agree on one.

use core::fmt;
use serde::{Deserialize, Serialize};

/// The protocol versions that this build speaks.
pub const SUPPORTED: VersionRange = VersionRange { min: 1, max: 1 };

/// The protocol versions that one end speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a range has two ends")]
pub struct VersionRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl VersionRange {
    /// The newest version that both ends speak.
    ///
    /// ```
    /// use restic_manager_proto::VersionRange;
    /// let ours = VersionRange { min: 1, max: 3 };
    /// assert_eq!(ours.agree(VersionRange { min: 2, max: 7 }), Some(3));
    /// assert_eq!(ours.agree(VersionRange { min: 4, max: 7 }), None);
    /// ```
    #[must_use]
    pub fn agree(self, other: Self) -> Option<u16> {
        let newest = self.max.min(other.max);
        (newest >= self.min && newest >= other.min).then_some(newest)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{} to {}", self.min, self.max)
        }
    }
}
