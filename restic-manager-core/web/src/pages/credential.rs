//! What a storage asks for, as forms have it, and the host that tries it.

use restic_manager_proto::{
    SecretText, TransportCredential,
    api::{Nothing, hosts},
};
use serde::Serialize;

use super::context::Cx;
use crate::{api::Failure, view::SelectOption};

/// The fields of a transport credential, as typed; secrets are never shown again.
#[derive(Default, Serialize)]
pub(crate) struct CredentialFields {
    kind: String,
    username: String,
    access_key_id: String,
    region: String,
    account: String,
    project: String,
}

impl CredentialFields {
    pub(crate) fn typed(cx: &Cx) -> Self {
        let text = |name| cx.form.text(name).to_owned();
        Self {
            kind: cx.form.given("credential_kind").unwrap_or("rest").to_owned(),
            username: text("credential_username"),
            access_key_id: text("credential_access_key_id"),
            region: text("credential_region"),
            account: text("credential_account"),
            project: text("credential_project"),
        }
    }
}

/// The credential that was typed, if any.
pub(crate) fn posted_credential(cx: &Cx) -> Option<TransportCredential> {
    let text = |name: &str| cx.form.text(name).to_owned();
    let secret = |name: &str| SecretText::new(cx.form.raw(name));
    match cx.form.text("credential_kind") {
        "rest" => cx.form.given("credential_username").map(|username| TransportCredential::Rest {
            username: username.to_owned(),
            password: secret("credential_password"),
        }),
        "s3" => cx.form.given("credential_access_key_id").map(|id| TransportCredential::S3 {
            access_key_id: id.to_owned(),
            secret_access_key: secret("credential_secret_access_key"),
            region: cx.form.given("credential_region").map(str::to_owned),
        }),
        "b2" => Some(TransportCredential::B2 {
            account_id: text("credential_b2_account"),
            account_key: secret("credential_b2_key"),
        }),
        "azure" => Some(TransportCredential::Azure {
            account_name: text("credential_account"),
            account_key: secret("credential_azure_key"),
        }),
        "google" if cx.form.given("credential_service_account").is_some() => {
            Some(TransportCredential::Google {
                project_id: text("credential_project"),
                service_account: secret("credential_service_account"),
            })
        }
        "environment" => {
            let pairs = cx.form.lines("credential_variables");
            if pairs.is_empty() {
                return None;
            }
            let variables = pairs
                .iter()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), SecretText::new(value)));
            Some(TransportCredential::Environment { variables: variables.collect() })
        }
        _ => None,
    }
}

/// Hosts that are offered to try from.
const OFFERED: u32 = 100;

/// Who can try.
#[derive(Serialize)]
pub(crate) struct Tester {
    hosts: Vec<SelectOption>,
    chosen: String,
}

/// The hosts that can try; absent when there is none.
pub(crate) async fn tester(cx: &Cx) -> Result<Option<Tester>, Failure> {
    let filter = hosts::Filter { limit: Some(OFFERED), ..hosts::Filter::default() };
    let found = cx.api.get::<hosts::List>(Nothing {}, filter).await?;
    let option = |host: &hosts::Host| SelectOption { value: host.id.to_string(), label: host.name.clone() };
    Ok(Tester::new(cx, found.items.iter().map(option).collect()))
}

impl Tester {
    pub(crate) fn new(cx: &Cx, hosts: Vec<SelectOption>) -> Option<Self> {
        (!hosts.is_empty()).then(|| Self { hosts, chosen: cx.form.text("test_host").to_owned() })
    }
}
