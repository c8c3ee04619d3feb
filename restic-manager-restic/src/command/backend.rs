//! Where a repository lives, and what its storage needs to let us in.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

use super::{
    draft::{Draft, Side, Variable},
    environment::check_name,
    error::CommandError,
    secret::Secret,
};

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

/// A folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Local {
    /// The folder; absolute.
    pub path: PathBuf,
}

impl Local {
    /// A repository in the folder `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

/// User name and password of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The user name; restic prints it.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// The pair.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { user: user.into(), password: password.into() }
    }
}

/// A rest-server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rest {
    /// The address, `https://host:8000/path/`, without user name and password.
    pub url: String,
    /// User name and password, if the server asks for them.
    pub login: Option<Login>,
}

impl Rest {
    /// A repository at `url`, without login.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), login: None }
    }

    /// Adds user name and password.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }
}

/// Amazon S3 or a compatible store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3 {
    /// `s3.amazonaws.com`, or the address of a compatible store such as `https://minio.example:9000`.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The region, where the endpoint does not tell it.
    pub region: Option<String>,
    /// How the bucket is addressed: `auto`, `dns` or `path`.
    pub bucket_lookup: Option<String>,
    /// The storage class of new objects.
    pub storage_class: Option<String>,
    /// The key. Without it restic asks the machine's own identity service.
    pub key: Option<S3Key>,
}

/// Access key of an S3 store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3Key {
    /// The access key id.
    pub id: Secret,
    /// The secret access key.
    pub secret: Secret,
    /// The token of a temporary key.
    pub session_token: Option<Secret>,
}

impl S3Key {
    /// A lasting key.
    pub fn new(id: impl Into<Secret>, secret: impl Into<Secret>) -> Self {
        Self { id: id.into(), secret: secret.into(), session_token: None }
    }
}

impl S3 {
    /// A repository at the top of `bucket`.
    pub fn new(endpoint: impl Into<String>, bucket: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            bucket: bucket.into(),
            prefix: None,
            region: None,
            bucket_lookup: None,
            storage_class: None,
            key: None,
        }
    }

    /// Adds the access key.
    #[must_use]
    pub fn with_key(mut self, key: S3Key) -> Self {
        self.key = Some(key);
        self
    }
}

/// Backblaze B2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct B2 {
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The key id.
    pub account_id: Secret,
    /// The application key.
    pub account_key: Secret,
}

impl B2 {
    /// A repository at the top of `bucket`.
    pub fn new(
        bucket: impl Into<String>,
        account_id: impl Into<Secret>,
        account_key: impl Into<Secret>,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: None,
            account_id: account_id.into(),
            account_key: account_key.into(),
        }
    }
}

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
}

/// Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Google {
    /// The bucket.
    pub bucket: String,
    /// A folder inside the bucket.
    pub prefix: Option<String>,
    /// The project; needed to create a bucket.
    pub project_id: Option<String>,
    /// How to prove who we are.
    pub credential: GoogleCredential,
}

/// Proof for Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoogleCredential {
    /// A JSON key file of a service account, readable by restic only.
    File(PathBuf),
    /// A short-lived access token.
    AccessToken(Secret),
    /// The identity of the machine.
    Machine,
}

impl Google {
    /// A repository at the top of `bucket`.
    pub fn new(bucket: impl Into<String>, credential: GoogleCredential) -> Self {
        Self { bucket: bucket.into(), prefix: None, project_id: None, credential }
    }
}

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
}

/// A remote of rclone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rclone {
    /// The name of the remote in rclone's configuration.
    pub remote: String,
    /// The path inside the remote.
    pub path: String,
    /// The program, where it is not `rclone` on the search path.
    pub program: Option<PathBuf>,
    /// The configuration file, where it is not the user's.
    pub config_file: Option<PathBuf>,
    /// The password of an encrypted configuration file.
    pub config_password: Option<Secret>,
}

impl Rclone {
    /// A repository at `remote:path`.
    pub fn new(remote: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            remote: remote.into(),
            path: path.into(),
            program: None,
            config_file: None,
            config_password: None,
        }
    }
}

