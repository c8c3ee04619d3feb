//! How a restic process proves itself to a repository's storage.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::SecretText;

/// A transport credential: what the storage asks for. The password that encrypts the repository is apart from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TransportCredential {
    /// A rest-server's user.
    Rest {
        /// The user's name.
        username: String,
        /// The user's password.
        password: SecretText,
    },
    /// Amazon S3 or a server that speaks its protocol.
    S3 {
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: SecretText,
        /// `AWS_DEFAULT_REGION`, where the server needs one.
        #[serde(default)]
        region: Option<String>,
    },
    /// Backblaze B2.
    B2 {
        /// `B2_ACCOUNT_ID`.
        account_id: String,
        /// `B2_ACCOUNT_KEY`.
        account_key: SecretText,
    },
    /// Azure Blob Storage.
    Azure {
        /// `AZURE_ACCOUNT_NAME`.
        account_name: String,
        /// `AZURE_ACCOUNT_KEY`.
        account_key: SecretText,
    },
    /// Google Cloud Storage.
    Google {
        /// `GOOGLE_PROJECT_ID`.
        project_id: String,
        /// The service account's key file, as JSON text.
        service_account: SecretText,
    },
    /// Any other storage: variables that restic or its helper reads. Names that restic itself reserves are refused.
    Environment {
        /// Name and value of each variable.
        variables: BTreeMap<String, SecretText>,
    },
}

/// What an agent needs to open a repository; only ever sent sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepositorySecrets {
    /// The password that encrypts the repository.
    pub password: SecretText,
    /// What the storage asks for, if anything.
    #[serde(default)]
    pub credential: Option<TransportCredential>,
}

impl RepositorySecrets {
    /// Joins the two.
    #[must_use]
    pub fn new(password: SecretText, credential: Option<TransportCredential>) -> Self {
        Self { password, credential }
    }
}
