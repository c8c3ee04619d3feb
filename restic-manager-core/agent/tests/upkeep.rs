//! Forget, prune, check and unlock with the real restic on a repository in a folder.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use restic_manager_proto::{
    JobEnd, ReadData, Retention, SourceGroupId,
    agent::{ErrorCode, ForgetOrder, ForgetPolicy, JobOrder, Reply, ReportItem},
    vocabulary::{Cause, JobKind, JobState},
};

use crate::{
    jobs::{Scene, log},
    support::{find_restic, password, repository_order, restic},
};

fn upkeep(scene: &Scene, number: u8, kind: JobKind) -> JobOrder {
    let mut order = repository_order(number, kind, &scene.repository());
    order.repository.initialise = false;
    order
}

fn keep_last(last: u32) -> Retention {
    Retention { last: Some(last), ..Retention::default() }
}

fn forget(scene: &Scene, number: u8, dry_run: bool) -> JobOrder {
    let group = SourceGroupId::from_bytes([6; 16]);
    let policy = ForgetPolicy::new(group, "web-1", "daily", keep_last(1));
    upkeep(scene, number, JobKind::Forget).with_forget(ForgetOrder::new(vec![policy], dry_run))
}

/// Snapshots made by hand: host, then tags.
fn snapshots(scene: &Scene, made: &[(&str, &str)]) {
    restic(&scene.repository(), ["init"]);
    let source = scene.source();
    for (number, (host, tags)) in made.iter().enumerate() {
        fs::write(source.join("changing.txt"), format!("version {number}")).expect("a file");
        let (host, tags) = (format!("--host={host}"), format!("--tag={tags}"));
        restic(&scene.repository(), ["backup", &host, &tags, source.to_str().expect("text")]);
    }
}

fn count(scene: &Scene) -> usize {
    fs::read_dir(scene.repository().join("snapshots")).expect("the repository is there").count()
}

async fn done(scene: &mut Scene, order: JobOrder) -> JobEnd {
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    end
}

#[tokio::test]
async fn a_forget_thins_its_group_and_touches_nothing_else() {
    let mut scene = Scene::new().await;
    let foreign = [("web-1", "daily,kept"), ("web-2", "daily"), ("web-1", "other"), ("web-2", "daily")];
    let mut made = vec![("web-1", "daily"); 3];
    made.extend(foreign);
    snapshots(&scene, &made);

    let order = forget(&scene, 1, true);
    let planned = done(&mut scene, order).await;
    assert_eq!((planned.statistics.snapshots_removed, planned.statistics.snapshots_kept), (Some(2), Some(1)));
    assert_eq!(count(&scene), 7, "a dry run removes nothing");
    assert_eq!(log(&scene.peer).iter().filter(|(_, text)| text.starts_with("remove ")).count(), 2);

    let order = forget(&scene, 2, false);
    let end = done(&mut scene, order).await;
    assert_eq!((end.statistics.snapshots_removed, end.statistics.snapshots_kept), (Some(2), Some(1)));
    assert_eq!(count(&scene), 5);
    let left = restic(&scene.repository(), ["snapshots", "--json"]);
    for (tags, expected) in [(r#""tags":["daily","kept"]"#, 1), (r#""tags":["daily"]"#, 3), (r#""other""#, 1)]
    {
        assert_eq!(left.matches(tags).count(), expected, "{tags}");
    }
    let reported = scene.peer.heard.iter().filter_map(|(_, item)| match item {
        ReportItem::SnapshotsForgotten { snapshots, .. } => Some(snapshots.clone()),
        _ => None,
    });
    let reported: Vec<_> = reported.collect();
    assert_eq!(reported.concat().len(), 2);
    assert!(reported.concat().iter().all(|id| id.len() == 64 && !left.contains(&format!("\"id\":\"{id}\""))));

    let order = forget(&scene, 3, false);
    let again = done(&mut scene, order).await;
    assert_eq!(again.statistics.snapshots_removed, Some(0), "what is done is done");
}

#[tokio::test]
async fn empty_snapshots_take_no_good_ones_place() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily"); 2]);
    for _ in 0..2 {
        backup_of_nothing(&scene);
    }
    let good =
        restic(&scene.repository(), ["snapshots", "--json", "--latest=1", "--path", &text(&scene.source())]);
    let order = forget(&scene, 1, false);
    let end = done(&mut scene, order).await;
    assert_eq!((end.statistics.snapshots_removed, end.statistics.snapshots_kept), (Some(3), Some(1)));
    let left = restic(&scene.repository(), ["snapshots", "--json"]);
    assert_eq!(left, good, "the newest that holds something is the one that is kept");
}

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

/// A snapshot without a single file, as a command that prints nothing leaves one.
fn backup_of_nothing(scene: &Scene) {
    let status = Command::new(find_restic())
        .args(["backup", "--host=web-1", "--tag=daily", "--no-cache", "--stdin-from-command", "--", "true"])
        .env_clear()
        .env("RESTIC_REPOSITORY", scene.repository())
        .env("RESTIC_PASSWORD", password().password.expose())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .expect("restic runs")
        .status;
    assert_eq!(status.code(), Some(3), "it could not read the source, and made a snapshot all the same");
}

#[tokio::test]
async fn a_policy_that_keeps_everything_never_reaches_restic() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily"); 2]);
    let mut order = forget(&scene, 1, false);
    order.forget.as_mut().expect("policies").policies[0].retention = Retention::default();
    let reply = scene.peer.start(order, &password()).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{reply:?}");
    assert_eq!(count(&scene), 2);
}

