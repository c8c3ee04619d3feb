//! How fast restic may be.

use serde::{Deserialize, Serialize};

/// Limits of what restic sends and receives; a direction without one is not limited.
///
/// ```
/// use restic_manager_proto::Bandwidth;
///
/// let host = Bandwidth { upload_kib: Some(2048), download_kib: None };
/// let night = Bandwidth { upload_kib: Some(8192), download_kib: Some(1024) };
/// assert_eq!(host.slower(night), Bandwidth { upload_kib: Some(2048), download_kib: Some(1024) });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "complete: there are two directions")]
pub struct Bandwidth {
    /// Most KiB a second that restic sends: 1 to 4,194,304.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = Bandwidth::HIGHEST_KIB)))]
    pub upload_kib: Option<u32>,
    /// Most KiB a second that restic receives: 1 to 4,194,304.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = Bandwidth::HIGHEST_KIB)))]
    pub download_kib: Option<u32>,
}

impl Bandwidth {
    /// The highest limit there is: 4 GiB a second.
    pub const HIGHEST_KIB: u32 = 4 * 1024 * 1024;

    /// Whether there is no limit.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Both at once: in each direction the slower one counts.
    #[must_use]
    pub fn slower(self, other: Self) -> Self {
        Self {
            upload_kib: slower(self.upload_kib, other.upload_kib),
            download_kib: slower(self.download_kib, other.download_kib),
        }
    }

    /// Whether restic takes it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let mut limits = self.upload_kib.into_iter().chain(self.download_kib);
        limits.all(|limit| (1..=Self::HIGHEST_KIB).contains(&limit))
    }
}

fn slower(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).min()
}
