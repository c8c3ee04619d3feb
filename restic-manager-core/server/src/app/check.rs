//! What values may be. Each refusal says why and shows what would be right.

use core::fmt::Display;
use restic_manager_proto::{Bandwidth, Retry, Scope, SourceOptions, TransportCredential, api::FieldProblem};

use crate::failure::Failure;

/// Collects what is wrong with the fields of one request, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldProblem>);

impl Fields {
    pub(super) fn check<T, E: Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|message| {
                self.0.push(FieldProblem { field: field.to_owned(), message: message.to_string() })
            })
            .ok()
    }

    /// Checks each item of a list under its own name, such as `tags.3`.
    pub(super) fn check_each(
        &mut self,
        field: &str,
        items: &[String],
        check: impl Fn(&str) -> Result<(), Refusal>,
    ) {
        for (index, item) in items.iter().enumerate() {
            self.check(&format!("{field}.{index}"), check(item));
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::fields(self.0)) }
    }
}

/// Why a value cannot be, and an example of one that can.
type Refusal = &'static str;

/// A name that people sign in with.
pub(crate) fn user_name(name: &str) -> Result<(), Refusal> {
    let fits = (1..=64).contains(&name.chars().count());
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+'));
    when(fits && plain, "1 to 64 letters, digits, `.`, `-`, `_`, `@` or `+`, such as `alice`")
}

/// What somebody calls a thing of their own.
pub(super) fn label(text: &str) -> Result<(), Refusal> {
    let fits = (1..=64).contains(&text.chars().count());
    when(fits && !text.chars().any(char::is_control), "1 to 64 characters, such as `Laptop`")
}

/// The name of a host, a repository or a source group.
pub(super) fn name(name: &str) -> Result<(), Refusal> {
    when(
        restic_manager_core::name::is_plain(name),
        "1 to 64 letters, digits, `.`, `-` or `_`, the first a letter or digit, such as `web-1`",
    )
}

pub(super) const MOST_TAGS: usize = 32;

/// The tags of a host.
pub(super) fn tags(fields: &mut Fields, tags: &[String]) {
    fields.check("tags", when(tags.len() <= MOST_TAGS, "at most 32 tags"));
    fields.check_each("tags", tags.get(..MOST_TAGS).unwrap_or(tags), tag);
}

/// For which part of the fleet a role is.
pub(super) fn scope(fields: &mut Fields, scope: &Scope) {
    let (named, most) = match scope {
        Scope::All => return,
        Scope::Tags { tags } => (tags.len(), Scope::MOST_TAGS),
        Scope::Hosts { hosts } => (hosts.len(), Scope::MOST_HOSTS),
    };
    if !(1..=most).contains(&named) {
        fields.check::<(), _>("scope", Err(format!("name at least one, and at most {most}")));
    }
    if let Scope::Tags { tags } = scope {
        for one in tags.iter().take(most) {
            fields.check("scope", tag(one));
        }
    }
}

/// A tag. restic's own separator, the comma, can be in none.
pub(super) fn tag(tag: &str) -> Result<(), Refusal> {
    let plain = tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    when(
        plain && (1..=32).contains(&tag.len()),
        "1 to 32 letters, digits, `.`, `-`, `_` or `:`, such as `site:berlin`",
    )
}

const LONGEST_PATH: usize = 4096;
const MOST_PATHS: usize = 256;

/// What a source group includes.
pub(super) fn includes(fields: &mut Fields, field: &str, paths: &[String]) {
    fields.check(
        field,
        when(paths.len() <= MOST_PATHS, "at most 256 paths; name the folder above them instead"),
    );
    fields.check_each(field, paths.get(..MOST_PATHS).unwrap_or(paths), absolute_path);
}

/// What a source group excludes.
pub(super) fn excludes(fields: &mut Fields, patterns: &[String]) {
    fields.check("excludes", when(patterns.len() <= MOST_PATHS, "at most 256 patterns"));
    fields.check_each("excludes", patterns.get(..MOST_PATHS).unwrap_or(patterns), |pattern| {
        let fits = (1..=LONGEST_PATH).contains(&pattern.len()) && !pattern.contains('\0');
        when(fits, "1 to 4096 bytes without a zero byte, such as `*.tmp`")
    });
}

