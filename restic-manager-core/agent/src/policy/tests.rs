use super::*;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use tempfile::TempDir;

/// A folder whose way from the root nobody else can write, with a policy of this user.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("a path of text")
    }

    fn file(&self) -> PolicyFile {
        PolicyFile::new(self.path("policy.toml")).owned_by(user())
    }

    fn write(&self, text: &str) {
        files::write(&self.path("policy.toml"), text.as_bytes()).expect("the file is written");
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("the mode is set");
    }

    fn guard(&self) -> Guard {
        Guard::new(self.file(), self.path("state"))
    }
}

fn user() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let probe = tempfile::NamedTempFile::new().expect("a file");
    probe.as_file().metadata().expect("it is there").uid()
}

#[test]
fn each_key_is_read_and_any_other_refused() {
    let rules = PolicyFile::parse(
        "backup_roots = [\"/home\"]\nrestore_roots = []\nhooks = \"any\"\nupdates = false\n\
         repositories = [\"/srv/**\"]\nupload_limit_kib = 5\ndownload_limit_kib = 6\n",
    )
    .expect("good rules");
    assert_eq!(rules.backup_roots.as_deref(), Some(["/home".to_owned()].as_slice()));
    assert_eq!(rules.restore_roots, Some(Vec::new()));
    assert_eq!((rules.hooks, rules.updates), (HookRule::Any {}, false));
    assert_eq!((rules.upload_limit_kib, rules.download_limit_kib), (Some(5), Some(6)));
    assert_eq!(PolicyFile::parse(""), Ok(HostPolicy::default()));
    for wrong in [
        "backup_root = [\"/home\"]",
        "hooks = \"some\"",
        "hooks = true",
        "updates = \"no\"",
        "backup_roots = [\"home\"]",
    ] {
        let problem = PolicyFile::parse(wrong).expect_err(wrong);
        assert!(problem.contains(&wrong[..5]), "{wrong}: {problem}");
    }
}

#[test]
fn a_file_that_others_can_change_allows_nothing() {
    let place = Place::new();
    assert_eq!(place.file().read().source, PolicySource::Default);
    place.write("updates = false");
    let report = place.file().read();
    assert_eq!((report.source, report.rules.updates), (PolicySource::File, false));
    assert!(report.digest.starts_with("sha256:"), "{}", report.digest);

    for mode in [0o620, 0o602, 0o666] {
        place.mode("policy.toml", mode);
        let report = place.file().read();
        assert_eq!(report.source, PolicySource::Unusable);
        assert!(report.problem.contains("chmod go-w"), "{}", report.problem);
    }
    place.mode("policy.toml", 0o644);
    place.mode("", 0o777);
    assert_eq!(place.file().read().source, PolicySource::Unusable, "who writes the folder replaces the file");
    place.mode("", 0o700);
    let report = PolicyFile::new(place.path("policy.toml")).owned_by(user() + 1).read();
    assert!(user() == 0 || report.problem.contains("chown root"), "{}", report.problem);
}

#[test]
fn a_file_of_another_user_allows_nothing() {
    let place = Place::new();
    place.write("updates = false");
    if user() != 0 {
        let report = PolicyFile::new(place.path("policy.toml")).read();
        assert!(report.problem.contains("chown root"), "{}", report.problem);
        return;
    }
    std::os::unix::fs::chown(place.path("policy.toml"), Some(65534), None).expect("root may");
    let report = place.file().read();
    assert_eq!(report.source, PolicySource::Unusable);
    assert!(report.problem.contains("belongs to user 65534"), "{}", report.problem);
}

#[test]
fn what_is_no_policy_allows_nothing() {
    let place = Place::new();
    for text in ["backup_roots = ", "nonsense = 1", &"#".repeat(70_000)] {
        place.write(text);
        assert_eq!(place.file().read().source, PolicySource::Unusable, "{}", &text[..10]);
    }
    fs::remove_file(place.path("policy.toml")).expect("it is there");
    symlink(place.path("nowhere"), place.path("policy.toml")).expect("a link");
    assert_eq!(
        place.file().read().source,
        PolicySource::Unusable,
        "a link that leads nowhere is not an absent file"
    );
    fs::remove_file(place.path("policy.toml")).expect("it is there");
    fs::create_dir(place.path("policy.toml")).expect("a folder");
    assert_eq!(place.file().read().source, PolicySource::Unusable);
}

