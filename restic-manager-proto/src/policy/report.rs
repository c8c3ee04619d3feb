use serde::{Deserialize, Serialize};

use super::{Act, HostPolicy, Refused};

/// What a host reports of its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct PolicyReport {
    /// Where the rules come from.
    pub source: PolicySource,
    /// The file, as the host names it.
    pub file: String,
    /// `sha256:` and the digest of the file; empty without a file that can be used.
    pub digest: String,
    /// For a file that cannot be used: why.
    pub problem: String,
    /// The rules in force.
    pub rules: HostPolicy,
}

/// Where a host's rules come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicySource {
    /// There is no file: the default rules hold.
    #[default]
    Default,
    /// The file.
    File,
    /// The file cannot be used: everything is refused until a person on the host mends it.
    Unusable,
    /// A source of a newer agent.
    #[serde(other)]
    Unknown,
}

impl PolicyReport {
    /// The report of a host without a file.
    #[must_use]
    pub fn without_file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The report of a file's rules.
    #[must_use]
    pub fn of_file(file: impl Into<String>, digest: impl Into<String>, rules: HostPolicy) -> Self {
        Self {
            source: PolicySource::File,
            file: file.into(),
            digest: digest.into(),
            problem: String::new(),
            rules,
        }
    }

    /// The report of a file that cannot be used.
    #[must_use]
    pub fn unusable(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { source: PolicySource::Unusable, file: file.into(), problem: problem.into(), ..Self::default() }
    }

    /// Whether the host may do something: see [`HostPolicy::decide`]. While the file cannot be used, nothing may be
    /// done.
    ///
    /// # Errors
    /// When it may not.
    pub fn decide(&self, act: &Act<'_>) -> Result<(), Refused> {
        match self.source {
            PolicySource::Unusable => Err(Refused::new(format!(
                "the host's policy file cannot be used, so everything is refused: {}",
                super::shown(&self.problem)
            ))),
            _ => self.rules.decide(act),
        }
    }
}
