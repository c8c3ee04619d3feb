use super::*;
use crate::{SecretText, TransportCredential};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn locations_name_their_storage() {
    for (text, storage) in [
        ("/srv/restic", Storage::Local),
        ("local:/srv/restic", Storage::Local),
        ("/srv/my backups?", Storage::Local),
        (r"D:\backup", Storage::Local),
        (r"\\nas\share\restic", Storage::Local),
        ("rest:https://backup.example.com/web/", Storage::Rest),
        ("rest:https://backup.example.com", Storage::Rest),
        ("rest:http://127.0.0.1:8000/", Storage::Rest),
        ("rest:http://[::1]:8000/", Storage::Rest),
        ("rest:http://[2001:db8::1]/web", Storage::Rest),
        ("s3:s3.amazonaws.com/bucket/web", Storage::S3),
        ("s3:localhost:9000/bucket", Storage::S3),
        ("s3:https://minio.example.com:9000/bucket", Storage::S3),
        ("sftp:backup@host:/srv/restic", Storage::Sftp),
        ("sftp:host:restic", Storage::Sftp),
        ("sftp:host:/srv/my backups", Storage::Sftp),
        ("sftp://backup@host:2222//srv/restic", Storage::Sftp),
        ("sftp://[::1]:2222//srv/restic", Storage::Sftp),
        ("b2:bucket:web", Storage::B2),
        ("azure:container:/", Storage::Azure),
        ("gs:bucket:/web", Storage::Google),
        ("swift:container:/web", Storage::Swift),
        ("rclone:remote:web", Storage::Rclone),
        ("rclone:my-nas_1.x:a/b c", Storage::Rclone),
    ] {
        assert_eq!(Location::parse(text).map(|location| location.storage()), Ok(storage), "{text}");
    }
}

/// What one of restic, ssh, rclone, Go's URLs or ours would read otherwise than it looks, and what holds a secret.
#[test]
fn locations_with_programs_secrets_or_without_sense_are_refused() {
    for text in [
        "",
        "relative/path",
        "./here",
        "-o",
        "ftp://host/x",
        "rest:backup.example.com",
        "rest:ftp://host/",
        "rest:http+unix:///run/docker.sock:/x",
        "rest:https://user:secret@backup.example.com/",
        "rest:https://user@backup.example.com/",
        "rest:https://backup.example.com/?token=secret",
        "rest:https://backup.example.com/#secret",
        "rest:https://evil.test?.example.com/x",
        "rest:https://evil.test#.example.com/x",
        r"rest:https://evil.test\.example.com/x",
        "rest:https://evil.test%2f.example.com/x",
        "rest:https:///x",
        "rest:https://[evil]/x",
        "rest:https://[::1]evil/x",
        "rest:https://host:/x",
        "rest:https://host:99999/x",
        "rest:https://host:+80/x",
        "rest:https://-host/x",
        "rest:https://host/a%zz",
        "s3:https://key:secret@minio.example.com/bucket",
        "s3:bucket",
        "s3:host/",
        "s3:host/-bucket",
        "s3:key:secret@host/bucket",
        "sftp:user:secret@host:/srv",
        "sftp:-oProxyCommand=evil:/srv",
        "sftp:me@-oProxyCommand=evil:/srv",
        "sftp:-oProxyCommand=evil@host:/srv",
        "sftp://[-oProxyCommand=touch x]/x",
        "sftp://[::1%25evil]/x",
        "sftp://host;touch/x",
        "sftp://host/a%2e",
        "sftp:$(x):/srv",
        "sftp:",
        "sftp:host:",
        "sftp://host",
        "sftp://user:secret@host//srv",
        "b2:bucket",
        "b2:-bucket:x",
        "rclone::web",
        "rclone::sftp,ssh='touch x':web",
        "rclone:nas,ssh='touch /tmp/x':web",
        "rclone:nas,bearer_token_command=x:web",
        "rclone:\"nas\":web",
        "rclone:-nas:web",
        "rclone:nas",
        " /srv/restic",
        "/srv\n/restic",
        "/srv/\u{1b}[2J",
        "exec:program",
    ] {
        assert!(Location::parse(text).is_err(), "{text}");
    }
    assert!(Location::parse(&format!("/{}", "a".repeat(LONGEST_LOCATION))).is_err());
}

