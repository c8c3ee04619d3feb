use std::fmt;

use serde::{Deserialize, Serialize};

/// File type and permission bits as restic stores them: **Go's** `FileMode`, not `st_mode`.
///
/// Go keeps the lower nine permission bits of Unix and puts everything else into the upper bits, so that a
/// directory is `1 << 31` and not `0o040000`. [`Mode::unix`] translates.
///
/// ```
/// use restic_manager_restic::Mode;
///
/// let mode = Mode::from_go(2_147_484_141);
/// assert!(mode.is_dir());
/// assert_eq!(mode.unix(), 0o040755);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mode(u32);

impl Mode {
    const DIR: u32 = 1 << 31;
    const SYMLINK: u32 = 1 << 27;
    const DEVICE: u32 = 1 << 26;
    const FIFO: u32 = 1 << 25;
    const SOCKET: u32 = 1 << 24;
    const SETUID: u32 = 1 << 23;
    const SETGID: u32 = 1 << 22;
    const CHAR_DEVICE: u32 = 1 << 21;
    const STICKY: u32 = 1 << 20;

    /// Takes the number restic prints.
    pub const fn from_go(bits: u32) -> Self {
        Self(bits)
    }

    /// The number restic prints.
    pub const fn go(self) -> u32 {
        self.0
    }

    /// The nine permission bits, as in `chmod`.
    pub const fn permissions(self) -> u32 {
        self.0 & 0o777
    }

    /// The same mode as `st_mode` of Unix: file type, set-id and sticky bits, permissions.
    ///
    /// A type that Unix has no bits for (Go's "irregular") leaves the file type zero.
    pub const fn unix(self) -> u32 {
        let mut mode = self.permissions() | self.unix_file_type();
        if self.has(Self::SETUID) {
            mode |= 0o4000;
        }
        if self.has(Self::SETGID) {
            mode |= 0o2000;
        }
        if self.has(Self::STICKY) {
            mode |= 0o1000;
        }
        mode
    }

    /// Whether this is a directory.
    pub const fn is_dir(self) -> bool {
        self.has(Self::DIR)
    }

    /// Whether this is a symbolic link.
    pub const fn is_symlink(self) -> bool {
        self.has(Self::SYMLINK)
    }

    /// Whether this is a regular file.
    pub const fn is_file(self) -> bool {
        const IRREGULAR: u32 = 1 << 19;
        let types = Self::DIR | Self::SYMLINK | Self::DEVICE | Self::FIFO | Self::SOCKET | Self::CHAR_DEVICE;
        self.0 & (types | IRREGULAR) == 0
    }

    const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    const fn unix_file_type(self) -> u32 {
        if self.is_dir() {
            0o040_000
        } else if self.is_symlink() {
            0o120_000
        } else if self.has(Self::CHAR_DEVICE) {
            0o020_000
        } else if self.has(Self::DEVICE) {
            0o060_000
        } else if self.has(Self::FIFO) {
            0o010_000
        } else if self.has(Self::SOCKET) {
            0o140_000
        } else if self.is_file() {
            0o100_000
        } else {
            0
        }
    }
}

/// Octal `st_mode`, as `stat` prints it.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06o}", self.unix())
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn every_recorded_kind_translates_to_what_stat_says() {
        let cases = [
            (2_147_484_141, 0o040_755),
            (420, 0o100_644),
            (69_206_436, 0o020_644),
            (33_554_852, 0o010_644),
            (134_218_239, 0o120_777),
            ((1 << 31) | (1 << 20) | 0o777, 0o041_777),
            ((1 << 23) | 0o755, 0o104_755),
            ((1 << 22) | 0o755, 0o102_755),
            ((1 << 26) | 0o660, 0o060_660),
            ((1 << 24) | 0o755, 0o140_755),
            ((1 << 19) | 0o600, 0o600),
        ];
        for (go, unix) in cases {
            assert_eq!(Mode::from_go(go).unix(), unix, "{go}");
            assert_eq!(Mode::from_go(go).go(), go);
        }
    }
}
