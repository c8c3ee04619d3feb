use std::ffi::OsStr;

use super::bare;
use crate::command::draft::{Draft, Side, Variable};
use crate::command::secret::Secret;

/// Azure Blob Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Azure {
    /// The container.
    pub container: String,
    /// A folder inside the container.
    pub prefix: Option<String>,
    /// The storage account.
    pub account_name: String,
    /// How to prove who we are.
    pub credential: AzureCredential,
    /// The suffix of the service's address, for sovereign clouds.
    pub endpoint_suffix: Option<String>,
}

impl Azure {
    /// A repository at the top of `container`.
    pub fn new(
        container: impl Into<String>,
        account_name: impl Into<String>,
        credential: AzureCredential,
    ) -> Self {
        Self {
            container: container.into(),
            prefix: None,
            account_name: account_name.into(),
            credential,
            endpoint_suffix: None,
        }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the container", &self.container);
        draft.name("the storage account", &self.account_name);
        draft.location(
            side,
            OsStr::new(&format!("azure:{}:/{}", self.container, bare(self.prefix.as_deref()))),
        );
        draft.set("AZURE_ACCOUNT_NAME", Variable::plain(&self.account_name));
        match &self.credential {
            AzureCredential::AccountKey(key) => draft.set("AZURE_ACCOUNT_KEY", Variable::Secret(key.clone())),
            AzureCredential::SharedAccessSignature(signature) => {
                draft.set("AZURE_ACCOUNT_SAS", Variable::Secret(signature.clone()));
            }
            AzureCredential::Machine => {}
        }
        if let Some(suffix) = &self.endpoint_suffix {
            draft.set("AZURE_ENDPOINT_SUFFIX", Variable::plain(suffix));
        }
    }
}

/// Proof for an Azure storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureCredential {
    /// The key of the account.
    AccountKey(Secret),
    /// A shared access signature.
    SharedAccessSignature(Secret),
    /// The identity of the machine.
    Machine,
}
