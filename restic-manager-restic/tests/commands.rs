//! What typed commands become, and what is refused.

use std::collections::BTreeSet;

use restic_manager_restic::Version;
use restic_manager_restic::command::{
    Archive, Azure, AzureCredential, B2, Backend, Backup, Cat, Check, Command, CommandError, Compression,
    Connection, Copy, CountingMode, Custom, Diff, Dump, Environment, Exclude, FileList, Filter, Find, Forget,
    Google, GoogleCredential, GroupBy, Init, Invocation, Keep, Key, List, Local, Login, Ls, LsSort,
    MaxUnused, NewKey, NewPassword, ObjectKind, Overwrite, Parent, Part, Password, Prune, Rclone, ReadData,
    Repair, Repository, RepositoryFormat, Rest, Restore, RestoreSelection, Retention, Rewrite, S3, S3Key,
    Search, Secret, Sftp, SnapshotName, Snapshots, Source, Span, Stats, Tag, TagEdit, Unlock, Verbatim,
};

const NEWEST: Version = Version::new(0, 19, 1);
const OLDEST: Version = Version::OLDEST;
/// Every secret in these tests holds this word, so that a scan can look for it.
const WORD: &str = "hunter2";

fn secret(name: &str) -> Secret {
    Secret::new(format!("{name}-{WORD}"))
}

fn connection_to(backend: impl Into<Backend>) -> Connection {
    let repository = Repository::new(backend, Password::Text(secret("password")));
    let mut connection = Connection::new(repository, Environment::empty().with_cache_directory("/cache"));
    connection.progress_interval = None;
    connection
}

fn connection() -> Connection {
    connection_to(Local::new("/repo"))
}

/// The words after `restic` and the options that every command has.
fn words(command: &impl Command, version: &Version) -> String {
    let invocation = command.prepare(&connection(), version).expect("a command that fits");
    let line = invocation.command_line();
    let (_, line) = line.split_once(" restic ").expect("the program");
    line.replace(" --quiet --json", "")
}

fn refusal(command: &impl Command, version: &Version) -> String {
    match command.prepare(&connection(), version) {
        Ok(invocation) => unreachable!("{invocation:?} was not refused"),
        Err(error) => error.to_string(),
    }
}

fn id(id: &str) -> SnapshotName {
    SnapshotName::id(id)
}

#[test]
fn commands_become_arguments() {
    let cases = [
        (words(&Init::new(), &OLDEST), "init"),
        (words(&init_v1(), &OLDEST), "init --repository-version=1"),
        (words(&Backup::paths(["/etc", "/a b"]), &OLDEST), "backup -- /etc '/a b'"),
        (words(&Backup::stdin("db.sql"), &OLDEST), "backup --stdin --stdin-filename=db.sql"),
        (words(&program(), &NEWEST), "backup --stdin-from-command --stdin-filename=d -- pg_dump -x ''"),
        (words(&Snapshots::new(), &OLDEST), "snapshots"),
        (words(&listing(), &NEWEST), "ls --recursive --sort=size --reverse -- latest /etc"),
        (words(&finding(), &NEWEST), "find --snapshot=ab12 '--oldest=2024-01-02 03:04:05' -- '*.rs' x"),
        (words(&Stats::new(CountingMode::RawData), &OLDEST), "stats --mode=raw-data"),
        (words(&Diff::new(id("ab").subfolder("/x"), id("cd")), &NEWEST), "diff -- ab:/x cd"),
        (words(&thinning(), &NEWEST), THINNING),
        (words(&Forget::by_ids(["ab12"]), &OLDEST), "forget -- ab12"),
        (words(&pruning(), &NEWEST), "prune --max-unused=7% --repack-smaller-than=4096 --dry-run"),
        (words(&checking(), &OLDEST), "check --read-data-subset=2/7"),
        (words(&Unlock::stale(), &OLDEST), "unlock"),
        (words(&Unlock::all(), &OLDEST), "unlock --remove-all"),
        (words(&List::new(ObjectKind::Locks), &OLDEST), "list -- locks"),
        (words(&Key::List, &OLDEST), "key list"),
        (words(&Key::Remove("ab12".to_owned()), &OLDEST), "key remove -- ab12"),
        (words(&adding(), &OLDEST), "key add --new-password-file=*** --user=me"),
        (
            words(&restoring(), &NEWEST),
            "restore --target=/t --include=/etc --overwrite=never --verify -- latest",
        ),
        (words(&Tag::new(TagEdit::Set(Vec::new()), vec![id("ab")]), &OLDEST), "tag --set= -- ab"),
        (words(&Rewrite::excluding(Exclude::patterns(["*.o"])), &NEWEST), "rewrite '--exclude=*.o'"),
        (words(&Repair::Index { read_all_packs: true }, &OLDEST), "rebuild-index --read-all-packs"),
        (words(&Repair::Index { read_all_packs: false }, &NEWEST), "repair index"),
        (words(&dumping(), &OLDEST), "dump --archive=zip -- latest /etc"),
        (words(&Cat::Config, &OLDEST), "cat -- config"),
        (words(&Cat::Snapshot("ab12".to_owned()), &OLDEST), "cat -- snapshot ab12"),
    ];
    for (line, expected) in cases {
        assert_eq!(line, expected);
    }
}