#[tokio::test]
async fn prune_frees_room_and_check_reads_what_it_is_told() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily"); 3]);
    let order = forget(&scene, 1, false);
    done(&mut scene, order).await;
    let before = size(&scene.repository().join("data"));
    let order = upkeep(&scene, 2, JobKind::Prune);
    done(&mut scene, order).await;
    assert!(size(&scene.repository().join("data")) < before, "nothing was freed");

    let all = upkeep(&scene, 3, JobKind::Check).with_read_data(Some(ReadData::All {}));
    assert_eq!(done(&mut scene, all).await.statistics.problems, Some(0));
    let part = Some(ReadData::Part { part: 2, parts: 5 });
    let order = upkeep(&scene, 4, JobKind::Check).with_read_data(part);
    done(&mut scene, order).await;
    let commands = scene.peer.heard.iter().filter_map(|(_, item)| match item {
        ReportItem::JobStarted { command, .. } => Some(command.as_str()),
        _ => None,
    });
    let commands: Vec<_> = commands.collect();
    assert!(commands.iter().any(|command| command.contains("--read-data-subset=2/5")), "{commands:?}");

    let wrong = Some(ReadData::Part { part: 6, parts: 5 });
    let order = upkeep(&scene, 5, JobKind::Check).with_read_data(wrong);
    let reply = scene.peer.start(order, &password()).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{reply:?}");

    let pack = fs::read_dir(scene.repository().join("data"))
        .expect("data")
        .flat_map(|folder| fs::read_dir(folder.expect("an entry").path()).expect("a folder"))
        .next();
    fs::remove_file(pack.expect("a pack").expect("an entry").path()).expect("it goes");
    let order = upkeep(&scene, 6, JobKind::Check);
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::RepositoryDamaged), "{end:?}");
}

#[tokio::test]
async fn somebody_elses_lock_is_waited_for_by_name_and_left_alone() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    let mut other = backup_by_hand(&scene);
    wait_for(|| scene.locks() == 1).await;
    let order = upkeep(&scene, 1, JobKind::Prune);
    let job = order.job;
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    let says_who = |item: &ReportItem| match item {
        ReportItem::JobLog { lines, .. } => {
            lines.iter().any(|line| line.text.contains(&format!("locked by process {} on", other.id())))
        }
        _ => false,
    };
    scene.peer.until(says_who).await;
    assert_eq!(scene.locks(), 1, "it is not ours to remove");

    // It goes without removing its lock. That it was no run of this agent, and that it was at work a moment ago, leaves a doubt.
    other.kill().expect("a process to kill");
    other.wait().expect("it is gone");
    let order = upkeep(&scene, 2, JobKind::Unlock);
    assert_eq!(scene.peer.start(order.clone(), &password()).await, Reply::Ok {});
    restic(&scene.repository(), ["unlock"]);
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Succeeded);
    assert_eq!(scene.peer.end_of(order.job).await.statistics.locks_left, Some(0));
}

#[tokio::test]
async fn a_backup_names_the_snapshot_to_compare_with_and_does_without_one_that_is_gone() {
    let mut scene = Scene::new().await;
    let order = scene.backup(1, &scene.source());
    let first = scene.run(order, &password()).await.statistics.snapshot.expect("a snapshot");
    // Other paths, the same group: restic by itself would find nothing to compare with.
    let mut order = scene.backup(2, &scene.source());
    order
        .source
        .as_mut()
        .expect("a source")
        .includes
        .push(scene.source().join("one.txt").display().to_string());
    let end = scene.run(order, &password()).await;
    assert_eq!(end.statistics.files_new, 0, "{end:?}");
    assert!(started(&scene, 2).contains(&format!("--parent={first}")), "{}", started(&scene, 2));

    for id in [end.statistics.snapshot.expect("a snapshot"), first] {
        restic(&scene.repository(), ["forget", &id]);
    }
    // restic takes a snapshot that is gone from its cache all the same.
    fs::remove_dir_all(scene.host.config.cache_folder()).expect("restic's cache");
    let order = scene.backup(3, &scene.source());
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.statistics.files_new), (JobState::Succeeded, 1), "{end:?}");
}

fn started(scene: &Scene, number: u8) -> String {
    let wanted = restic_manager_proto::JobId::from_bytes([number; 16]);
    let mut commands = scene.peer.heard.iter().filter_map(|(_, item)| match item {
        ReportItem::JobStarted { job, command, .. } if *job == wanted => Some(command.clone()),
        _ => None,
    });
    commands.next_back().unwrap_or_default()
}

/// A restic that holds a lock for longer than any test lasts.
fn backup_by_hand(scene: &Scene) -> Child {
    Command::new(find_restic())
        .args(["backup", "--no-cache"])
        .arg(scene.endless())
        .env_clear()
        .env("RESTIC_REPOSITORY", scene.repository())
        .env("RESTIC_PASSWORD", password().password.expose())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("restic runs")
}

async fn wait_for(condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it happens");
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().expect("a file").len() }).sum()
}
