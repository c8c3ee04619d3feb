//! Google's service account keys. The file format knows kinds of credentials that make whoever reads them open files,
//! ask addresses or start programs, so a key is read here before restic reads it.

use serde::Deserialize;

use super::{Refusal, when};

/// The smallest pipe, through which restic is handed the key.
const LONGEST_KEY: usize = 4096;
/// Where keys are exchanged for tokens.
const TOKEN_ADDRESSES: &[&str] = &[
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
];
const UNIVERSE: &str = "googleapis.com";

/// All that such a key may hold. What is not named here is refused, in any spelling: Go reads names without regard to
/// case, so an unknown `Type` could be read as `type`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "they are looked for, not at")]
struct Key<'k> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'k, str>,
    project_id: Option<String>,
    private_key_id: Option<String>,
    private_key: String,
    client_email: String,
    client_id: Option<String>,
    auth_uri: Option<String>,
    token_uri: Option<String>,
    auth_provider_x509_cert_url: Option<String>,
    client_x509_cert_url: Option<String>,
    universe_domain: Option<String>,
}

/// The key of a service account, as Google's console gives it out.
pub(super) fn service_account(text: &str) -> Result<(), Refusal> {
    when(text.len() <= LONGEST_KEY, "a service account key of at most 4096 bytes")?;
    let key: Key<'_> = serde_json::from_str(text).map_err(|_| {
        Refusal(
            "the whole JSON key of a service account, as Google's console gives it out, and nothing besides",
        )
    })?;
    when(key.kind == "service_account", "a key whose `type` is `service_account`")?;
    when(
        key.token_uri.as_deref().is_none_or(|address| TOKEN_ADDRESSES.contains(&address)),
        "a key whose `token_uri` is Google's, such as `https://oauth2.googleapis.com/token`",
    )?;
    when(
        key.universe_domain.as_deref().is_none_or(|universe| universe == UNIVERSE),
        "a key whose `universe_domain` is `googleapis.com`",
    )
}
