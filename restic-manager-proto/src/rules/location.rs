//! Locations of repositories, taken apart. A form that is not listed here is refused, so that restic, ssh and rclone are
//! told nothing that one of them reads otherwise than we do.

use core::net::Ipv6Addr;

use super::{LONGEST_LOCATION, Refusal, Storage, when};

/// A location as restic takes it after `-r`, of a form that can hold neither a secret nor the name of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'l> {
    storage: Storage,
    parts: Parts<'l>,
}

/// What a location is made of. Where a storage has no such part it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'l> {
    /// `http` or `https`.
    pub(crate) scheme: &'l str,
    pub(crate) user: &'l str,
    /// The host; for storages without one in their locations the bucket, container or remote.
    pub(crate) host: &'l str,
    pub(crate) port: &'l str,
    /// The rest; for URLs with its slash.
    pub(crate) path: &'l str,
}

impl<'l> Location<'l> {
    /// Takes a location apart.
    ///
    /// # Errors
    /// When its form is none of those that are allowed.
    pub fn parse(text: &'l str) -> Result<Self, Refusal> {
        let one_line = !text.chars().any(char::is_control) && text.trim() == text;
        when(
            one_line && text.len() <= LONGEST_LOCATION,
            "one line of at most 2048 bytes without space around it",
        )?;
        let (storage, parts) = split(text).ok_or(Refusal(
            "an absolute path, or `rest:`, `s3:`, `sftp:`, `b2:`, `azure:`, `gs:`, `swift:` or `rclone:` and a place, \
             such as `rest:https://backup.example.com/web/`",
        ))?;
        when(is_allowed(storage, &parts, text), example(storage))?;
        Ok(Self { storage, parts })
    }

    /// What it speaks to.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.storage
    }

    /// Whether credentials that were set for `self` would go to the same server when they are used for `other`: the same
    /// storage, scheme, user, host and port. Folders differ in that only the path does.
    #[must_use]
    pub fn has_server_of(&self, other: &Location<'_>) -> bool {
        let server = |location: &Location<'_>| {
            let Parts { scheme, user, host, port, .. } = location.parts;
            let port = if port == default_port(scheme) { "" } else { port };
            (location.storage, scheme.to_owned(), user.to_owned(), host.to_ascii_lowercase(), port.to_owned())
        };
        server(self) == server(other)
    }

    pub(crate) const fn parts(&self) -> &Parts<'l> {
        &self.parts
    }
}

/// The port that a scheme means when none is named.
pub(crate) fn default_port(scheme: &str) -> &'static str {
    match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    }
}

/// Whether a text is an absolute path of either system.
pub(crate) fn is_absolute(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || path.starts_with(r"\\") || drive
}

/// Takes a text apart without a judgement of its parts, so that it serves patterns of locations too.
pub(crate) fn split(text: &str) -> Option<(Storage, Parts<'_>)> {
    let folder = |path| Some((Storage::Local, Parts { path, ..Parts::default() }));
    if is_absolute(text) {
        return folder(text);
    }
    let (word, rest) = text.split_once(':')?;
    let storage = Storage::from_word(word)?;
    let parts = match storage {
        Storage::Local => return is_absolute(rest).then(|| folder(rest))?,
        Storage::Rest => url(rest)?,
        Storage::S3 => match url(rest) {
            Some(parts) => parts,
            None => authority(rest, '/')?,
        },
        Storage::Sftp => match rest.strip_prefix("//") {
            // After the slash that ends the authority a second one makes the path absolute.
            Some(rest) => {
                authority(rest, '/').map(|parts| Parts { path: after_slash(parts.path), ..parts })?
            }
            None => scp(rest)?,
        },
        _ => {
            let (host, path) = rest.split_once(':')?;
            Parts { host, path, ..Parts::default() }
        }
    };
    Some((storage, parts))
}

fn url(text: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let parts = authority(rest, '/')?;
    let path = if parts.path.is_empty() { "/" } else { parts.path };
    Some(Parts { scheme, path, ..parts })
}

