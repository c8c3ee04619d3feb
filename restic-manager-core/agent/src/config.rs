//! What an agent is told by its file: `agent.toml`, typed, with every unknown key refused.

use core::{fmt, str::FromStr};
use std::path::{Path, PathBuf};

use http::{Uri, uri::Scheme};
use restic_manager_crypto::Fingerprint;
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, Value};

use crate::{
    files::{self, FileError, Staged},
    policy::PolicyFile,
};

/// Longest configuration file.
const MAX_BYTES: u64 = 64 * 1024;
const AGENT_PATH: &str = "/ws/agent";
const PENDING_PATH: &str = "/ws/agent/pending";
#[cfg(not(windows))]
const DEFAULT_POLICY: &str = "/etc/restic-manager/policy.toml";
#[cfg(windows)]
const DEFAULT_POLICY: &str = r"C:\ProgramData\restic-manager\policy.toml";

/// An agent's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server, such as `https://backup.example`.
    pub server: ServerUrl,
    /// The server's fingerprint, as it shows it; an agent talks to no other.
    #[serde(with = "as_text")]
    pub server_fingerprint: Fingerprint,
    /// Where the agent keeps its key, its token, its outbox and what it knows of its jobs.
    #[serde(default = "default_state_folder")]
    pub state_folder: PathBuf,
    /// Where restic keeps its cache; `cache` in the state folder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_folder: Option<PathBuf>,
    /// The restic to run, an absolute path; looked for along the search path when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restic: Option<PathBuf>,
    /// What this host lets its server do; the usual place when absent. A file that is named must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<PathBuf>,
    /// Certificates of authorities that are trusted beside the machine's own, in PEM: for a server behind a private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The HTTP proxy through which the server is reached, such as `http://proxy.example:3128`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyUrl>,
    /// Most space that unconfirmed reports may take, in MiB.
    #[serde(default = "default_outbox_limit")]
    pub outbox_limit_mib: u32,
    /// Most space that the indexes of snapshots may take, in MiB: what has not been used for longest gives way.
    #[serde(default = "default_index_limit")]
    pub index_limit_mib: u32,
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no file.
    #[error("find {}; enrol this host first: restic-manager-agent enrol, or announce", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is not a configuration.
    #[error("understand {}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and what is wrong.
        reason: String,
    },
}

impl Config {
    /// A configuration with the usual folders and limits.
    #[must_use]
    pub fn new(server: ServerUrl, server_fingerprint: Fingerprint) -> Self {
        Self {
            server,
            server_fingerprint,
            state_folder: default_state_folder(),
            cache_folder: None,
            restic: None,
            policy_file: None,
            ca_file: None,
            proxy: None,
            outbox_limit_mib: default_outbox_limit(),
            index_limit_mib: default_index_limit(),
        }
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it is missing, cannot be read, or is not a configuration.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            files::read(path, MAX_BYTES)?.ok_or_else(|| ConfigError::Missing { path: path.to_owned() })?;
        Self::parse(&text).map_err(|reason| ConfigError::Invalid { path: path.to_owned(), reason })
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Prepares the file, readable by its owner alone; it is in place once that is committed. Of a file that is there
    /// everything stays but for the keys that differ, comments among it.
    ///
    /// # Errors
    /// When it cannot be written, or the one that is there is not a configuration.
    pub fn stage(&self, path: &Path) -> Result<Staged, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid { path: path.to_owned(), reason };
        let text = toml::to_string(self).map_err(|error| invalid(error.to_string()))?;
        let text = match files::read(path, MAX_BYTES)? {
            Some(before) => amended(&before, &text).map_err(|error| invalid(error.to_string()))?,
            None => format!("# Configuration of the restic-manager agent.\n{text}"),
        };
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        Ok(Staged::new(path, text.as_bytes())?)
    }

    /// Where restic keeps its cache.
    #[must_use]
    pub fn cache_folder(&self) -> PathBuf {
        self.cache_folder.clone().unwrap_or_else(|| self.state_folder.join("cache"))
    }

    /// Where the indexes of snapshots are kept.
    #[must_use]
    pub fn index_folder(&self) -> PathBuf {
        self.state_folder.join("index")
    }

    /// Most bytes that they may take.
    #[must_use]
    pub fn index_limit_bytes(&self) -> u64 {
        u64::from(self.index_limit_mib) * 1024 * 1024
    }