/// A path that means the same whatever folder a process is in.
pub(super) fn absolute_path(path: &str) -> Result<(), Refusal> {
    let fits = path.len() <= LONGEST_PATH && !path.contains('\0');
    when(fits && is_absolute(path), "an absolute path of at most 4096 bytes, such as `/home` or `C:\\Users`")
}

fn is_absolute(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || path.starts_with(r"\\") || drive
}

/// How fast restic may be.
pub(super) fn bandwidth(fields: &mut Fields, limits: Bandwidth) {
    let each = [("upload_kib", limits.upload_kib), ("download_kib", limits.download_kib)];
    for (name, limit) in each {
        let fits = limit.is_none_or(|limit| (1..=Bandwidth::HIGHEST_KIB).contains(&limit));
        let message = "1 to 4194304 KiB a second, such as 2048 for 2 MiB; leave it out for no limit";
        fields.check(&format!("bandwidth.{name}"), when(fits, message));
    }
}

/// What shapes a backup besides its paths.
pub(super) fn source_options(fields: &mut Fields, options: &SourceOptions) {
    if let Some(Retry { attempts, delay_seconds }) = options.retry {
        let often = (1..=10).contains(&attempts);
        fields.check("options.retry.attempts", when(often, "1 to 10 runs in all, such as 3"));
        let pause = (1..=86_400).contains(&delay_seconds);
        fields.check(
            "options.retry.delay_seconds",
            when(pause, "1 to 86400 seconds, which are a day, such as 300"),
        );
    }
}

/// The password that encrypts a repository, as restic reads it: one line.
pub(super) fn repository_password(password: &str) -> Result<(), Refusal> {
    let one_line = !password.contains(['\0', '\n', '\r']);
    when(one_line && (1..=1024).contains(&password.len()), "one line of 1 to 1024 bytes")
}

/// A restic location that tells nobody anything secret; answers the storage it speaks to.
pub(super) fn location(location: &str) -> Result<&'static str, Refusal> {
    if location.len() > 2048 || location.chars().any(char::is_control) || location.trim() != location {
        return Err("one line of at most 2048 bytes without space around it");
    }
    let Some((scheme, rest)) = location.split_once(':').filter(|_| !is_absolute(location)) else {
        return local(location);
    };
    match scheme {
        "local" => local(rest),
        "rest" => url(rest, "rest").ok_or(
            "such as `rest:https://backup.example.com/web/`; user and password belong into the credential",
        ),
        "s3" => {
            s3(rest).ok_or("such as `s3:https://s3.example.com/bucket/web`; keys belong into the credential")
        }
        "sftp" => sftp(rest).ok_or(
            "such as `sftp:backup@host.example.com:/srv/restic`; a password has no place here: use a key",
        ),
        "b2" => named(rest, "b2").ok_or("such as `b2:bucket:web`"),
        "azure" => named(rest, "azure").ok_or("such as `azure:container:/web`"),
        "gs" => named(rest, "gs").ok_or("such as `gs:bucket:/web`"),
        "rclone" => named(rest, "rclone").ok_or("such as `rclone:remote:web`"),
        _ => Err(
            "an absolute path, or `rest:`, `s3:`, `sftp:`, `b2:`, `azure:`, `gs:` or `rclone:` and a place, such as `rest:https://backup.example.com/web/`",
        ),
    }
}

fn local(path: &str) -> Result<&'static str, Refusal> {
    when(is_absolute(path), "an absolute path, such as `/srv/restic`, or a storage, such as `rest:https://backup.example.com/web/`")
        .map(|()| "local")
}

/// A URL without user, password, query or fragment, each of which may hold a secret.
fn url(text: &str, backend: &'static str) -> Option<&'static str> {
    let uri: http::Uri = text.parse().ok()?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = !uri.authority()?.as_str().contains('@') && uri.query().is_none() && !text.contains('#');
    (web && bare).then_some(backend)
}

fn s3(rest: &str) -> Option<&'static str> {
    if rest.contains("://") {
        return url(rest, "s3");
    }
    let (host, bucket) = rest.split_once('/')?;
    let plain = !host.is_empty() && !bucket.is_empty() && !rest.contains(['@', '?', '#', ' ']);
    plain.then_some("s3")
}