const THINNING: &str = "forget --keep-last=3 --keep-yearly=unlimited --keep-within-daily=1y2m3d4h --keep-tag=a,b \
                        --host=web --tag=daily --path=/etc --group-by= --dry-run";

fn init_v1() -> Init {
    let mut init = Init::new();
    init.format = Some(RepositoryFormat::V1);
    init
}

fn program() -> Backup {
    let command = ["pg_dump", "-x", ""].map(Into::into).to_vec();
    Backup::new(Source::Program { command, filename: "d".to_owned() })
}

fn listing() -> Ls {
    let mut ls = Ls::new(SnapshotName::latest());
    ls.folders = vec!["/etc".to_owned()];
    ls.recursive = true;
    ls.sort = Some(LsSort::Size);
    ls.reverse = true;
    ls
}

fn finding() -> Find {
    let mut find = Find::new(Search::Names(vec!["*.rs".to_owned(), "x".to_owned()]));
    find.snapshots = vec![id("ab12")];
    find.oldest = Some("2024-01-02 03:04:05".to_owned());
    find
}

fn thinning() -> Forget {
    let mut retention = Retention::default();
    retention.last = Keep::count(3);
    retention.yearly = Some(Keep::All);
    retention.within_daily = Some(Span::new(1, 2, 3, 4));
    retention.tags = vec![vec!["a".to_owned(), "b".to_owned()]];
    let mut filter = Filter::all();
    filter.hosts = vec!["web".to_owned()];
    filter.tags = vec![vec!["daily".to_owned()]];
    filter.paths = vec!["/etc".into()];
    Forget::ByRule { retention, filter, group_by: Some(GroupBy::nothing()), dry_run: true }
}

fn pruning() -> Prune {
    let mut prune = Prune::new();
    prune.max_unused = Some(MaxUnused::Percent(7));
    prune.repack_smaller_than_bytes = Some(4096);
    prune.dry_run = true;
    prune
}

fn checking() -> Check {
    let mut check = Check::new();
    check.read_data = Some(ReadData::Part { part: 2, parts: 7 });
    check
}

fn adding() -> Key {
    let mut key = NewKey::new(NewPassword::Text(secret("new")));
    key.user = Some("me".to_owned());
    Key::Add(key)
}

fn restoring() -> Restore {
    let mut restore = Restore::new(SnapshotName::latest(), "/t");
    restore.selection = RestoreSelection::Include {
        patterns: vec!["/etc".into()],
        insensitive_patterns: Vec::new(),
        files: Vec::new(),
    };
    restore.overwrite = Some(Overwrite::Never);
    restore.verify = true;
    restore
}

fn dumping() -> Dump {
    let mut dump = Dump::new(SnapshotName::latest(), "/etc");
    dump.archive = Archive::Zip;
    dump
}

