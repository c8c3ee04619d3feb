use std::ffi::OsStr;

use super::below;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::secret::Secret;

/// Amazon S3 or a compatible store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3 {
    /// `s3.amazonaws.com`, or the address of a compatible store such as `https://minio.example:9000`.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The region, where the endpoint does not tell it.
    pub region: Option<String>,
    /// How the bucket is addressed: `auto`, `dns` or `path`.
    pub bucket_lookup: Option<String>,
    /// The storage class of new objects.
    pub storage_class: Option<String>,
    /// The key. Without it restic asks the machine's own identity service.
    pub key: Option<S3Key>,
}

impl S3 {
    /// A repository at the top of `bucket`.
    pub fn new(endpoint: impl Into<String>, bucket: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            bucket: bucket.into(),
            prefix: None,
            region: None,
            bucket_lookup: None,
            storage_class: None,
            key: None,
        }
    }

    /// Adds the access key.
    #[must_use]
    pub fn with_key(mut self, key: S3Key) -> Self {
        self.key = Some(key);
        self
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        let location = format!(
            "s3:{}/{}{}",
            self.endpoint.trim_end_matches('/'),
            self.bucket,
            below(self.prefix.as_deref(), "/")
        );
        draft.name("the bucket", &self.bucket);
        draft.name("the endpoint of an S3 store", &self.endpoint);
        draft.location(side, OsStr::new(&location));
        draft.extended("s3.region", self.region.as_deref());
        draft.extended("s3.bucket-lookup", self.bucket_lookup.as_deref());
        draft.extended("s3.storage-class", self.storage_class.as_deref());
        if let Some(key) = &self.key {
            draft.set("AWS_ACCESS_KEY_ID", Variable::Secret(key.id.clone()));
            draft.set("AWS_SECRET_ACCESS_KEY", Variable::Secret(key.secret.clone()));
            if let Some(token) = &key.session_token {
                draft.set("AWS_SESSION_TOKEN", Variable::Secret(token.clone()));
            }
        }
    }
}

/// Access key of an S3 store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3Key {
    /// The access key id.
    pub id: Secret,
    /// The secret access key.
    pub secret: Secret,
    /// The token of a temporary key.
    pub session_token: Option<Secret>,
}

impl S3Key {
    /// A lasting key.
    pub fn new(id: impl Into<Secret>, secret: impl Into<Secret>) -> Self {
        Self { id: id.into(), secret: secret.into(), session_token: None }
    }
}