/// The escape hatch: a location as restic takes it, with the variables and options its backend reads.
///
/// Nothing is checked but the form, so nothing is protected but what is given as a [`Secret`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Custom {
    /// The location as after `-r`, without a password in it.
    pub location: String,
    /// Variables that restic prints or that are no secret.
    pub variables: Vec<(String, String)>,
    /// Variables that hold secrets.
    pub secrets: Vec<(String, Secret)>,
    /// Extended options, `key=value` after `-o`. They are seen in the process list.
    pub options: Vec<String>,
}

impl Custom {
    /// A repository at `location`.
    pub fn new(location: impl Into<String>) -> Self {
        Self { location: location.into(), variables: Vec::new(), secrets: Vec::new(), options: Vec::new() }
    }
}

/// Values of variables are left out: this type cannot know which of them matter.
impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .variables
            .iter()
            .map(|(name, _)| name)
            .chain(self.secrets.iter().map(|(name, _)| name))
            .collect();
        f.debug_struct("Custom")
            .field("location", &crate::redact::text(&self.location))
            .field("variables", &names)
            .field("options", &self.options.len())
            .finish()
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

impl Local {
    fn write(&self, side: Side, draft: &mut Draft) {
        if !self.path.is_absolute() {
            draft.refuse(CommandError::Invalid {
                what: "the folder of a local repository",
                reason: "it must be an absolute path",
            });
        }
        draft.location(side, self.path.as_os_str());
    }
}

impl Rest {
    fn write(&self, side: Side, draft: &mut Draft) {
        let known = ["http://", "https://", "http+unix://"];
        let Some(scheme) = known.iter().find(|scheme| self.url.starts_with(**scheme)) else {
            return draft.refuse(CommandError::Invalid {
                what: "the address of a rest-server",
                reason: "it must start with https://, http:// or http+unix://",
            });
        };
        let rest = &self.url[scheme.len()..];
        draft.location(side, OsStr::new(&format!("rest:{}", self.url)));
        let Some(login) = &self.login else { return };
        if login.user.is_empty() || login.user.contains(':') {
            draft.refuse(CommandError::Invalid {
                what: "the user name of a rest-server",
                reason: "it must not be empty nor hold a colon",
            });
        }
        if draft.can_share_rest_login() {
            draft.set("RESTIC_REST_USERNAME", Variable::plain(&login.user));
            draft.set("RESTIC_REST_PASSWORD", Variable::Secret(login.password.clone()));
        } else {
            let user = percent_encode(&login.user);
            let password = zeroize::Zeroizing::new(percent_encode(login.password.expose()));
            let location = Secret::new(format!("rest:{scheme}{user}:{}@{rest}", *password));
            draft.secret_location(side, location);
        }
    }
}

impl S3 {
    fn write(&self, side: Side, draft: &mut Draft) {
        let location = format!(
            "s3:{}/{}{}",
            self.endpoint.trim_end_matches('/'),
            self.bucket,
            below(self.prefix.as_deref(), "/")
        );
        draft.name("the bucket", &self.bucket);
        draft.name("the endpoint of an S3 store", &self.endpoint);
        draft.location(side, OsStr::new(&location));
        draft.extended("s3.region", self.region.as_deref());
        draft.extended("s3.bucket-lookup", self.bucket_lookup.as_deref());
        draft.extended("s3.storage-class", self.storage_class.as_deref());
        if let Some(key) = &self.key {
            draft.set("AWS_ACCESS_KEY_ID", Variable::Secret(key.id.clone()));
            draft.set("AWS_SECRET_ACCESS_KEY", Variable::Secret(key.secret.clone()));
            if let Some(token) = &key.session_token {
                draft.set("AWS_SESSION_TOKEN", Variable::Secret(token.clone()));
            }
        }
    }
}

impl B2 {
    fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the bucket", &self.bucket);
        draft
            .location(side, OsStr::new(&format!("b2:{}{}", self.bucket, below(self.prefix.as_deref(), ":"))));
        draft.set("B2_ACCOUNT_ID", Variable::Secret(self.account_id.clone()));
        draft.set("B2_ACCOUNT_KEY", Variable::Secret(self.account_key.clone()));
    }
}

