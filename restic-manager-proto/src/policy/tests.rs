use super::*;
use crate::Bandwidth;

fn roots(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|root| (*root).to_owned()).collect())
}

fn backup(list: &[&str], path: &str) -> bool {
    let policy = HostPolicy { backup_roots: roots(list), ..HostPolicy::default() };
    policy.decide(&Act::BackUp { path }).is_ok()
}

fn repository(list: &[&str], location: &str) -> bool {
    let policy = HostPolicy { repositories: roots(list), ..HostPolicy::default() };
    policy.decide(&Act::UseRepository { location }).is_ok()
}

#[test]
fn without_a_file_all_but_hooks_is_allowed() {
    let policy = HostPolicy::default();
    for act in [
        Act::BackUp { path: "/" },
        Act::RestoreTo { folder: "/" },
        Act::Update {},
        Act::UseRepository { location: "sftp:x:/y" },
    ] {
        assert_eq!(policy.decide(&act), Ok(()), "{act:?}");
    }
    assert!(policy.decide(&Act::RunHook { digest: "sha256:00" }).is_err());
}

#[test]
fn a_root_holds_itself_and_what_is_below() {
    for path in ["/home", "/home/", "/home/alice", "//home//alice/.", "/srv/data/x"] {
        assert!(backup(&["/home", "/srv/data/"], path), "{path}");
    }
    for path in ["/", "/homes", "/hom", "/Home", "/srv", "/home/../etc", "/home/..", "home", "", "/home\0/x"]
    {
        assert!(!backup(&["/home", "/srv/data/"], path), "{path}");
    }
    assert!(backup(&["/"], "/etc") && !backup(&["/"], r"C:\Users"));
    assert!(!backup(&[], "/home"), "no roots are no permission");
}

#[test]
fn windows_paths_are_compared_as_windows_does() {
    for path in [
        r"C:\Users",
        r"c:\users\Alice",
        "C:/USERS/x",
        r"\\?\C:\Users\x",
        r"C:\Users.\x",
        r"C:\Users \x",
        r"\\nas\Share\x",
        r"\\?\UNC\NAS\share\y",
    ] {
        assert!(backup(&[r"C:\Users", r"\\nas\share"], path), "{path}");
    }
    for path in [
        r"C:\",
        r"C:\UsersX",
        r"D:\Users",
        r"C:\Users\..\Windows",
        r"C:\Users\.. \Windows",
        r"C:\Users\x:stream",
        r"C:Users",
        r"\\nas\other",
        r"\\.\C:\Users",
        r"\\?\GLOBALROOT\Device\x",
        r"\Users",
        "/Users",
    ] {
        assert!(!backup(&[r"C:\Users", r"\\nas\share"], path), "{path}");
    }
}

#[test]
fn restores_have_roots_of_their_own() {
    let policy = HostPolicy { restore_roots: roots(&["/srv/restore"]), ..HostPolicy::default() };
    assert!(policy.decide(&Act::RestoreTo { folder: "/srv/restore/today" }).is_ok());
    let refused = policy.decide(&Act::RestoreTo { folder: "/etc" }).unwrap_err();
    assert_eq!(refused.to_string(), "the host's policy lets it restore to /srv/restore only, not /etc");
    let none = HostPolicy { restore_roots: Some(Vec::new()), ..HostPolicy::default() };
    let refused = none.decide(&Act::RestoreTo { folder: "/etc" }).unwrap_err();
    assert_eq!(refused.to_string(), "the host's policy lets it restore to nothing, so not /etc");
}

#[test]
fn hooks_are_none_listed_or_any() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let allowed = |hooks| {
        HostPolicy { hooks, ..HostPolicy::default() }.decide(&Act::RunHook { digest: &digest }).is_ok()
    };
    assert!(allowed(HookRule::Any {}));
    assert!(allowed(HookRule::Listed { digests: vec![digest.clone()] }));
    assert!(!allowed(HookRule::Listed { digests: vec![format!("sha256:{}", "b".repeat(64))] }));
    assert!(!allowed(HookRule::None {}) && !allowed(HookRule::Unknown));
}

#[test]
fn patterns_of_locations_match_whole_names() {
    let list = ["rest:https://backup.example.com/**", "s3:s3.example.com/bucket/*", "/srv/restic/*"];
    for location in [
        "rest:https://backup.example.com/web/",
        "rest:https://backup.example.com/",
        "s3:s3.example.com/bucket/web",
        "/srv/restic/web",
        "local:/srv/restic/web",
    ] {
        assert!(repository(&list, location), "{location}");
    }
    for location in [
        "rest:http://backup.example.com/web/",
        "rest:https://backup.example.com.evil.example/",
        "rest:https://backup.example.com/../other/",
        "rest:https://backup.example.com/%2E%2e/other",
        "s3:s3.example.com/bucket/web/deeper",
        "s3:s3.example.com/bucket/../other",
        "/srv/restic/web/deeper",
        "/srv/restic/..",
        "sftp:evil:/srv/restic/web",
    ] {
        assert!(!repository(&list, location), "{location}");
    }
    assert!(
        repository(&["sftp:*:/srv"], "sftp:host:/srv") && !repository(&["sftp:*:/srv"], "sftp:me@host:/srv")
    );
    assert!(repository(&[r"D:\Backup\*"], r"d:\backup\Web"));
    assert!(!repository(&[], "/srv/restic"));
}