/// `user@host:port` up to a separator, and the rest with it.
fn authority(text: &str, end: char) -> Option<Parts<'_>> {
    let (authority, path) = text.split_at(text.find(end).unwrap_or(text.len()));
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    // An address of IPv6 has colons of its own, and stands in brackets.
    let (host, port) = match place.rfind(']') {
        Some(end) => match place.split_at(end + 1) {
            (host, "") => (host, ""),
            (host, port) => (host, port.strip_prefix(':')?),
        },
        None => place.rsplit_once(':').unwrap_or((place, "")),
    };
    // A colon that nothing follows is a port that was forgotten.
    (!place.ends_with(':')).then_some(Parts { scheme: "", user, host, port, path })
}

/// `user@host:path`, as scp has it: without a port, and without an address of IPv6.
fn scp(text: &str) -> Option<Parts<'_>> {
    let (place, path) = text.split_once(':')?;
    let (user, host) = place.rsplit_once('@').unwrap_or(("", place));
    Some(Parts { user, host, path, ..Parts::default() })
}

fn after_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

fn is_allowed(storage: Storage, parts: &Parts<'_>, text: &str) -> bool {
    let Parts { scheme, user, host, port, path } = *parts;
    match storage {
        Storage::Local => true,
        Storage::Rest => {
            is_web(scheme) && user.is_empty() && is_host(host) && is_port(port) && is_url_path(path)
        }
        Storage::S3 => {
            let bucket = after_slash(path).split('/').next().unwrap_or_default();
            let scheme = scheme.is_empty() || is_web(scheme);
            scheme
                && user.is_empty()
                && is_host(host)
                && is_port(port)
                && is_name(bucket)
                && is_url_path(path)
        }
        Storage::Sftp => {
            let user = user.is_empty() || is_name(user);
            // In `user:secret@host:path` the part before the first colon looks like a host.
            let password = path.split('/').next().is_some_and(|first| first.contains('@'));
            // restic reads this form as a URL, and does not say what becomes of an escape.
            let path = !text.starts_with("sftp://") || (is_url_path(path) && !path.contains('%'));
            user && is_host(host) && is_port(port) && !parts.path.is_empty() && !password && path
        }
        _ => is_name(host) && !path.contains(['@', '?', '#']),
    }
}

const fn example(storage: Storage) -> &'static str {
    match storage {
        Storage::Local => "an absolute path, such as `/srv/restic`",
        Storage::Rest => {
            "such as `rest:https://backup.example.com/web/`; user and password belong into the credential"
        }
        Storage::S3 => "such as `s3:https://s3.example.com/bucket/web`; keys belong into the credential",
        Storage::Sftp => {
            "such as `sftp:backup@host.example.com:/srv/restic`; a password has no place here: use a key"
        }
        Storage::B2 => "such as `b2:bucket:web`",
        Storage::Azure => "such as `azure:container:/web`",
        Storage::Google => "such as `gs:bucket:/web`",
        Storage::Swift => "such as `swift:container:/web`",
        Storage::Rclone => {
            "such as `rclone:remote:web`; the remote is named as in the host's own rclone.conf"
        }
    }
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_name(host) && host.len() <= 253,
    }
}

fn is_port(port: &str) -> bool {
    port.is_empty() || (!port.starts_with(['0', '+']) && port.parse::<u16>().is_ok())
}

/// A name that is no option of a program and nothing but a name to a shell, to ssh, to rclone and in a URL.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && name.chars().all(plain)
}

/// A path of a URL: nothing that begins a query or a fragment, and `%` only where two hexadecimal digits follow.
fn is_url_path(path: &str) -> bool {
    let plain = |c: char| !c.is_ascii() || (c.is_ascii_graphic() && !"?#\"<>\\^`{|}".contains(c));
    let hex = |at: usize| path.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    path.chars().all(plain) && path.match_indices('%').all(|(at, _)| hex(at + 1) && hex(at + 2))
}