fn backends() -> Vec<(Backend, &'static str)> {
    let mut s3 = S3::new("https://s3.example", "bucket").with_key(S3Key::new(secret("id"), secret("key")));
    s3.prefix = Some("/a/b/".to_owned());
    s3.region = Some("eu-1".to_owned());
    let mut azure = Azure::new("box", "account", AzureCredential::SharedAccessSignature(secret("sas")));
    azure.prefix = Some("p".to_owned());
    let mut sftp = Sftp::new("host.example", "/srv/repo");
    sftp.user = Some("me".to_owned());
    sftp.port = Some(2222);
    sftp.identity_file = Some("/k e y".into());
    let mut rclone = Rclone::new("remote", "a/b");
    rclone.config_password = Some(secret("config"));
    let mut custom = Custom::new("swift:container:/path");
    custom.secrets = vec![("OS_PASSWORD".to_owned(), secret("swift"))];
    custom.variables = vec![("OS_USERNAME".to_owned(), "me".to_owned())];
    vec![
        (Local::new("/srv/repo").into(), "RESTIC_REPOSITORY=/srv/repo restic snapshots"),
        (
            Rest::new("https://h:8000/x/").with_login(Login::new("me", secret("rest"))).into(),
            "RESTIC_REPOSITORY=rest:https://h:8000/x/ RESTIC_REST_PASSWORD=*** RESTIC_REST_USERNAME=me restic snapshots",
        ),
        (
            s3.into(),
            "AWS_ACCESS_KEY_ID=*** AWS_SECRET_ACCESS_KEY=*** RESTIC_REPOSITORY=s3:https://s3.example/bucket/a/b restic snapshots -o s3.region=eu-1",
        ),
        (
            B2::new("bucket", secret("id"), secret("key")).into(),
            "B2_ACCOUNT_ID=*** B2_ACCOUNT_KEY=*** RESTIC_REPOSITORY=b2:bucket restic snapshots",
        ),
        (
            azure.into(),
            "AZURE_ACCOUNT_NAME=account AZURE_ACCOUNT_SAS=*** RESTIC_REPOSITORY=azure:box:/p restic snapshots",
        ),
        (
            Google::new("bucket", GoogleCredential::AccessToken(secret("token"))).into(),
            "GOOGLE_ACCESS_TOKEN=*** RESTIC_REPOSITORY=gs:bucket:/ restic snapshots",
        ),
        (
            Google::new("bucket", GoogleCredential::ServiceAccount(secret("{}"))).into(),
            "GOOGLE_APPLICATION_CREDENTIALS=*** RESTIC_REPOSITORY=gs:bucket:/ restic snapshots",
        ),
        (
            sftp.into(),
            r"RESTIC_REPOSITORY=sftp://me@host.example:2222//srv/repo restic snapshots -o 'sftp.args=-o BatchMode=yes -o IdentitiesOnly=yes -i '\''/k e y'\'''",
        ),
        (rclone.into(), "RCLONE_CONFIG_PASS=*** RESTIC_REPOSITORY=rclone:remote:a/b restic snapshots"),
        (
            custom.into(),
            "OS_PASSWORD=*** OS_USERNAME=me RESTIC_REPOSITORY=swift:container:/path restic snapshots",
        ),
    ]
}

#[test]
fn each_backend_becomes_a_location_and_its_variables() {
    for (backend, expected) in backends() {
        let invocation = Snapshots::new().prepare(&connection_to(backend), &NEWEST).expect("a command");
        let line = invocation
            .command_line()
            .replace("RESTIC_CACHE_DIR=/cache ", "")
            .replace("RESTIC_PASSWORD_FILE=*** ", "")
            .replace(" --quiet --json", "");
        assert_eq!(line, expected);
    }
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    for (backend, _) in backends() {
        let mut connection = connection_to(backend);
        connection.environment =
            connection.environment.with_proxy(|_| Some(format!("http://me:{WORD}@proxy").into()));
        for version in [OLDEST, NEWEST] {
            let Ok(invocation) = adding().prepare(&connection, &version) else { continue };
            let shown = format!("{invocation:?} {:#?} {}", connection, invocation.command_line());
            assert!(!shown.contains(WORD), "{shown}");
        }
    }
    let copy = Copy::new(connection().repository);
    assert!(!format!("{copy:?}").contains(WORD));
}

