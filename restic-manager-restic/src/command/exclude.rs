use std::path::PathBuf;

use super::draft::Draft;

/// What a command leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exclude {
    /// Patterns.
    pub patterns: Vec<String>,
    /// Patterns that ignore upper and lower case.
    pub insensitive_patterns: Vec<String>,
    /// Files with patterns, one on each line.
    pub files: Vec<PathBuf>,
    /// Files with patterns that ignore upper and lower case.
    pub insensitive_files: Vec<PathBuf>,
}

impl Exclude {
    /// What matches one of these patterns.
    pub fn patterns<T: Into<String>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self { patterns: patterns.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn write(&self, draft: &mut Draft) {
        draft.options("--exclude", &self.patterns);
        draft.options("--iexclude", &self.insensitive_patterns);
        draft.options("--exclude-file", &self.files);
        draft.options("--iexclude-file", &self.insensitive_files);
    }
}
