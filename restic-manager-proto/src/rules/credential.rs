//! Credentials of storages: which kind fits which storage, and which variables a storage may be given.

use std::collections::BTreeMap;

use super::{Refusal, Storage, google, when};
use crate::{SecretText, TransportCredential};

/// Most variables of one credential.
const MOST_VARIABLES: usize = 32;
/// Longest value, in bytes.
const LONGEST_VALUE: usize = 64 * 1024;

/// The variables that a storage reads and that hold a value for it alone.
///
/// None of them names a file, a program, a configuration, a proxy or a certificate: what a program of the host reads or
/// runs is not a server's to say. What is not listed is refused.
#[must_use]
pub const fn variables(storage: Storage) -> &'static [&'static str] {
    match storage {
        Storage::S3 => &[
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ],
        Storage::B2 => &["B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"],
        Storage::Azure => &[
            "AZURE_ACCOUNT_KEY",
            "AZURE_ACCOUNT_NAME",
            "AZURE_ACCOUNT_SAS",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_TENANT_ID",
        ],
        Storage::Google => &["GOOGLE_ACCESS_TOKEN", "GOOGLE_PROJECT_ID"],
        Storage::Swift => &[
            "OS_APPLICATION_CREDENTIAL_ID",
            "OS_APPLICATION_CREDENTIAL_NAME",
            "OS_APPLICATION_CREDENTIAL_SECRET",
            "OS_AUTH_TOKEN",
            "OS_AUTH_URL",
            "OS_PASSWORD",
            "OS_PROJECT_DOMAIN_ID",
            "OS_PROJECT_DOMAIN_NAME",
            "OS_PROJECT_NAME",
            "OS_REGION_NAME",
            "OS_STORAGE_URL",
            "OS_TENANT_ID",
            "OS_TENANT_NAME",
            "OS_TRUST_ID",
            "OS_USERNAME",
            "OS_USER_DOMAIN_ID",
            "OS_USER_DOMAIN_NAME",
            "OS_USER_ID",
            "ST_AUTH",
            "ST_KEY",
            "ST_USER",
            "SWIFT_DEFAULT_CONTAINER_POLICY",
        ],
        // The password of the configuration that the host has already.
        Storage::Rclone => &["RCLONE_CONFIG_PASS"],
        Storage::Local | Storage::Rest | Storage::Sftp => &[],
    }
}

/// A transport credential for a storage.
///
/// # Errors
/// When it is of another storage, lacks a part, or holds what that storage is not to be given.
pub fn credential(credential: &TransportCredential, storage: Storage) -> Result<(), Refusal> {
    use TransportCredential as Kind;
    let (kind, values): (_, Vec<&str>) = match credential {
        Kind::Rest { username, password } => (Storage::Rest, vec![username, password.expose()]),
        Kind::S3 { access_key_id, secret_access_key, region } => {
            (Storage::S3, vec![access_key_id, secret_access_key.expose(), region.as_deref().unwrap_or("-")])
        }
        Kind::B2 { account_id, account_key } => (Storage::B2, vec![account_id, account_key.expose()]),
        Kind::Azure { account_name, account_key } => {
            (Storage::Azure, vec![account_name, account_key.expose()])
        }
        Kind::Google { project_id, .. } => (Storage::Google, vec![project_id]),
        Kind::Environment { variables } => return environment(variables, storage),
    };
    when(kind == storage, "of another kind than the repository's location; choose the kind that fits it")?;
    when(
        values.iter().all(|value| is_value(value) && !value.is_empty()),
        "every part needs a value, on one line and without control characters",
    )?;
    match credential {
        Kind::S3 { region: Some(region), .. } => when(
            region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "a region of letters, digits and `-`, such as `eu-central-1`",
        ),
        Kind::Google { service_account, .. } => google::service_account(service_account.expose()),
        _ => Ok(()),
    }
}

fn environment(given: &BTreeMap<String, SecretText>, storage: Storage) -> Result<(), Refusal> {
    let allowed = variables(storage);
    when(!allowed.is_empty(), "this storage reads no variables; leave the credential out")?;
    when((1..=MOST_VARIABLES).contains(&given.len()), "1 to 32 variables, such as `AWS_SESSION_TOKEN`")?;
    when(
        given.keys().all(|name| allowed.contains(&name.as_str())),
        "variables that this storage reads, as docs/reference/storages.md lists them, such as `AWS_SESSION_TOKEN` for \
         `s3:`; files, programs and proxies are set on the host",
    )?;
    when(
        given.values().all(|value| is_value(value.expose())),
        "values of at most 64 KiB on one line, without control characters",
    )
}

fn is_value(value: &str) -> bool {
    value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control)
}