#[test]
fn values_cannot_become_options() {
    let mut backup = Backup::paths(["/etc"]);
    backup.tags = vec!["-x".to_owned()];
    backup.host = Some("--password-command=evil".to_owned());
    backup.exclude = Exclude::patterns(["-cache*"]);
    let line = words(&backup, &OLDEST);
    for option in [" --host=--password-command=evil ", " --tag=-x ", " '--exclude=-cache*' "] {
        assert!(line.contains(option), "{line}");
    }
    assert_eq!(words(&Find::new(Search::Names(vec!["-x".to_owned()])), &OLDEST), "find -- -x");
    for command in [Backup::paths(["--stdin"]), Backup::paths(["-"])] {
        assert!(refusal(&command, &NEWEST).contains("starts with a dash"), "{command:?}");
    }
    assert!(refusal(&Backup::paths(["/a\0b"]), &NEWEST).contains("NUL"));
    assert!(refusal(&Backup::paths([""]), &NEWEST).contains("empty"));
    assert!(refusal(&Restore::new(id("--target=/"), "/t"), &NEWEST).contains("hexadecimal"));
    assert!(refusal(&Forget::by_ids(["latest"]), &NEWEST).contains("hexadecimal"));
    assert!(refusal(&Forget::by_ids(["AB"]), &NEWEST).contains("hexadecimal"));
}

#[test]
fn numbers_are_checked_before_restic_sees_them() {
    assert_eq!(Keep::count(0), None);
    let mut retention = Retention::default();
    retention.last = Keep::count(u32::MAX);
    assert!(refusal(&Forget::by_rule(retention), &OLDEST).contains("too large"));
    for read_data in [
        ReadData::Part { part: 0, parts: 3 },
        ReadData::Part { part: 4, parts: 3 },
        ReadData::Part { part: 1, parts: 257 },
        ReadData::Percent(0.0),
        ReadData::Percent(100.1),
        ReadData::Percent(f64::NAN),
        ReadData::Bytes(0),
    ] {
        let mut check = Check::new();
        check.read_data = Some(read_data);
        assert!(refusal(&check, &NEWEST).contains("--read-data-subset"), "{read_data:?}");
    }
    let mut prune = Prune::new();
    prune.max_unused = Some(MaxUnused::Percent(100));
    assert!(refusal(&prune, &NEWEST).contains("--max-unused"));
    for change in [
        |c: &mut Connection| c.limit_upload_kib = Some(0),
        |c: &mut Connection| c.pack_size_mib = Some(3),
        |c: &mut Connection| c.connections = Some(0),
        |c: &mut Connection| c.progress_interval = Some(std::time::Duration::ZERO),
    ] {
        let mut connection = connection();
        change(&mut connection);
        assert!(matches!(Snapshots::new().prepare(&connection, &NEWEST), Err(CommandError::Invalid { .. })));
    }
    for time in ["2024-01-02", "2024-01-02T03:04:05", "now", "2024-01-02 03:04:0x"] {
        let mut backup = Backup::paths(["/etc"]);
        backup.time = Some(time.to_owned());
        assert!(refusal(&backup, &NEWEST).contains("YYYY-MM-DD"), "{time}");
    }
}

#[test]
fn a_command_that_would_do_nothing_or_everything_is_refused() {
    assert!(refusal(&Forget::by_rule(Retention::default()), &OLDEST).contains("without a rule"));
    assert!(refusal(&Forget::by_ids::<String>([]), &OLDEST).contains("without any snapshot id"));
    let mut retention = Retention::default();
    retention.within = Some(Span::default());
    assert!(refusal(&Forget::by_rule(retention), &OLDEST).contains("--keep-within"));
    assert!(refusal(&Backup::paths::<&str>([]), &OLDEST).contains("without anything to save"));
    assert!(refusal(&Tag::new(TagEdit::Set(vec!["a".to_owned()]), Vec::new()), &OLDEST).contains("a filter"));
    assert!(refusal(&Rewrite::default(), &NEWEST).contains("any change"));
    assert!(refusal(&Find::new(Search::Names(Vec::new())), &NEWEST).contains("anything to look for"));
}

