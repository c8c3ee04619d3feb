//! Where a repository lives, and what its storage needs to let us in.

mod azure;
mod b2;
mod custom;
mod google;
mod local;
mod rclone;
mod rest;
mod s3;
mod sftp;

use std::ffi::{OsStr, OsString};

use super::draft::{Draft, Side};
use super::error::CommandError;

pub use azure::{Azure, AzureCredential};
pub use b2::B2;
pub use custom::Custom;
pub use google::{Google, GoogleCredential};
pub use local::Local;
pub use rclone::Rclone;
pub use rest::{Login, Rest};
pub use s3::{S3, S3Key};
pub use sftp::Sftp;

/// The storage behind a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// A folder of this machine.
    Local(Local),
    /// A rest-server, or anything that speaks its protocol.
    Rest(Rest),
    /// Amazon S3 or a compatible store.
    S3(S3),
    /// Backblaze B2 by its own protocol.
    B2(B2),
    /// Azure Blob Storage.
    Azure(Azure),
    /// Google Cloud Storage.
    Google(Google),
    /// A server reached by SSH.
    Sftp(Sftp),
    /// A remote of rclone.
    Rclone(Rclone),
    /// Anything else restic knows, spelled out by the caller.
    Custom(Custom),
}

impl Backend {
    /// The word before the first colon of the location, which also starts the names of extended options.
    pub(super) fn scheme(&self) -> &str {
        match self {
            Self::Local(_) => "local",
            Self::Rest(_) => "rest",
            Self::S3(_) => "s3",
            Self::B2(_) => "b2",
            Self::Azure(_) => "azure",
            Self::Google(_) => "gs",
            Self::Sftp(_) => "sftp",
            Self::Rclone(_) => "rclone",
            Self::Custom(custom) => custom.location.split_once(':').map_or("local", |(scheme, _)| scheme),
        }
    }

    /// Puts location, credentials and options into a draft.
    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        match self {
            Self::Local(local) => local.write(side, draft),
            Self::Rest(rest) => rest.write(side, draft),
            Self::S3(s3) => s3.write(side, draft),
            Self::B2(b2) => b2.write(side, draft),
            Self::Azure(azure) => azure.write(side, draft),
            Self::Google(google) => google.write(side, draft),
            Self::Sftp(sftp) => sftp.write(side, draft),
            Self::Rclone(rclone) => rclone.write(side, draft),
            Self::Custom(custom) => custom.write(side, draft),
        }
    }
}

macro_rules! into_backend {
    ($($name:ident),+) => {
        $(impl From<$name> for Backend {
            fn from(backend: $name) -> Self {
                Self::$name(backend)
            }
        })+
    };
}
into_backend!(Local, Rest, S3, B2, Azure, Google, Sftp, Rclone, Custom);

/// A prefix behind its separator, or nothing.
fn below(prefix: Option<&str>, separator: &str) -> String {
    prefix.map(|prefix| format!("{separator}{}", prefix.trim_matches('/'))).unwrap_or_default()
}

fn bare(prefix: Option<&str>) -> &str {
    prefix.unwrap_or_default().trim_matches('/')
}

/// Quotes a word for restic's own splitter, which knows quotes but no escapes.
fn quoted(word: &OsStr, draft: &mut Draft) -> OsString {
    let bytes = word.as_encoded_bytes();
    if bytes.contains(&b'"') || bytes.contains(&b'\'') {
        draft.refuse(CommandError::Invalid {
            what: "a path for ssh or rclone",
            reason: "it must not hold quotes",
        });
    }
    let mut quoted = OsString::from("'");
    quoted.push(word);
    quoted.push("'");
    quoted
}

/// Encodes everything but unreserved characters and those that may stay, for a part of an address.
fn percent_encoded(text: &str, stays: &str) -> String {
    // The capacity keeps a secret from being copied about by growth.
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || stays.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