    /// Where the host says what it lets its server do.
    #[must_use]
    pub fn policy(&self) -> PolicyFile {
        match &self.policy_file {
            Some(path) => PolicyFile::new(path.clone()).required(),
            None => PolicyFile::new(DEFAULT_POLICY.into()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let absolute = [
            ("state_folder", Some(&self.state_folder)),
            ("cache_folder", self.cache_folder.as_ref()),
            ("restic", self.restic.as_ref()),
            ("policy_file", self.policy_file.as_ref()),
            ("ca_file", self.ca_file.as_ref()),
        ];
        for (key, path) in absolute {
            if path.is_some_and(|path| !path.is_absolute()) {
                return Err(format!("{key} is not an absolute path"));
            }
        }
        if !(1..=64 * 1024).contains(&self.outbox_limit_mib) {
            return Err("outbox_limit_mib is not between 1 and 65536".to_owned());
        }
        if !(16..=1024 * 1024).contains(&self.index_limit_mib) {
            return Err("index_limit_mib is not between 16 and 1048576".to_owned());
        }
        Ok(())
    }
}

/// A text with the values of another, as far as they differ.
fn amended(before: &str, after: &str) -> Result<String, toml_edit::TomlError> {
    let bare = |value: &Value| value.clone().decorated("", "").to_string();
    let mut document: DocumentMut = before.parse()?;
    let wanted: DocumentMut = after.parse()?;
    for (key, wanted) in wanted.iter().filter_map(|(key, item)| Some((key, item.as_value()?))) {
        match document.get_mut(key).and_then(Item::as_value_mut) {
            Some(value) if bare(value) == bare(wanted) => {}
            Some(value) => {
                let decor = value.decor().clone();
                *value = wanted.clone();
                *value.decor_mut() = decor;
            }
            None => drop(document.insert(key, Item::Value(wanted.clone()))),
        }
    }
    Ok(document.to_string())
}

/// Where a server is found: `https://host[:port][/path]`, or `http` where the way there is safe by other means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerUrl {
    text: String,
    host: String,
    port: u16,
    is_tls: bool,
}

/// A text is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a server's address; an address looks like https://backup.example or https://backup.example:8443/manager"
)]
pub struct ParseServerUrlError;

impl ServerUrl {
    /// Its host name or address, for connecting and for checking its certificate.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether what is said to it can be read by others on the way.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.is_tls && !matches!(self.host(), "localhost" | "127.0.0.1" | "::1")
    }

    /// Where its TCP connections go.
    pub(crate) fn endpoint(&self) -> Result<Uri, http::Error> {
        let authority = format!("{}:{}", self.host, self.port);
        Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query("/").build()
    }

    /// The address that agents connect to.
    #[must_use]
    pub fn agent_url(&self) -> String {
        self.socket_url(AGENT_PATH)
    }

    /// The address at which hosts that announce themselves wait.
    #[must_use]
    pub fn pending_url(&self) -> String {
        self.socket_url(PENDING_PATH)
    }

    fn socket_url(&self, path: &str) -> String {
        let (_, rest) = self.text.split_once("://").unwrap_or_default();
        let scheme = if self.is_tls { "wss" } else { "ws" };
        format!("{scheme}://{rest}{path}")
    }
}

impl FromStr for ServerUrl {
    type Err = ParseServerUrlError;

    fn from_str(text: &str) -> Result<Self, ParseServerUrlError> {
        let text = text.trim().trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| ParseServerUrlError)?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(ParseServerUrlError),
        };
        let authority = uri.authority().ok_or(ParseServerUrlError)?;
        if uri.query().is_some() || text.contains(['#', '@']) || authority.host().is_empty() {
            return Err(ParseServerUrlError);
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            None if !has_port && is_tls => 443,
            None if !has_port => 80,
            _ => return Err(ParseServerUrlError),
        };
        Ok(Self { text: text.to_owned(), host: authority.host().to_owned(), port, is_tls })
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = ParseServerUrlError;

    fn try_from(text: String) -> Result<Self, ParseServerUrlError> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.text
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An HTTP proxy: `http://host:port`, without a login, which a file that others may read is no place for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyUrl(Uri);

/// A text is not the address of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a proxy's address; an address looks like http://proxy.example:3128, and holds no login")]
pub struct ParseProxyUrlError;

impl ProxyUrl {
    pub(crate) fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl FromStr for ProxyUrl {
    type Err = ParseProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ParseProxyUrlError> {
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| ParseProxyUrlError)?;
        let is_http = uri.scheme() == Some(&Scheme::HTTP);
        let authority = uri.authority().ok_or(ParseProxyUrlError)?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains(['@', '#']);
        let has_port = authority.port_u16().is_some_and(|port| port > 0);
        if is_http && is_bare && has_port { Ok(Self(uri)) } else { Err(ParseProxyUrlError) }
    }
}

impl TryFrom<String> for ProxyUrl {
    type Error = ParseProxyUrlError;

    fn try_from(text: String) -> Result<Self, ParseProxyUrlError> {
        text.parse()
    }
}

impl From<ProxyUrl> for String {
    fn from(url: ProxyUrl) -> Self {
        url.0.to_string().trim_end_matches('/').to_owned()
    }
}

fn default_state_folder() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(r"C:\ProgramData\restic-manager")
    } else {
        PathBuf::from("/var/lib/restic-manager")
    }
}

const fn default_outbox_limit() -> u32 {
    64
}

const fn default_index_limit() -> u32 {
    2048
}

/// A value as the text it shows.
mod as_text {
    use core::{fmt::Display, str::FromStr};
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