#[test]
fn what_a_version_lacks_is_refused_with_the_version_that_has_it() {
    let mut backup = Backup::paths(["/etc"]);
    backup.skip_if_unchanged = true;
    assert_eq!(
        refusal(&backup, &Version::new(0, 16, 5)),
        "use --skip-if-unchanged with restic 0.16.5: install restic 0.17.0 or newer"
    );
    words(&backup, &Version::new(0, 17, 0));
    assert!(refusal(&Ls::new(id("ab").subfolder("/x")), &OLDEST).contains("0.16.0"));
    assert!(refusal(&Rewrite::excluding(Exclude::patterns(["x"])), &OLDEST).contains("use rewrite with"));
    assert!(refusal(&Snapshots::new(), &Version::new(0, 13, 1)).contains("0.14.0"));
    let mut keep = Retention::default();
    keep.last = Some(Keep::All);
    assert!(refusal(&Forget::by_rule(keep), &OLDEST).contains("0.16.0"));

    let mut connection = connection();
    connection.compression = Some(Compression::Better);
    let refused = Snapshots::new().prepare(&connection, &Version::new(0, 18, 0));
    assert!(matches!(refused, Err(CommandError::TooOld { .. })), "{refused:?}");
    connection.compression = None;
    connection.repository.password = Password::None;
    assert!(Snapshots::new().prepare(&connection, &OLDEST).is_err());
}

#[test]
fn repositories_are_described_safely_or_not_at_all() {
    let refused = |backend: Backend| Snapshots::new().prepare(&connection_to(backend), &NEWEST).is_err();
    assert!(refused(Local::new("relative").into()));
    assert!(refused(Rest::new("https://me:pw@host/").into()));
    assert!(refused(Rest::new("ftp://host/").into()));
    assert!(refused(Custom::new("rest:https://me:pw@host/").into()));
    assert!(refused(S3::new("s3.example", "-bucket").into()));
    assert!(refused(Sftp::new("host -oProxyCommand=x", "/p").into()));
    assert!(refused(Sftp::new("-oProxyCommand=x", "/p").into()));
    for name in ["RESTIC_PASSWORD_COMMAND", "LD_PRELOAD", "Path", "", "A=B"] {
        let mut custom = Custom::new("swift:c:/p");
        custom.variables = vec![(name.to_owned(), "evil".to_owned())];
        assert!(refused(custom.into()), "{name}");
    }
    for password in ["", "a\0b", "x".repeat(4097).as_str()] {
        let repository = Repository::new(Local::new("/repo"), Password::Text(Secret::new(password)));
        let connection = Connection::new(repository, Environment::empty());
        assert!(Snapshots::new().prepare(&connection, &NEWEST).is_err(), "{password:?}");
    }
}

#[test]
fn two_repositories_never_share_a_login_by_accident() {
    let from = Rest::new("https://one/").with_login(Login::new("me", secret("one")));
    let copy = Copy::new(Repository::new(from, Password::Text(secret("from"))));
    let to = connection_to(Rest::new("https://two/"));
    let line = copy.prepare(&to, &NEWEST).expect("a command").command_line();
    assert!(!line.contains("RESTIC_REST_"), "{line}");
    assert!(
        line.contains("RESTIC_FROM_REPOSITORY_FILE=***")
            && line.contains("RESTIC_REPOSITORY=rest:https://two/")
    );

    let key = |name: &str| S3Key::new(secret(name), secret(name));
    let copy =
        Copy::new(Repository::new(S3::new("s", "b").with_key(key("one")), Password::Text(secret("from"))));
    let same = connection_to(S3::new("s", "c").with_key(key("one")));
    assert!(copy.prepare(&same, &NEWEST).is_ok());
    let other = connection_to(S3::new("s", "c").with_key(key("two")));
    assert!(matches!(copy.prepare(&other, &NEWEST), Err(CommandError::Conflict { .. })));
}

