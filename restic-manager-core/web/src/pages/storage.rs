//! Where a repository lies, field by field for each storage, joined to the location that restic takes.

use core::num::NonZeroU16;
use serde::Serialize;

use super::{form_reader::FormReader, form_state::FormState};
use crate::forms::Form;

/// One part of a location.
#[derive(Serialize)]
struct Part {
    name: &'static str,
    label: &'static str,
    example: &'static str,
    required: bool,
}

/// A storage: what its location is made of.
#[derive(Serialize)]
struct Storage {
    key: &'static str,
    label: &'static str,
    note: &'static str,
    /// What to know before choosing it.
    help: &'static str,
    parts: &'static [Part],
    #[serde(skip)]
    join: fn(&[&str]) -> String,
}

const fn part(name: &'static str, label: &'static str, example: &'static str) -> Part {
    Part { name, label, example, required: true }
}

const fn maybe(name: &'static str, label: &'static str, example: &'static str) -> Part {
    Part { name, label, example, required: false }
}

static STORAGES: [Storage; 9] = [
    Storage {
        key: "rest",
        label: "rest-server",
        note: "restic’s own server",
        help: "Run it with --append-only, so that no host can delete.",
        parts: &[part("rest_url", "Address", "https://backup.example.com/web/")],
        join: |parts| format!("rest:{}", parts[0]),
    },
    Storage {
        key: "s3",
        label: "S3",
        note: "and what speaks like it",
        help: "Give the everyday key no right to delete but below locks/.",
        parts: &[
            part("s3_endpoint", "Endpoint", "https://s3.example.com"),
            part("s3_bucket", "Bucket", "backups"),
            maybe("s3_path", "Folder in it", "web"),
        ],
        join: |parts| format!("s3:{}", path(&[parts[0].trim_end_matches('/'), parts[1], parts[2]])),
    },
    Storage {
        key: "sftp",
        label: "SFTP",
        note: "a folder over ssh",
        help: "The host’s ssh finds the key and knows the server: set both up for the account of the agent. No password is kept here.",
        parts: &[
            maybe("sftp_user", "User", "backup"),
            part("sftp_host", "Server", "store.example.com"),
            maybe("sftp_port", "Port", "22"),
            part("sftp_path", "Folder", "/srv/restic"),
        ],
        join: sftp,
    },
    Storage {
        key: "b2",
        label: "Backblaze B2",
        note: "by its own protocol",
        help: "Give the everyday key no deleteFiles.",
        parts: &[part("b2_bucket", "Bucket", "backups"), maybe("b2_path", "Folder in it", "web")],
        join: |parts| format!("b2:{}:{}", parts[0], parts[1]),
    },
    Storage {
        key: "azure",
        label: "Azure",
        note: "Blob Storage",
        help: "",
        parts: &[part("azure_container", "Container", "backups"), maybe("azure_path", "Folder in it", "web")],
        join: |parts| format!("azure:{}:/{}", parts[0], parts[1].trim_start_matches('/')),
    },
    Storage {
        key: "google",
        label: "Google Cloud",
        note: "Cloud Storage",
        help: "The service account’s key reaches restic by a pipe; no agent keeps it as a file.",
        parts: &[part("gs_bucket", "Bucket", "backups"), maybe("gs_path", "Folder in it", "web")],
        join: |parts| format!("gs:{}:/{}", parts[0], parts[1].trim_start_matches('/')),
    },
    Storage {
        key: "rclone",
        label: "rclone",
        note: "anything that it reaches",
        help: "rclone and its configuration must be on each host, for the account of the agent.",
        parts: &[part("rclone_remote", "Remote", "store"), part("rclone_path", "Folder", "restic/web")],
        join: |parts| format!("rclone:{}:{}", parts[0], parts[1]),
    },
    Storage {
        key: "local",
        label: "Folder",
        note: "of the host, or mounted there",
        help: "Whoever has the host can delete it: good as one copy, not as the only one.",
        parts: &[part("local_path", "Folder", "/srv/restic")],
        join: |parts| parts[0].to_owned(),
    },
    Storage {
        key: "environment",
        label: "Other",
        note: "as restic takes it",
        help: "Without user and password.",
        parts: &[part("location", "Location", "swift:container:/web")],
        join: |parts| parts[0].to_owned(),
    },
];

/// Of parts that are not empty.
fn path(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| part.trim_matches('/')).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("/")
}