#[test]
fn a_server_is_known_by_all_but_its_folders() {
    let same = |left: &str, right: &str| {
        Location::parse(left).unwrap().has_server_of(&Location::parse(right).unwrap())
    };
    assert!(same("rest:https://backup.example.com/a", "rest:https://Backup.example.com:443/b/"));
    assert!(same("sftp:me@host:/a", "sftp:me@host:b"));
    assert!(same("/srv/a", "local:/mnt/b"));
    for (left, right) in [
        ("rest:https://backup.example.com/a", "rest:http://backup.example.com/a"),
        ("rest:https://backup.example.com/a", "rest:https://backup.example.com:8443/a"),
        ("rest:https://backup.example.com/a", "rest:https://evil.example.com/a"),
        ("sftp:me@host:/a", "sftp:you@host:/a"),
        ("s3:host/bucket", "rest:https://host/bucket"),
        ("rclone:nas:a", "rclone:other:a"),
    ] {
        assert!(!same(left, right), "{left} {right}");
    }
}

/// Each key by which restic's backends, rclone, ssh and the libraries below them are told to read a file, to start a
/// program, to trust a certificate, to use a proxy or to look elsewhere. None may ever be a server's to set.
const NEVER: &[&str] = &[
    // The process itself and its loader.
    "PATH",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
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
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "GODEBUG",
    "GOTRACEBACK",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "HOSTALIASES",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "KRB5_CONFIG",
    "KRB5CCNAME",
    // TLS and proxies.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "SSLKEYLOGFILE",
    // restic.
    "RESTIC_REPOSITORY",
    "RESTIC_REPOSITORY_FILE",
    "RESTIC_PASSWORD",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_PASSWORD_COMMAND",
    "RESTIC_CACERT",
    "RESTIC_TLS_CLIENT_CERT",
    "RESTIC_CACHE_DIR",
    "RESTIC_KEY_HINT",
    "RESTIC_FEATURES",
    "RESTIC_FROM_REPOSITORY_FILE",
    "RESTIC_FROM_PASSWORD_COMMAND",
    "RESTIC_REST_USERNAME",
    "RESTIC_REST_PASSWORD",
    // ssh.
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_SK_PROVIDER",
    "DISPLAY",
    // AWS.
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SDK_LOAD_CONFIG",
    "AWS_CA_BUNDLE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT_URL",
    "MINIO_ROOT_USER",
    "MINIO_SHARED_CREDENTIALS_FILE",
    "MINIO_ALIAS",
    "MC_CONFIG_DIR",
    "RESTIC_AWS_ASSUME_ROLE_ARN",
    "RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT",
    // Azure.
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FORCE_CLI_CREDENTIAL",
    "AZURE_CONFIG_DIR",
    "AZURE_AUTHORITY_HOST",
    "AZURE_ENDPOINT_SUFFIX",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "MSI_ENDPOINT",
    "IDENTITY_ENDPOINT",
    "IDENTITY_SERVER_THUMBPRINT",
    // Google.
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE",
    "GOOGLE_API_CERTIFICATE_CONFIG",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
    "GCE_METADATA_HOST",
    "CLOUDSDK_CONFIG",
    "STORAGE_EMULATOR_HOST",
    // rclone: each option of each of its backends can be set by a variable, and many name programs or files.
    "RCLONE_CONFIG",
    "RCLONE_CONFIG_DIR",
    "RCLONE_PASSWORD_COMMAND",
    "RCLONE_SFTP_SSH",
    "RCLONE_CONFIG_X_TYPE",
    "RCLONE_CONFIG_X_SSH",
    "RCLONE_CONFIG_X_BEARER_TOKEN_COMMAND",
    "RCLONE_WEBDAV_BEARER_TOKEN_COMMAND",
    "RCLONE_CA_CERT",
    "RCLONE_CLIENT_CERT",
    "RCLONE_CACHE_DIR",
    "RCLONE_TEMP_DIR",
    "RCLONE_LOG_FILE",
    "RCLONE_METADATA_MAPPER",
    "RCLONE_RC_SERVER_CERT",
    "RCLONE_BIND",
    "RCLONE_HTTP_PROXY",
    // Ours.
    "RM_SERVER",
    "RM_ENROL_TOKEN",
    "SYSTEMD_EDITOR",
];

