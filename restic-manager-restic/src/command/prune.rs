use super::{draft::Draft, error::CommandError, invocation::Stdout, verb::Write};

/// `restic prune`: removes data that no snapshot needs. Its report is plain text in every version so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prune {
    /// How much unused data may stay; `None` for restic's 5 %.
    pub max_unused: Option<MaxUnused>,
    /// Rewrite at most so many bytes in this run.
    pub max_repack_bytes: Option<u64>,
    /// Rewrite only what is in the local cache.
    pub repack_cacheable_only: bool,
    /// Compress what is not.
    pub repack_uncompressed: bool,
    /// Rewrite packs below so many bytes (restic 0.18 or newer).
    pub repack_smaller_than_bytes: Option<u64>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// How much unused data may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaxUnused {
    /// So many bytes.
    Bytes(u64),
    /// So many percent of the repository, below 100.
    Percent(u8),
    /// Any amount: only packs that are wholly unused go. The fastest.
    Unlimited,
}

impl Prune {
    /// With restic's own defaults.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Write for Prune {
    fn verb(&self) -> &'static str {
        "prune"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        match self.max_unused {
            None => {}
            Some(MaxUnused::Bytes(bytes)) => draft.option("--max-unused", bytes.to_string()),
            Some(MaxUnused::Percent(percent)) if percent >= 100 => {
                draft.refuse(CommandError::Invalid {
                    what: "--max-unused",
                    reason: "give less than 100 percent",
                });
            }
            Some(MaxUnused::Percent(percent)) => draft.option("--max-unused", format!("{percent}%")),
            Some(MaxUnused::Unlimited) => draft.option("--max-unused", "unlimited"),
        }
        if let Some(bytes) = self.max_repack_bytes {
            draft.option("--max-repack-size", bytes.to_string());
        }
        draft.flag_if(self.repack_cacheable_only, "--repack-cacheable-only");
        draft.flag_if(self.repack_uncompressed, "--repack-uncompressed");
        if let Some(bytes) = self.repack_smaller_than_bytes {
            draft.option("--repack-smaller-than", bytes.to_string());
        }
        draft.flag_if(self.dry_run, "--dry-run");
    }
}