#[test]
fn a_missing_cache_folder_is_said_and_not_left_to_chance() {
    let repository = connection().repository;
    let homeless = Connection::new(repository, Environment::empty());
    let line = Snapshots::new().prepare(&homeless, &NEWEST).expect("a command").command_line();
    assert!(line.contains("--no-cache"), "{line}");
    assert!(!words(&Snapshots::new(), &NEWEST).contains("--no-cache"));
}

#[test]
fn backup_options_are_all_written() {
    let mut backup = Backup::new(Source::Paths {
        paths: vec!["/etc".into()],
        lists: vec![
            FileList::Nul("/n".into()),
            FileList::Lines("/l".into()),
            FileList::Patterns("/p".into()),
        ],
    });
    backup.parent = Parent::Id("ab".to_owned());
    backup.exclude.files = vec!["/x".into()];
    backup.verbose = true;
    let line = words(&backup, &OLDEST);
    let found: BTreeSet<_> = line.split(' ').collect();
    for word in [
        "--files-from-raw=/n",
        "--files-from-verbatim=/l",
        "--files-from=/p",
        "--parent=ab",
        "--exclude-file=/x",
        "--verbose=2",
    ] {
        assert!(found.contains(word), "{word} is missing in {line}");
    }
    assert!(!found.contains("--quiet"), "restic refuses --quiet with --verbose: {line}");
}

#[test]
fn untagged_snapshots_can_be_asked_for() {
    let mut filter = Filter::default();
    filter.tags = vec![Vec::new()];
    let mut snapshots = Snapshots::new();
    snapshots.filter = filter;
    assert_eq!(words(&snapshots, &OLDEST), "snapshots --tag=");
}

#[test]
fn a_list_in_one_group_is_no_list_of_groups() {
    let mut snapshots = Snapshots::new();
    snapshots.group_by = Some(GroupBy::nothing());
    assert!(refusal(&snapshots, &NEWEST).contains("leave it out"));
}