fn environment(name: &str, value: &str) -> TransportCredential {
    TransportCredential::Environment { variables: [(name.to_owned(), SecretText::new(value))].into() }
}

#[test]
fn no_variable_names_a_file_a_program_or_a_configuration() {
    for &storage in Storage::ALL {
        for name in NEVER {
            assert!(credential(&environment(name, "x"), storage).is_err(), "{storage} {name}");
            assert!(
                credential(&environment(&name.to_lowercase(), "x"), storage).is_err(),
                "{storage} {name}"
            );
        }
        for name in variables(storage) {
            assert_eq!(credential(&environment(name, "x"), storage), Ok(()), "{storage} {name}");
            let telling = [
                "FILE", "PATH", "DIR", "COMMAND", "CMD", "CONFIG", "PROFILE", "CERT", "PROXY", "SSH", "HOST",
            ];
            let names = telling.iter().any(|word| name.split('_').any(|part| part == *word));
            assert!(!names || *name == "RCLONE_CONFIG_PASS", "{storage} {name}");
        }
    }
    let others = environment("B2_ACCOUNT_ID", "x");
    assert!(credential(&others, Storage::B2).is_ok() && credential(&others, Storage::S3).is_err());
}

#[test]
fn the_reference_page_lists_them() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/storages.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), Storage::ALL.len());
    for (row, storage) in rows.into_iter().zip(Storage::ALL) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let words =
            |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        assert_eq!(words(cells[0]), [storage.as_str()]);
        assert_eq!(Location::parse(&words(cells[1])[0]).unwrap().storage(), *storage, "{row}");
        assert_eq!(words(cells[2]), variables(*storage), "{row}");
    }
}

#[test]
fn values_hold_no_line_breaks() {
    for value in ["a\nb", "a\rb", "[x]\ncredential_process = y", "\u{1b}[2J", "a\0b"] {
        assert!(credential(&environment("AWS_SESSION_TOKEN", value), Storage::S3).is_err(), "{value:?}");
        let rest = TransportCredential::Rest { username: "me".to_owned(), password: SecretText::new(value) };
        assert!(credential(&rest, Storage::Rest).is_err(), "{value:?}");
    }
    let many = (0..33).map(|number| (format!("AWS_{number}"), SecretText::new("x"))).collect();
    assert!(credential(&TransportCredential::Environment { variables: many }, Storage::S3).is_err());
    let none = TransportCredential::Environment { variables: BTreeMap::new() };
    assert!(credential(&none, Storage::S3).is_err());
}

#[test]
fn a_credential_fits_its_storage() {
    let rest = TransportCredential::Rest { username: "me".to_owned(), password: SecretText::new("secret") };
    assert_eq!(credential(&rest, Storage::Rest), Ok(()));
    assert!(credential(&rest, Storage::S3).is_err());
    let s3 = |region: &str| TransportCredential::S3 {
        access_key_id: "key".to_owned(),
        secret_access_key: SecretText::new("secret"),
        region: Some(region.to_owned()),
    };
    assert_eq!(credential(&s3("eu-central-1"), Storage::S3), Ok(()));
    assert!(credential(&s3("x,s3.unsafe-anonymous-auth=true"), Storage::S3).is_err());
    assert!(credential(&s3(""), Storage::S3).is_err());
}

const ACCOUNT: &str = r#"{
  "type": "service_account", "project_id": "p", "private_key_id": "1",
  "private_key": "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n",
  "client_email": "backup@p.iam.gserviceaccount.com", "client_id": "1",
  "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
  "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
  "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/backup", "universe_domain": "googleapis.com"
}"#;

