use std::ffi::OsStr;

use super::below;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::secret::Secret;

/// Backblaze B2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct B2 {
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The key id.
    pub account_id: Secret,
    /// The application key.
    pub account_key: Secret,
}

impl B2 {
    /// A repository at the top of `bucket`.
    pub fn new(
        bucket: impl Into<String>,
        account_id: impl Into<Secret>,
        account_key: impl Into<Secret>,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: None,
            account_id: account_id.into(),
            account_key: account_key.into(),
        }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the bucket", &self.bucket);
        draft
            .location(side, OsStr::new(&format!("b2:{}{}", self.bucket, below(self.prefix.as_deref(), ":"))));
        draft.set("B2_ACCOUNT_ID", Variable::Secret(self.account_id.clone()));
        draft.set("B2_ACCOUNT_KEY", Variable::Secret(self.account_key.clone()));
    }
}