/// restic reads `-o` and `--cacert` as a line of comma-separated values.
#[test]
fn a_comma_splits_no_option() {
    let line = |connection: &Connection| {
        Snapshots::new().prepare(connection, &NEWEST).map(|invocation| invocation.command_line())
    };
    let mut storage = S3::new("s3.example", "bucket");
    storage.region = Some("x,s3.unsafe-anonymous-auth=true".to_owned());
    let line_of_storage = line(&connection_to(storage)).expect("a command");
    assert!(
        line_of_storage.contains("-o '\"s3.region=x,s3.unsafe-anonymous-auth=true\"'"),
        "{line_of_storage}"
    );
    let mut connection = connection();
    connection.ca_certificate = Some("/etc/a \"b\", c.pem".into());
    let line_of_certificate = line(&connection).expect("a command");
    assert!(line_of_certificate.contains(r#"'--cacert="/etc/a ""b"", c.pem"'"#), "{line_of_certificate}");
    connection.ca_certificate = Some("/etc/a\nb".into());
    assert!(line(&connection).is_err());
}

#[test]
fn only_what_changes_nothing_goes_without_a_lock() {
    let mut connection = connection();
    connection.no_lock = true;
    let refused = |result: Result<Invocation, CommandError>| match result {
        Ok(invocation) => unreachable!("{invocation:?} was not refused"),
        Err(error) => error,
    };
    for invocation in [
        Snapshots::new().prepare(&connection, &OLDEST),
        Check::new().prepare(&connection, &OLDEST),
        Cat::Config.prepare(&connection, &OLDEST),
        Unlock::default().prepare(&connection, &OLDEST),
    ] {
        assert!(invocation.expect("a command that fits").command_line().contains("--no-lock"));
    }
    let mut forget = Forget::by_ids(["ab"]);
    let mut prune = Prune::new();
    for error in [
        refused(Backup::paths(["/etc"]).prepare(&connection, &NEWEST)),
        refused(forget.prepare(&connection, &NEWEST)),
        refused(prune.prepare(&connection, &NEWEST)),
    ] {
        assert!(matches!(error, CommandError::Conflict { .. }), "{error}");
    }
    prune.dry_run = true;
    if let Forget::ByIds { dry_run, .. } = &mut forget {
        *dry_run = true;
    }
    assert!(forget.prepare(&connection, &Version::new(0, 17, 3)).is_ok());
    let error = refused(prune.prepare(&connection, &Version::new(0, 17, 2)));
    assert!(matches!(error, CommandError::TooOld { .. }), "{error}");
}

#[test]
fn an_sftp_server_is_addressed_as_it_is_named() {
    let line = |storage: Sftp| {
        Snapshots::new().prepare(&connection_to(storage), &NEWEST).map(|invocation| invocation.command_line())
    };
    let plain = line(Sftp::new("host", "/srv/100%?#")).expect("a command");
    assert!(plain.contains("RESTIC_REPOSITORY=sftp://host//srv/100%25%3F%23"), "{plain}");
    for host in ["2001:db8::1", "[2001:db8::1]"] {
        let address = line(Sftp::new(host, "srv")).expect("a command");
        assert!(address.contains("sftp://[2001:db8::1]/srv"), "{address}");
    }
    let mut known = Sftp::new("host", "srv");
    known.known_hosts_file = Some("/etc/known hosts".into());
    let known = line(known).expect("a command");
    assert!(known.contains("UserKnownHostsFile=\"\"/etc/known hosts\"\""), "{known}");
    let mut key = Sftp::new("host", "srv");
    key.identity_file = Some("/etc/%h".into());
    assert!(line(key).is_err());
    assert!(line(Sftp::new("host/x", "srv")).is_err());
}

/// Go's `strings.TrimSpace` and the byte order mark: what restic drops from what it reads from a file.
#[test]
fn a_password_reaches_restic_as_it_is() {
    for password in [" lead", "trail ", "   ", "\u{feff}x", "abc\u{a0}", "two\n", "plain", "in ner"] {
        Password::check(password).expect("a password");
        let repository = Repository::new(Local::new("/repo"), Password::Text(Secret::new(password)));
        let connection = Connection::new(repository, Environment::empty());
        let invocation = Snapshots::new().prepare(&connection, &OLDEST).expect("a command");
        let handed_over: Vec<&str> = invocation
            .variables()
            .filter(|(name, _)| name.to_string_lossy().starts_with("RESTIC_PASSWORD"))
            .map(|(_, part)| match part {
                Part::Secret(secret) => secret.expose(),
                Part::SecretFile { index, .. } => {
                    invocation.secret_files()[index].expose().trim_start_matches('\u{feff}').trim()
                }
                other => unreachable!("{other:?}"),
            })
            .collect();
        assert_eq!(handed_over, [password]);
        assert!(!invocation.command_line().contains(password.trim()) || password.trim().is_empty());
    }
    let key = NewKey::new(NewPassword::Text(Secret::new("trail ")));
    assert!(refusal(&Key::Add(key), &NEWEST).contains("white space"));
}

#[test]
fn what_this_crate_does_not_know_can_be_run() {
    let mut cache = Verbatim::new("cache", ["--cleanup", "--max-age=7"]);
    assert_eq!(words(&cache, &OLDEST), "cache --cleanup --max-age=7");
    cache.operands.push("-x".into());
    assert_eq!(words(&cache, &OLDEST), "cache --cleanup --max-age=7 -- -x");
    for option in [
        "-x",
        "x",
        "--",
        "--password-command=x",
        "--repo=/x",
        "--from-repo=/x",
        "--json",
        "--token=abc",
        "--a\0",
    ] {
        assert!(Verbatim::new("cache", [option]).prepare(&connection(), &NEWEST).is_err(), "{option}");
    }
    for verb in ["", "--help", "Cache", "key  add"] {
        assert!(Verbatim::new(verb, [] as [&str; 0]).prepare(&connection(), &NEWEST).is_err(), "{verb}");
    }
}