#[test]
fn a_star_for_folders_never_stands_for_a_server() {
    let list = ["rest:https://*.example.com/**", "rest:https://*.example.org:*/**", "sftp:**"];
    for location in [
        "rest:https://a.example.com/x/y",
        "rest:https://A.Example.com:443/",
        "rest:https://a.b.example.com/",
        "rest:https://a.example.org:8000/",
        "sftp:me@anywhere:/x",
    ] {
        assert!(repository(&list, location), "{location}");
    }
    for location in [
        "rest:https://evil.test?.example.com/x",
        "rest:https://evil.test#.example.com/x",
        "rest:https://evil.test/.example.com/x",
        "rest:https://evil.test:80/.example.com/x",
        "rest:https://evil.test@a.example.com/x",
        "rest:https://a.example.com:8443/x",
        "rest:http://a.example.com/x",
        "s3:https://a.example.com/bucket",
    ] {
        assert!(!repository(&list, location), "{location}");
    }
    assert!(repository(&["**"], "b2:bucket:x") && !repository(&["**"], "b2:-bucket:x"));
}

#[test]
fn rclone_is_the_hosts_to_allow() {
    let ask = |rclone, repositories| {
        let policy = HostPolicy { rclone, repositories, ..HostPolicy::default() };
        policy.decide(&Act::UseRepository { location: "rclone:nas:web" })
    };
    let refused = ask(false, None).unwrap_err().to_string();
    assert!(refused.ends_with("its owner allows it with rclone = true"), "{refused}");
    assert!(ask(false, roots(&["rclone:nas:**"])).is_err());
    assert!(ask(true, None).is_ok() && ask(true, roots(&["rclone:nas:**"])).is_ok());
    assert!(ask(true, roots(&["rclone:other:**"])).is_err());
}

#[test]
fn no_pattern_is_slow() {
    let pattern = format!("/{}", "**a".repeat(300));
    assert!(!repository(&[&pattern], &format!("/{}", "a".repeat(200))));
    assert!(repository(&["/**"], &format!("/{}", "a".repeat(2000))));
}

#[test]
fn the_slower_limit_counts() {
    let policy = HostPolicy { upload_limit_kib: Some(100), ..HostPolicy::default() };
    let wanted = |upload_kib| Bandwidth { upload_kib, download_kib: None }.slower(policy.bandwidth());
    assert_eq!(wanted(None).upload_kib, Some(100));
    assert_eq!(wanted(Some(50)).upload_kib, Some(50));
    assert_eq!(wanted(Some(500)).upload_kib, Some(100));
    assert_eq!(wanted(None).download_kib, None);
}

#[test]
fn rules_that_mean_nothing_are_named() {
    let cases: [(HostPolicy, &str); 6] = [
        (HostPolicy { backup_roots: roots(&["home"]), ..HostPolicy::default() }, "backup_roots"),
        (HostPolicy { restore_roots: roots(&["/srv/.."]), ..HostPolicy::default() }, "restore_roots"),
        (HostPolicy { repositories: roots(&[" "]), ..HostPolicy::default() }, "repositories"),
        (
            HostPolicy { repositories: roots(&["backup.example.com/**"]), ..HostPolicy::default() },
            "repositories",
        ),
        (HostPolicy { upload_limit_kib: Some(0), ..HostPolicy::default() }, "upload_limit_kib"),
        (
            HostPolicy { hooks: HookRule::Listed { digests: vec!["md5:1".into()] }, ..HostPolicy::default() },
            "hooks",
        ),
    ];
    for (policy, key) in cases {
        let invalid = policy.check().unwrap_err().to_string();
        assert!(invalid.starts_with(key), "{invalid}");
    }
    assert_eq!(HostPolicy::default().check(), Ok(()));
}

#[test]
fn a_file_that_cannot_be_used_allows_nothing() {
    let report = PolicyReport::unusable("/etc/policy.toml", "others may write it");
    for act in [Act::BackUp { path: "/" }, Act::Update {}, Act::UseRepository { location: "/srv" }] {
        let refused = report.decide(&act).unwrap_err();
        assert!(refused.to_string().ends_with("others may write it"), "{refused}");
    }
}

#[test]
fn words_of_a_newer_agent_are_read_as_refusals() {
    let report: PolicyReport = serde_json::from_str(
        r#"{"source":"signed-by-two","rules":{"hooks":{"rule":"on-sundays"},"moon":"full"}}"#,
    )
    .unwrap();
    assert_eq!(report.source, PolicySource::Unknown);
    assert!(report.decide(&Act::RunHook { digest: "sha256:00" }).is_err());
}
