use core::fmt;

/// A kind of storage that restic speaks to. Its text is restic's own word, which begins a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// A folder of the host.
    Local,
    /// A rest-server, or what speaks its protocol.
    Rest,
    /// Amazon S3 or a compatible store.
    S3,
    /// A server reached by SSH.
    Sftp,
    /// Backblaze B2 by its own protocol.
    B2,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Google,
    /// OpenStack Swift.
    Swift,
    /// A remote of rclone.
    Rclone,
}

impl Storage {
    /// Every storage.
    pub const ALL: &[Self] = &[
        Self::Local,
        Self::Rest,
        Self::S3,
        Self::Sftp,
        Self::B2,
        Self::Azure,
        Self::Google,
        Self::Swift,
        Self::Rclone,
    ];

    /// The word that begins a location.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Rest => "rest",
            Self::S3 => "s3",
            Self::Sftp => "sftp",
            Self::B2 => "b2",
            Self::Azure => "azure",
            Self::Google => "gs",
            Self::Swift => "swift",
            Self::Rclone => "rclone",
        }
    }

    /// The storage of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|storage| storage.as_str() == word)
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