/// The form with a port is a URL, in which an absolute path begins with two slashes.
fn sftp(parts: &[&str]) -> String {
    let [user, host, port, folder] = [parts[0], parts[1], parts[2], parts[3]];
    let at = if user.is_empty() { String::new() } else { format!("{user}@") };
    if port.is_empty() {
        format!("sftp:{at}{host}:{folder}")
    } else {
        format!("sftp://{at}{host}:{port}/{folder}")
    }
}

/// The storages, whose values are in the form around them.
#[derive(Serialize)]
pub(crate) struct StorageFields {
    chosen: &'static str,
    storages: &'static [Storage],
}

impl StorageFields {
    /// Adds the parts of every storage to a form.
    pub(crate) fn fill(form: &mut FormState<'_>, typed: &Form) -> Self {
        for part in STORAGES.iter().flat_map(|storage| storage.parts) {
            form.text(part.name, "");
        }
        Self { chosen: chosen(typed).key, storages: &STORAGES }
    }
}

/// A form that names no storage has the location in one field.
fn chosen(form: &Form) -> &'static Storage {
    let [first, .., other] = &STORAGES;
    let named = STORAGES.iter().find(|storage| storage.key == form.text("credential_kind"));
    named.unwrap_or(if form.given("location").is_some() { other } else { first })
}

/// The location that was typed in parts.
pub(crate) fn read(reader: &mut FormReader<'_>) -> String {
    let storage = chosen(reader.form);
    for part in storage.parts.iter().filter(|part| part.required) {
        if reader.form.given(part.name).is_none() {
            reader.refuse(part.name, &format!("such as {}", part.example));
        }
    }
    if storage.key == "sftp" {
        reader.optional::<NonZeroU16>(
            "sftp_port",
            "sftp_port",
            "a number from 1 to 65535, or nothing for 22",
        );
    }
    let parts: Vec<_> = storage.parts.iter().map(|part| reader.form.text(part.name)).collect();
    (storage.join)(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Failure;

    /// The location, or the fields that are refused.
    fn location(form: &str) -> Result<String, Vec<String>> {
        let form = Form::parse(form.as_bytes());
        let mut reader = FormReader::new(&form);
        let location = read(&mut reader);
        reader.finish(Some(location)).map_err(|failure| match failure {
            Failure::Refused(problem) => problem.fields.iter().map(|field| field.field.clone()).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn each_storage_makes_the_location_that_restic_takes() {
        for (form, wanted) in [
            ("credential_kind=rest&rest_url=https%3A%2F%2Fb.example%2Fweb%2F", "rest:https://b.example/web/"),
            (
                "credential_kind=s3&s3_endpoint=https%3A%2F%2Fs3.example%2F&s3_bucket=b&s3_path=%2Fweb%2F",
                "s3:https://s3.example/b/web",
            ),
            ("credential_kind=s3&s3_endpoint=s3.amazonaws.com&s3_bucket=b", "s3:s3.amazonaws.com/b"),
            ("credential_kind=sftp&sftp_user=me&sftp_host=h&sftp_path=%2Fsrv", "sftp:me@h:/srv"),
            ("credential_kind=sftp&sftp_host=h&sftp_port=2222&sftp_path=%2Fsrv", "sftp://h:2222//srv"),
            ("credential_kind=b2&b2_bucket=b&b2_path=web", "b2:b:web"),
            ("credential_kind=azure&azure_container=c&azure_path=web", "azure:c:/web"),
            ("credential_kind=google&gs_bucket=b", "gs:b:/"),
            ("credential_kind=rclone&rclone_remote=r&rclone_path=a%2Fb", "rclone:r:a/b"),
            ("credential_kind=local&local_path=%2Fsrv%2Frestic", "/srv/restic"),
            ("credential_kind=environment&location=swift%3Ac%3A%2F", "swift:c:/"),
            ("location=%2Fsrv", "/srv"),
        ] {
            assert_eq!(location(form).as_deref(), Ok(wanted), "{form}");
        }
    }

    #[test]
    fn what_is_missing_is_told_by_field() {
        for (form, expected) in [
            ("credential_kind=s3&s3_endpoint=x", vec!["s3_bucket"]),
            ("credential_kind=sftp&sftp_port=99999", vec!["sftp_host", "sftp_path", "sftp_port"]),
            ("", vec!["rest_url"]),
        ] {
            let told: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(location(form), Err(told), "{form}");
        }
    }
}
