use std::ffi::OsStr;
use std::path::PathBuf;

use super::bare;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::secret::Secret;

/// Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Google {
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The project; needed to create a bucket.
    pub project_id: Option<String>,
    /// How to prove who we are.
    pub credential: GoogleCredential,
}

impl Google {
    /// A repository at the top of `bucket`.
    pub fn new(bucket: impl Into<String>, credential: GoogleCredential) -> Self {
        Self { bucket: bucket.into(), prefix: None, project_id: None, credential }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the bucket", &self.bucket);
        draft.location(side, OsStr::new(&format!("gs:{}:/{}", self.bucket, bare(self.prefix.as_deref()))));
        if let Some(project) = &self.project_id {
            draft.set("GOOGLE_PROJECT_ID", Variable::plain(project));
        }
        match &self.credential {
            GoogleCredential::File(file) => {
                draft.set("GOOGLE_APPLICATION_CREDENTIALS", Variable::plain(file))
            }
            GoogleCredential::ServiceAccount(key) => {
                draft.secret_file("GOOGLE_APPLICATION_CREDENTIALS", None, key.clone())
            }
            GoogleCredential::AccessToken(token) => {
                draft.set("GOOGLE_ACCESS_TOKEN", Variable::Secret(token.clone()))
            }
            GoogleCredential::Machine => {}
        }
    }
}

/// Proof for Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoogleCredential {
    /// A JSON key file of a service account, readable by restic only.
    File(PathBuf),
    /// The JSON key of a service account, which reaches restic by a pipe; not on Windows.
    ServiceAccount(Secret),
    /// A short-lived access token.
    AccessToken(Secret),
    /// The identity of the machine.
    Machine,
}
