//! Where a repository lies, field by field for each storage, joined to the location that restic takes.

use restic_manager_proto::api::{Code, FieldProblem, Problem};
use serde::Serialize;

use super::problem::field;
use crate::{api::Failure, forms::Form};

/// One part of a location.
struct Part {
    name: &'static str,
    label: &'static str,
    example: &'static str,
    required: bool,
}

/// A storage: what its location is made of.
struct Storage {
    key: &'static str,
    label: &'static str,
    note: &'static str,
    /// What to know before choosing it.
    help: &'static str,
    parts: &'static [Part],
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
        help: "The service account’s key reaches restic by a pipe; no agent keeps it as a file. Agents on Windows refuse it: use the bucket’s S3 access there, with storage.googleapis.com as endpoint.",
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

/// The storages with what was typed.
#[derive(Serialize)]
pub(crate) struct StorageFields {
    chosen: String,
    storages: Vec<StorageView>,
    error: Option<String>,
}

#[derive(Serialize)]
struct StorageView {
    key: &'static str,
    label: &'static str,
    note: &'static str,
    help: &'static str,
    parts: Vec<PartView>,
}

#[derive(Serialize)]
struct PartView {
    name: &'static str,
    label: &'static str,
    example: &'static str,
    required: bool,
    value: String,
    error: Option<String>,
}

impl StorageFields {
    pub(crate) fn new(form: &Form, problem: Option<&Problem>) -> Self {
        let part = |part: &Part| PartView {
            name: part.name,
            label: part.label,
            example: part.example,
            required: part.required,
            value: form.text(part.name).to_owned(),
            error: field(problem, part.name).filter(|_| part.name != "location"),
        };
        let view = |storage: &Storage| StorageView {
            key: storage.key,
            label: storage.label,
            note: storage.note,
            help: storage.help,
            parts: storage.parts.iter().map(part).collect(),
        };
        Self {
            chosen: chosen(form).key.to_owned(),
            storages: STORAGES.iter().map(view).collect(),
            error: field(problem, "location"),
        }
    }
}

/// A form that names no storage has the location in one field.
fn chosen(form: &Form) -> &'static Storage {
    let [first, .., other] = &STORAGES;
    let named = STORAGES.iter().find(|storage| storage.key == form.text("credential_kind"));
    named.unwrap_or(if form.given("location").is_some() { other } else { first })
}

/// The location that was typed in parts.
pub(crate) fn location(form: &Form) -> Result<String, Failure> {
    let storage = chosen(form);
    let missing: Vec<_> = storage
        .parts
        .iter()
        .filter(|part| part.required && form.given(part.name).is_none())
        .map(|part| FieldProblem {
            field: part.name.to_owned(),
            message: format!("such as {}", part.example),
        })
        .collect();
    let port = form.given("sftp_port").filter(|_| storage.key == "sftp");
    let bad_port = port.filter(|port| port.parse::<u16>().map_or(true, |port| port == 0));
    let refused: Vec<_> = missing
        .into_iter()
        .chain(bad_port.map(|_| FieldProblem {
            field: "sftp_port".to_owned(),
            message: "a number from 1 to 65535, or nothing for 22".to_owned(),
        }))
        .collect();
    if refused.is_empty() {
        let parts: Vec<_> = storage.parts.iter().map(|part| form.text(part.name)).collect();
        return Ok((storage.join)(&parts));
    }
    let mut problem = Problem::new(Code::Invalid, "", "fill in the fields that are named");
    problem.fields = refused;
    Err(Failure::Refused(Box::new(problem)))
}

/// Every field of every storage, which speaks for itself.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    STORAGES.iter().flat_map(|storage| storage.parts).map(|part| part.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_storage_makes_the_location_that_restic_takes() {
        for (form, location) in [
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
            assert_eq!(
                super::location(&Form::parse(form.as_bytes())).ok().as_deref(),
                Some(location),
                "{form}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_told_by_field() {
        for (form, expected) in [
            ("credential_kind=s3&s3_endpoint=x", vec!["s3_bucket"]),
            ("credential_kind=sftp&sftp_port=99999", vec!["sftp_host", "sftp_path", "sftp_port"]),
            ("", vec!["rest_url"]),
        ] {
            let Err(Failure::Refused(problem)) = location(&Form::parse(form.as_bytes())) else {
                panic!("{form}")
            };
            let told: Vec<_> = problem.fields.iter().map(|field| field.field.as_str()).collect();
            assert_eq!(told, expected, "{form}");
        }
    }
}