fn sftp(rest: &str) -> Option<&'static str> {
    let (place, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/')?,
        None => rest.split_once(':')?,
    };
    let (user, host) = place.rsplit_once('@').unwrap_or(("", place));
    // In `user:secret@host:path` the part before the first colon looks like a host.
    let password = path.split('/').next().is_some_and(|first| first.contains('@'));
    let safe = !password
        && !user.contains([':', '@', '/'])
        && !host.is_empty()
        && !path.is_empty()
        && !place.starts_with('-');
    safe.then_some("sftp")
}

fn named(rest: &str, backend: &'static str) -> Option<&'static str> {
    let (name, _) = rest.split_once(':')?;
    let plain = !name.is_empty() && !name.starts_with('-') && !rest.contains(['@', '?', '#']);
    plain.then_some(backend)
}

/// A transport credential for a storage.
pub(super) fn credential(credential: &TransportCredential, backend: &str) -> Result<(), Refusal> {
    use TransportCredential as Kind;
    let (kind, values): (&str, Vec<&str>) = match credential {
        Kind::Rest { username, password } => ("rest", vec![username, password.expose()]),
        Kind::S3 { access_key_id, secret_access_key, region } => {
            ("s3", vec![access_key_id, secret_access_key.expose(), region.as_deref().unwrap_or("-")])
        }
        Kind::B2 { account_id, account_key } => ("b2", vec![account_id, account_key.expose()]),
        Kind::Azure { account_name, account_key } => ("azure", vec![account_name, account_key.expose()]),
        Kind::Google { project_id, service_account } => ("gs", vec![project_id, service_account.expose()]),
        Kind::Environment { variables } => return environment(variables),
        _ => return Err("a kind that this server does not know"),
    };
    when(kind == backend, "of another kind than the repository's location; choose the kind that fits it")?;
    let whole = values.iter().all(|value| (1..=64 * 1024).contains(&value.len()) && !value.contains('\0'));
    when(whole, "every part needs a value, without a zero byte")?;
    match credential {
        // It goes through a pipe, of which this is the smallest.
        Kind::Google { service_account, .. } => {
            when(service_account.expose().len() <= 4096, "a service account key of at most 4096 bytes")
        }
        _ => Ok(()),
    }
}

/// Variables that restic or its helper reads, and none that changes what is executed or where restic looks.
fn environment(
    variables: &std::collections::BTreeMap<String, restic_manager_proto::SecretText>,
) -> Result<(), Refusal> {
    when((1..=32).contains(&variables.len()), "1 to 32 variables, such as `OS_AUTH_URL`")?;
    let well_formed = |name: &str| {
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    when(
        variables.keys().all(|name| well_formed(name)),
        "names in capitals, digits and `_`, such as `OS_AUTH_URL`",
    )?;
    when(
        !variables.keys().any(|name| is_reserved(name)),
        "a variable among them is not the storage's to set: restic's own, the loader's, or the shell's",
    )?;
    let fits = |value: &str| value.len() <= 64 * 1024 && !value.contains('\0');
    when(
        variables.values().all(|value| fits(value.expose())),
        "values of at most 64 KiB, without a zero byte",
    )
}

fn is_reserved(name: &str) -> bool {
    const PREFIXES: &[&str] = &["RESTIC_", "LD_", "DYLD_", "RM_", "GO", "SYSTEMD_", "BASH_"];
    const NAMES: &[&str] = &[
        "PATH",
        "HOME",
        "SHELL",
        "IFS",
        "ENV",
        "LANG",
        "TMPDIR",
        "TEMP",
        "TMP",
        "PWD",
        "USER",
        "SYSTEMROOT",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "SSH_ASKPASS",
        "RCLONE_PASSWORD_COMMAND",
        "RCLONE_SFTP_SSH",
    ];
    // Google's own variables start like the language's, and belong to the storage.
    let google = name.starts_with("GOOGLE_");
    NAMES.contains(&name) || (!google && PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

fn when(condition: bool, otherwise: Refusal) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::SecretText;

    #[test]
    fn a_service_account_fits_a_pipe() {
        let key = |bytes| TransportCredential::Google {
            project_id: "project".to_owned(),
            service_account: restic_manager_proto::SecretText::new("x".repeat(bytes)),
        };
        assert_eq!(credential(&key(4096), "gs"), Ok(()));
        assert!(credential(&key(4097), "gs").is_err());
        assert!(credential(&key(4096), "s3").is_err());
    }

    #[test]
    fn locations_name_their_storage() {
        for (text, backend) in [
            ("/srv/restic", "local"),
            ("local:/srv/restic", "local"),
            (r"D:\backup", "local"),
            (r"\\nas\share\restic", "local"),
            ("rest:https://backup.example.com/web/", "rest"),
            ("rest:http://127.0.0.1:8000/", "rest"),
            ("s3:s3.amazonaws.com/bucket/web", "s3"),
            ("s3:https://minio.example.com:9000/bucket", "s3"),
            ("sftp:backup@host:/srv/restic", "sftp"),
            ("sftp:host:restic", "sftp"),
            ("sftp://backup@host:2222//srv/restic", "sftp"),
            ("b2:bucket:web", "b2"),
            ("azure:container:/", "azure"),
            ("gs:bucket:/web", "gs"),
            ("rclone:remote:web", "rclone"),
        ] {
            assert_eq!(location(text), Ok(backend), "{text}");
        }
    }

    #[test]
    fn locations_with_secrets_or_without_sense_are_refused() {
        for text in [
            "",
            "relative/path",
            "./here",
            "-o",
            "ftp://host/x",
            "rest:backup.example.com",
            "rest:ftp://host/",
            "rest:https://user:secret@backup.example.com/",
            "rest:https://user@backup.example.com/",
            "rest:https://backup.example.com/?token=secret",
            "rest:https://backup.example.com/#secret",
            "s3:https://key:secret@minio.example.com/bucket",
            "s3:bucket",
            "s3:key:secret@host/bucket",
            "sftp:user:secret@host:/srv",
            "sftp:-oProxyCommand=evil:/srv",
            "sftp:",
            "sftp://user:secret@host//srv",
            "b2:bucket",
            "rclone::web",
            " /srv/restic",
            "/srv\n/restic",
            "/srv/\u{1b}[2J",
            "swift:container:/",
        ] {
            assert!(location(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_absolute_on_either_system() {
        for text in ["/", "/home", r"C:\Users", "c:/Users", r"\\nas\share", "/with\nnewline"] {
            assert!(absolute_path(text).is_ok(), "{text}");
        }
        let long = format!("/{}", "a".repeat(4096));
        for text in ["", "home", "./home", "~", "C:", "C:Users", "-h", "/a\0b", long.as_str()] {
            assert!(absolute_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_tags_are_plain() {
        assert!(name("web-1.example_net").is_ok() && tag("site:berlin").is_ok());
        for text in ["", "-web", ".web", "we b", "wéb", "a/b", &"a".repeat(65)] {
            assert!(name(text).is_err(), "{text}");
        }
        for text in ["", "a,b", "a b", &"a".repeat(33)] {
            assert!(tag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn variables_of_a_storage_cannot_change_what_is_executed() {
        let set = |name: &str| environment(&[(name.to_owned(), SecretText::new("x"))].into());
        for name in
            ["OS_AUTH_URL", "ST_KEY", "RCLONE_CONFIG_PASS", "GOOGLE_ACCESS_TOKEN", "AWS_SESSION_TOKEN"]
        {
            assert!(set(name).is_ok(), "{name}");
        }
        for name in [
            "PATH",
            "LD_PRELOAD",
            "RESTIC_PASSWORD_COMMAND",
            "RM_SERVER",
            "GODEBUG",
            "lower",
            "A-B",
            "",
            "BASH_ENV",
        ] {
            assert!(set(name).is_err(), "{name}");
        }
    }
}
