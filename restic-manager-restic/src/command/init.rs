use super::{
    draft::{Draft, Side},
    repository::Repository,
    verb::Write,
};

/// `restic init`: makes a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Init {
    /// The format; `None` for what this restic thinks best.
    pub format: Option<RepositoryFormat>,
    /// Cut files the same way as this other repository does, so that `copy` between them deduplicates.
    pub same_chunks_as: Option<Repository>,
}

/// The format of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepositoryFormat {
    /// Without compression; read by every restic.
    V1,
    /// With compression, since restic 0.14.
    V2,
}

impl Init {
    /// A repository of the usual format.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Write for Init {
    fn verb(&self) -> &'static str {
        "init"
    }

    fn write(&self, draft: &mut Draft) {
        if let Some(format) = self.format {
            draft.option(
                "--repository-version",
                match format {
                    RepositoryFormat::V1 => "1",
                    RepositoryFormat::V2 => "2",
                },
            );
        }
        if let Some(other) = &self.same_chunks_as {
            draft.two_sided();
            draft.flag("--copy-chunker-params");
            other.write(Side::From, draft);
        }
    }
}