#[tokio::test]
async fn links_are_followed_before_leave_is_given() {
    let place = Place::new();
    for folder in ["allowed", "secret", "real"] {
        fs::create_dir(place.path(folder)).expect("a folder");
    }
    symlink(place.path("secret"), place.path("allowed/way-out")).expect("a link");
    symlink(place.path("real"), place.path("linked-root")).expect("a link");
    place.write(&format!(
        "backup_roots = [\"{}\", \"{}\"]",
        place.text("allowed"),
        place.text("linked-root")
    ));
    let guard = place.guard();
    for inside in ["allowed", "allowed/not-yet/there", "linked-root", "linked-root/x"] {
        let permitted = guard.permit(vec![Action::BackUp(place.text(inside))]).await;
        assert!(permitted.is_ok(), "{inside}: {permitted:?}");
    }
    for outside in ["secret", "allowed/way-out", "allowed/way-out/file", "allowed/../secret", ""] {
        let refused = guard.permit(vec![Action::BackUp(place.text(outside))]).await;
        let refused = refused.expect_err(outside).to_string();
        assert!(refused.contains("policy.toml"), "{refused}");
    }
}

#[tokio::test]
async fn nothing_is_restored_over_the_policy_or_the_agent() {
    let place = Place::new();
    let guard = place.guard();
    fs::create_dir(place.path("target")).expect("a folder");
    symlink(place.path(""), place.path("target/link")).expect("a link");
    symlink(place.path("gone"), place.path("target/dangling")).expect("a link");
    for own in ["", "state", "state/x", "target/link/state", "target/dangling/x"] {
        let refused = guard.permit(vec![Action::RestoreTo(place.text(own))]).await;
        assert!(refused.is_err(), "{own}");
    }
    for above in
        ["/".to_owned(), place.path("").parent().expect("a parent").to_str().expect("text").to_owned()]
    {
        let refused = guard.permit(vec![Action::RestoreTo(above.clone())]).await;
        assert!(refused.is_err(), "a restore into {above} writes over what lies below");
    }
    let elsewhere = tempfile::tempdir().expect("a folder");
    let elsewhere = elsewhere.path().to_str().expect("a path of text").to_owned();
    assert!(guard.permit(vec![Action::RestoreTo(elsewhere)]).await.is_ok());
}

#[tokio::test]
async fn folders_of_repositories_are_followed_too() {
    let place = Place::new();
    fs::create_dir(place.path("backup")).expect("a folder");
    symlink(place.path("elsewhere"), place.path("backup/link")).expect("a link");
    fs::create_dir(place.path("elsewhere")).expect("a folder");
    place.write(&format!("repositories = [\"{}/*\"]", place.text("backup")));
    let guard = place.guard();
    let ask = |name: &str| guard.permit(vec![Action::UseRepository(place.text(name))]);
    assert!(ask("backup/web").await.is_ok());
    assert!(ask("backup/link").await.is_err());
    assert!(ask("elsewhere").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_change_is_noticed_and_holds_at_once() {
    let place = Place::new();
    let guard = place.guard();
    let mut watch = guard.watch();
    assert!(guard.permit(vec![Action::BackUp("/etc".to_owned())]).await.is_ok());
    place.write("backup_roots = [\"/home\"]");
    assert!(guard.permit(vec![Action::BackUp("/etc".to_owned())]).await.is_err());
    watch.changed().await;
    place.write("backup_roots = [\"/etc\"]");
    watch.changed().await;
    assert!(guard.permit(vec![Action::BackUp("/etc".to_owned())]).await.is_ok());
}

#[tokio::test]
async fn the_agents_own_state_is_never_backed_up() {
    let place = Place::new();
    let guard = place.guard();
    fs::create_dir(place.path("state")).expect("a folder");
    symlink(place.path(""), place.path("link")).expect("a link");
    let spared = async |path: &str| {
        let permit = guard.permit(vec![Action::BackUp(path.to_owned())]).await;
        permit.map(|permit| permit.spared)
    };
    let (whole, link) = (place.text(""), place.text("link"));
    assert_eq!(spared("/").await.expect("it may"), [place.text("state")]);
    assert_eq!(spared(&whole).await.expect("it may"), [place.text("state")]);
    assert_eq!(
        spared(&link).await.expect("it may"),
        [format!("{link}/state")],
        "named as the backup names it"
    );
    assert!(spared("/etc").await.expect("it may").is_empty());
    for own in ["state", "state/vault.key", "link/state"] {
        let refused = spared(&place.text(own)).await.expect_err(own).to_string();
        assert!(refused.contains("holds its keys"), "{refused}");
    }
}