fn google(key: &str) -> Result<(), Refusal> {
    let service_account = SecretText::new(key);
    credential(&TransportCredential::Google { project_id: "p".to_owned(), service_account }, Storage::Google)
}

#[test]
fn a_key_of_google_is_a_service_account_and_nothing_besides() {
    assert_eq!(google(ACCOUNT), Ok(()));
    let external = r#"{"type":"external_account","audience":"x","token_url":"https://evil.test",
        "credential_source":{"file":"/etc/shadow"}}"#;
    let executable =
        external.replace(r#""file":"/etc/shadow""#, r#""executable":{"command":"touch /tmp/x"}"#);
    let padded = format!("{ACCOUNT}{}", " ".repeat(4096));
    for key in [
        "",
        "{}",
        "[]",
        "x",
        external,
        &executable,
        &ACCOUNT.replace(r#""project_id""#, r#""credential_source":{"file":"/etc/shadow"},"project_id""#),
        &ACCOUNT.replace(r#""project_id""#, r#""Type":"external_account","project_id""#),
        &ACCOUNT.replace(r#""project_id""#, r#""type":"external_account","project_id""#),
        &ACCOUNT.replace("https://oauth2.googleapis.com/token", "https://evil.test/token"),
        &ACCOUNT.replace(r#""googleapis.com""#, r#""evil.test""#),
        &ACCOUNT.replace("service_account", "authorized_user"),
        &padded,
    ] {
        assert!(google(key).is_err(), "{key}");
    }
}

#[test]
fn paths_are_absolute_on_either_system() {
    for text in ["/", "/home", r"C:\Users", "c:/Users", r"\\nas\share", "/with\nnewline"] {
        assert!(absolute_path(text).is_ok(), "{text}");
    }
    let long = format!("/{}", "a".repeat(LONGEST_PATH));
    for text in ["", "home", "./home", "~", "C:", "C:Users", "-h", "/a\0b", long.as_str()] {
        assert!(absolute_path(text).is_err(), "{text}");
    }
}

#[test]
fn names_and_tags_are_plain() {
    assert!(name("web-1.example_net").is_ok() && tag("site:berlin").is_ok());
    for text in ["", "-web", ".web", "we b", "wéb", "a/b", "a\n", "$(id)", &"a".repeat(65)] {
        assert!(name(text).is_err(), "{text}");
    }
    for text in ["", "a,b", "a b", &"a".repeat(33)] {
        assert!(tag(text).is_err(), "{text}");
    }
}

#[test]
fn passwords_are_what_restic_reads() {
    let longest = "a".repeat(LONGEST_PASSWORD);
    for text in [
        "secret",
        "two words",
        "ä",
        " lead",
        "trail ",
        "   ",
        "\u{feff}x",
        "abc\u{a0}",
        "a\nb",
        "a\r\n",
        &longest,
    ] {
        assert_eq!(repository_password(text), Ok(()), "{text:?}");
    }
    for text in ["", "a\0b", &"a".repeat(LONGEST_PASSWORD + 1)] {
        assert!(repository_password(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_them_panic(text in ".*", storage in prop::sample::select(Storage::ALL)) {
        let _ = (Location::parse(&text), google(&text), name(&text), repository_password(&text));
        let _ = Location::parse(&format!("{storage}:{text}"));
    }

    /// What is read as another host, a user or an option never passes, wherever it stands.
    #[test]
    fn no_odd_character_passes_in_a_host(
        odd in "[ ?#@\\\\<>\"'`$;,=|&(){}*\u{0}-\u{1f}]",
        storage in prop::sample::select(vec!["rest:https://", "s3:https://", "sftp://"]),
    ) {
        let location = format!("{storage}backup{odd}example/bucket/x");
        let parsed = Location::parse(&location);
        prop_assert!(parsed.is_err() || (storage == "sftp://" && odd == "@"), "{}", location);
    }
}
