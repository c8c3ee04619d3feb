use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{percent_encoded, quoted};
use crate::command::draft::{Draft, Side};
use crate::command::error::CommandError;

/// A server reached by SSH. The key comes from the agent, from ssh's own configuration or from `identity_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sftp {
    /// The host name or address.
    pub host: String,
    /// The port, where it is not 22.
    pub port: Option<u16>,
    /// The user on the server.
    pub user: Option<String>,
    /// The folder on the server.
    pub path: String,
    /// The private key. Needs restic 0.16 or newer; older ones take it from ssh's configuration.
    pub identity_file: Option<PathBuf>,
    /// A `known_hosts` file to use instead of the user's. Needs restic 0.16 or newer.
    pub known_hosts_file: Option<PathBuf>,
}

impl Sftp {
    /// A repository in the folder `path` of `host`.
    pub fn new(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            user: None,
            path: path.into(),
            identity_file: None,
            known_hosts_file: None,
        }
    }

    pub(super) fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the host of an SFTP server", &self.host);
        let is_host = |char: char| char.is_alphanumeric() || "-_.:[]%".contains(char);
        if !self.host.chars().all(is_host) {
            draft.refuse(CommandError::Invalid {
                what: "the host of an SFTP server",
                reason: "give a name or an address alone; port, user and folder have fields of their own",
            });
        }
        if self.path.is_empty() {
            draft.refuse(CommandError::Empty { what: "the folder on an SFTP server" });
        }
        let user = match &self.user {
            Some(user) => {
                draft.name("the user on an SFTP server", user);
                format!("{}@", percent_encoded(user, ""))
            }
            None => String::new(),
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        // After the slash that ends the authority a second one makes the path absolute.
        let path = percent_encoded(&self.path, "/");
        draft.location(side, OsStr::new(&format!("sftp://{user}{}{port}/{path}", in_address(&self.host))));
        self.write_ssh_arguments(draft);
    }

    fn write_ssh_arguments(&self, draft: &mut Draft) {
        let mut arguments = vec![OsString::from("sftp.args=-o BatchMode=yes")];
        if let Some(file) = &self.identity_file {
            arguments.push(" -o IdentitiesOnly=yes -i ".into());
            refuse_tokens(file, draft);
            arguments.push(quoted(file.as_os_str(), draft));
        }
        if let Some(file) = &self.known_hosts_file {
            arguments.push(" -o StrictHostKeyChecking=yes -o ".into());
            refuse_tokens(file, draft);
            // ssh takes several files, parted by blanks, so the name stands in quotes of its own.
            let mut option = OsString::from("UserKnownHostsFile=\"");
            option.push(file);
            option.push("\"");
            arguments.push("'".into());
            arguments.push(option);
            arguments.push("'".into());
        }
        // Without a terminal to ask on, ssh must not ask at all; older versions leave that to its configuration.
        if arguments.len() > 1 || draft.has("-o sftp.args") {
            draft.needs("-o sftp.args");
            draft.option("-o", arguments.into_iter().collect::<OsString>());
        }
    }
}

/// ssh replaces `%h` and the like in names of files, and splits them at quotes.
fn refuse_tokens(file: &Path, draft: &mut Draft) {
    if file.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'%' | b'"' | b'\'')) {
        draft.refuse(CommandError::Invalid {
            what: "a file for ssh",
            reason: "its path must not hold quotes or '%', which ssh would replace",
        });
    }
}

/// A host as it stands in an address: one with colons is an IPv6 address and stands in brackets.
fn in_address(host: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.contains(':') { format!("[{}]", bare.replace('%', "%25")) } else { bare.to_owned() }
}
