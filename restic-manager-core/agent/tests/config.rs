//! What a configuration file may say, and what happens to one that says something else.

use crate::support::folder;
use restic_manager_agent::{
    config::{Config, ConfigError, ServerUrl},
    policy::PolicySource,
};
use restic_manager_crypto::PublicKey;

fn fingerprint() -> String {
    PublicKey::from_bytes([7; 32]).fingerprint().to_string()
}

fn text(more: &str) -> String {
    format!("server = \"https://backup.example\"\nserver_fingerprint = \"{}\"\n{more}", fingerprint())
}

#[test]
fn what_is_written_reads_the_same() {
    let folder = folder();
    let path = folder.path().join("etc").join("agent.toml");
    let mut config = Config::parse(&text("")).expect("a minimal file is enough");
    config.state_folder = folder.path().join("state");
    config.restic = Some("/usr/bin/restic".into());
    config.stage(&path).and_then(|staged| Ok(staged.commit()?)).expect("the file writes");
    assert_eq!(Config::read(&path).expect("the file reads"), config);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = folder.path().join("agent.toml");
    let config = Config::parse(&text("")).expect("a good file");
    config.stage(&path).and_then(|staged| Ok(staged.commit()?)).expect("the file writes");
    let mode = std::fs::metadata(&path).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("colour = \"blue\"", "colour"),
        ("restic = \"bin/restic\"", "restic"),
        ("state_folder = \"state\"", "state_folder"),
        ("ca_file = \"ca.pem\"", "ca_file"),
        ("proxy = \"http://me:secret@proxy.example:3128\"", "no login"),
        ("proxy = \"proxy.example\"", "http://proxy.example:3128"),
        ("outbox_limit_mib = 0", "outbox_limit_mib"),
        ("outbox_limit_mib = \"many\"", "outbox_limit_mib"),
        ("index_limit_mib = 15", "index_limit_mib"),
    ];
    for (more, named) in cases {
        let reason = Config::parse(&text(more)).expect_err(more);
        assert!(reason.contains(named), "{more}: {reason}");
    }
    let reason = Config::parse("server = \"https://backup.example\"").expect_err("no fingerprint");
    assert!(reason.contains("server_fingerprint"), "{reason}");
}

#[test]
fn a_missing_file_says_how_to_get_one() {
    let folder = folder();
    let error = Config::read(&folder.path().join("agent.toml")).expect_err("there is none");
    assert!(matches!(error, ConfigError::Missing { .. }) && error.to_string().contains("enrol"), "{error}");
}

#[test]
fn addresses_of_servers() {
    let good = [
        ("https://backup.example", "backup.example", 443, "wss://backup.example/ws/agent"),
        ("https://backup.example:8443/", "backup.example", 8443, "wss://backup.example:8443/ws/agent"),
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, "ws://127.0.0.1:8080/ws/agent"),
        ("https://[::1]:8443/manager", "::1", 8443, "wss://[::1]:8443/manager/ws/agent"),
    ];
    for (text, host, port, agent_url) in good {
        let url: ServerUrl = text.parse().expect(text);
        assert_eq!((url.host(), url.port(), url.agent_url().as_str()), (host, port, agent_url));
    }
    for text in [
        "backup.example",
        "ftp://backup.example",
        "https://",
        "https://user:secret@backup.example",
        "https://backup.example?x=1",
        "https://backup.example#top",
        "https://backup.example:0",
        "https://backup.example:99999",
    ] {
        assert!(text.parse::<ServerUrl>().is_err(), "{text}");
    }
}

/// A host that enrols again keeps what its administrator wrote, comments included.
#[test]
fn a_file_that_is_there_keeps_all_that_is_not_changed() {
    let folder = folder();
    let path = folder.path().join("agent.toml");
    let before = text(
        "# Rules for this host.\npolicy_file = \"/etc/rules.toml\"  # do not remove\noutbox_limit_mib = 8\n",
    );
    std::fs::write(&path, &before).expect("the file writes");
    let mut config = Config::read(&path).expect("the file reads");
    config.server = "https://new.example".parse().expect("an address");
    let staged = config.stage(&path).expect("it can be written");
    assert_eq!(std::fs::read_to_string(&path).expect("the file reads"), before, "not before it is committed");
    staged.commit().expect("the file writes");
    let after = std::fs::read_to_string(&path).expect("the file reads");
    for kept in ["# Rules for this host.", "# do not remove", "outbox_limit_mib = 8", "https://new.example"] {
        assert!(after.contains(kept), "{kept} is missing:\n{after}");
    }
    assert_eq!(Config::read(&path).expect("the file reads"), config);
    drop(config.stage(&path).expect("it can be written"));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("the folder reads").count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn a_policy_that_is_named_must_be_there() {
    let mut config = Config::parse(&text("")).expect("a good file");
    config.policy_file = Some("/nowhere/policy.toml".into());
    let report = config.policy().read();
    assert_eq!(report.source, PolicySource::Unusable);
    assert!(report.problem.contains("agent.toml"), "{}", report.problem);
}

#[test]
fn plain_text_over_the_network_is_known_as_such() {
    for (url, is_plain) in [
        ("http://backup.example", true),
        ("https://backup.example", false),
        ("http://127.0.0.1:8080", false),
        ("http://[::1]:8080", false),
    ] {
        let url: ServerUrl = url.parse().expect("an address");
        assert_eq!(url.is_plain(), is_plain, "{url}");
    }
}
