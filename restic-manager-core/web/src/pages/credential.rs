//! What a storage asks for, as forms have it, and the host that tries it.

use restic_manager_proto::{
    SecretText, TransportCredential,
    api::{Nothing, hosts},
};
use serde::Serialize;
use std::collections::BTreeMap;

use super::{context::Cx, form_reader::FormReader, form_state::FormState};
use crate::{api::Failure, view::SelectOption};

/// Adds the fields of a transport credential to a form; secrets are never shown again.
pub(crate) fn fill(form: &mut FormState<'_>) {
    form.text("credential_kind", "rest");
    for name in [
        "credential_username",
        "credential_access_key_id",
        "credential_region",
        "credential_b2_account",
        "credential_account",
        "credential_project",
    ] {
        form.text(name, "");
    }
    for name in [
        "credential_password",
        "credential_secret_access_key",
        "credential_b2_key",
        "credential_azure_key",
        "credential_service_account",
        "credential_variables",
        "everyday",
        "credential",
    ] {
        form.secret(name);
    }
}

/// The credential that was typed, if any.
pub(crate) fn read(reader: &mut FormReader<'_>) -> Option<TransportCredential> {
    let form = reader.form;
    let text = |name: &str| form.text(name).to_owned();
    let secret = |name: &str| SecretText::new(form.raw(name));
    match form.text("credential_kind") {
        "rest" => form.given("credential_username").map(|username| TransportCredential::Rest {
            username: username.to_owned(),
            password: secret("credential_password"),
        }),
        "s3" => form.given("credential_access_key_id").map(|id| TransportCredential::S3 {
            access_key_id: id.to_owned(),
            secret_access_key: secret("credential_secret_access_key"),
            region: form.given("credential_region").map(str::to_owned),
        }),
        "b2" => Some(TransportCredential::B2 {
            account_id: text("credential_b2_account"),
            account_key: secret("credential_b2_key"),
        }),
        "azure" => Some(TransportCredential::Azure {
            account_name: text("credential_account"),
            account_key: secret("credential_azure_key"),
        }),
        "google" if form.given("credential_service_account").is_some() => Some(TransportCredential::Google {
            project_id: text("credential_project"),
            service_account: secret("credential_service_account"),
        }),
        "environment" => variables(reader),
        _ => None,
    }
}

/// One `NAME=value` a line; a line of another form is refused, and not passed over.
fn variables(reader: &mut FormReader<'_>) -> Option<TransportCredential> {
    let lines = reader.form.lines("credential_variables");
    let pairs = lines.iter().filter_map(|line| line.split_once('='));
    let variables: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.trim().to_owned(), SecretText::new(value))).collect();
    if variables.len() != lines.len() {
        reader.refuse("credential_variables", "one NAME=value a line, each name once");
    }
    (!lines.is_empty()).then_some(TransportCredential::Environment { variables })
}

/// Hosts that are offered to try from.
const OFFERED: u32 = 100;

/// Who can try.
#[derive(Serialize)]
pub(crate) struct Tester {
    hosts: Vec<SelectOption>,
    chosen: String,
    /// There are more hosts than these.
    more: bool,
}

/// The hosts that can try; absent when there is none.
pub(crate) async fn tester(cx: &Cx) -> Result<Option<Tester>, Failure> {
    let filter = hosts::Filter { limit: Some(OFFERED), ..hosts::Filter::default() };
    let found = cx.api.get::<hosts::List>(Nothing {}, filter).await?;
    let option = |host: &hosts::Host| SelectOption { value: host.id.to_string(), label: host.name.clone() };
    Ok(Tester::new(cx, found.items.iter().map(option).collect(), found.next.is_some()))
}

impl Tester {
    pub(crate) fn new(cx: &Cx, hosts: Vec<SelectOption>, more: bool) -> Option<Self> {
        (!hosts.is_empty()).then(|| Self { hosts, chosen: cx.form.text("test_host").to_owned(), more })
    }
}