impl Azure {
    fn write(&self, side: Side, draft: &mut Draft) {
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

impl Google {
    fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the bucket", &self.bucket);
        draft.location(side, OsStr::new(&format!("gs:{}:/{}", self.bucket, bare(self.prefix.as_deref()))));
        if let Some(project) = &self.project_id {
            draft.set("GOOGLE_PROJECT_ID", Variable::plain(project));
        }
        match &self.credential {
            GoogleCredential::File(file) => {
                draft.set("GOOGLE_APPLICATION_CREDENTIALS", Variable::plain(file))
            }
            GoogleCredential::AccessToken(token) => {
                draft.set("GOOGLE_ACCESS_TOKEN", Variable::Secret(token.clone()))
            }
            GoogleCredential::Machine => {}
        }
    }
}

impl Sftp {
    fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the host of an SFTP server", &self.host);
        if self.path.is_empty() {
            draft.refuse(CommandError::Empty { what: "the folder on an SFTP server" });
        }
        let user = match &self.user {
            Some(user) => {
                draft.name("the user on an SFTP server", user);
                format!("{user}@")
            }
            None => String::new(),
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        // After the slash that ends the authority a second one makes the path absolute.
        draft.location(side, OsStr::new(&format!("sftp://{user}{}{port}/{}", self.host, self.path)));
        self.write_ssh_arguments(draft);
    }

    fn write_ssh_arguments(&self, draft: &mut Draft) {
        let mut arguments = vec![OsString::from("sftp.args=-o BatchMode=yes")];
        if let Some(file) = &self.identity_file {
            arguments.push(" -o IdentitiesOnly=yes -i ".into());
            arguments.push(quoted(file.as_os_str(), draft));
        }
        if let Some(file) = &self.known_hosts_file {
            arguments.push(" -o StrictHostKeyChecking=yes -o ".into());
            let mut option = OsString::from("UserKnownHostsFile=");
            option.push(file);
            arguments.push(quoted(&option, draft));
        }
        if arguments.len() > 1 {
            draft.needs("-o sftp.args");
            draft.option("-o", arguments.into_iter().collect::<OsString>());
        }
    }
}

impl Rclone {
    fn write(&self, side: Side, draft: &mut Draft) {
        draft.name("the remote of rclone", &self.remote);
        draft.location(side, OsStr::new(&format!("rclone:{}:{}", self.remote, self.path)));
        if let Some(program) = &self.program {
            let mut option = OsString::from("rclone.program=");
            option.push(quoted(program.as_os_str(), draft));
            draft.option("-o", option);
        }
        if let Some(file) = &self.config_file {
            draft.set("RCLONE_CONFIG", Variable::plain(file));
        }
        if let Some(password) = &self.config_password {
            draft.set("RCLONE_CONFIG_PASS", Variable::Secret(password.clone()));
        }
    }
}

impl Custom {
    fn write(&self, side: Side, draft: &mut Draft) {
        draft.location(side, OsStr::new(&self.location));
        let plain = self.variables.iter().map(|(name, value)| (name, Variable::plain(value)));
        let secret = self.secrets.iter().map(|(name, value)| (name, Variable::Secret(value.clone())));
        for (name, value) in plain.chain(secret) {
            match check_name(OsStr::new(name)) {
                Ok(()) if name.to_ascii_uppercase().starts_with("RESTIC_") => {
                    draft.refuse(CommandError::Invalid {
                        what: "a variable of a backend",
                        reason: "variables of restic itself are set from typed options only",
                    })
                }
                Ok(()) => draft.set(name, value),
                Err(error) => draft.refuse(error),
            }
        }
        for option in &self.options {
            if !option.contains('=') {
                draft.refuse(CommandError::Invalid {
                    what: "an extended option",
                    reason: "it must be key=value",
                });
            }
            draft.option("-o", option);
        }
    }
}

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

/// Encodes everything but unreserved characters, for the user part of an address.
fn percent_encode(text: &str) -> String {
    // The capacity keeps a secret from being copied about by growth.
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
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
