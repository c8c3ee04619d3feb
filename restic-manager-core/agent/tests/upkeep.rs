//! Forget, prune, check and unlock with the real restic on a repository in a folder.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use restic_manager_proto::{
    JobEnd, ReadData, Retention, SourceGroupId,
    agent::{ErrorCode, ForgetOrder, ForgetPolicy, JobOrder, Reply, ReportItem, Task},
    vocabulary::{Cause, JobState, RepositoryState},
};

use crate::{
    jobs::{Scene, checks, log},
    support::{find_restic, password, repository_order, restic},
};

fn upkeep(scene: &Scene, number: u8, task: Task) -> JobOrder {
    let mut order = repository_order(number, task, &scene.repository());
    order.repository.initialise = false;
    order
}

fn policies(order: &mut JobOrder) -> &mut Vec<ForgetPolicy> {
    match &mut order.task {
        Task::Forget { forget } => &mut forget.policies,
        task => unreachable!("no forget: {task:?}"),
    }
}

fn keep_last(last: u32) -> Retention {
    Retention { last: Some(last), ..Retention::default() }
}

fn forget(scene: &Scene, number: u8, dry_run: bool) -> JobOrder {
    let group = SourceGroupId::from_bytes([6; 16]);
    let policy = ForgetPolicy::new(group, "web-1", "daily", keep_last(1));
    upkeep(scene, number, Task::Forget { forget: ForgetOrder::new(vec![policy], dry_run) })
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

/// A snapshot of a time that has not come, as a host leaves whose clock was wrong for a minute.
fn backup_from_the_future(scene: &Scene, tag: &str) -> String {
    let (tag, source) = (format!("--tag={tag}"), text(&scene.source()));
    let said = restic(
        &scene.repository(),
        ["backup", "--host=web-1", &tag, "--time=2101-01-01 00:00:00", "--json", &source],
    );
    let (_, id) = said.rsplit_once(r#""snapshot_id":""#).expect("an id");
    id[..64].to_owned()
}

#[tokio::test]
async fn a_snapshot_from_the_future_pushes_out_nothing() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily"), ("web-1", "daily"), ("web-1", "hourly"), ("web-1", "hourly")]);
    let ahead = backup_from_the_future(&scene, "daily");
    let mut order = forget(&scene, 1, false);
    let group = SourceGroupId::from_bytes([7; 16]);
    let hourly = ForgetPolicy::new(group, "web-1", "hourly", keep_last(1));
    policies(&mut order).push(hourly);
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::FutureSnapshot), "{end:?}");
    assert!(end.detail.contains(&ahead[..8]), "{end:?}");
    assert_eq!(end.statistics.snapshots_removed, Some(1), "the other policy was applied");
    let left = restic(&scene.repository(), ["snapshots", "--json"]);
    assert_eq!(left.matches(r#""daily""#).count(), 3, "none of the group's was removed");

    restic(&scene.repository(), ["forget", &ahead]);
    let order = forget(&scene, 2, false);
    assert_eq!(done(&mut scene, order).await.statistics.snapshots_removed, Some(1));
}

#[tokio::test]
async fn a_snapshot_from_the_future_is_no_parent() {
    let mut scene = Scene::new().await;
    let order = scene.backup(1, &scene.source());
    let first = scene.run(order, &password()).await.statistics.snapshot.expect("a snapshot");
    let ahead = backup_from_the_future(&scene, "daily");
    for number in [2, 3] {
        let order = scene.backup(number, &scene.source());
        let end = scene.run(order, &password()).await;
        assert_eq!(end.statistics.files_new, 0, "{end:?}");
        assert!(!started(&scene, number).contains(&ahead), "{}", started(&scene, number));
    }
    assert!(started(&scene, 2).contains(&format!("--parent={first}")), "{}", started(&scene, 2));
    let listed = scene.peer.heard.iter().rev().find_map(|(_, item)| match item {
        ReportItem::Snapshots { snapshots, at, .. } => Some((snapshots.clone(), *at)),
        _ => None,
    });
    let (listed, at) = listed.expect("a listing");
    let counted = listed.iter().filter(|snapshot| snapshot.counts(at)).count();
    assert_eq!((listed.len(), counted), (4, 3), "it is told all the same");
}

#[tokio::test]
async fn a_listing_says_what_is_empty() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    backup_of_nothing(&scene);
    let order = scene.backup(1, &scene.source());
    scene.run(order, &password()).await;
    let empty = scene.peer.heard.iter().rev().find_map(|(_, item)| match item {
        ReportItem::Snapshots { snapshots, .. } => {
            Some(snapshots.iter().map(|snapshot| snapshot.empty).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(empty, Some(vec![false, true, false]));
}

#[tokio::test]
async fn a_lock_that_somebody_has_looked_at_is_removed_and_no_other() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    // Two strangers on this machine go without removing their locks.
    let mut others = [backup_by_hand(&scene), backup_by_hand(&scene)];
    wait_for(|| scene.locks() == 2).await;
    for other in &mut others {
        other.kill().expect("a process to kill");
        other.wait().expect("it is gone");
    }
    let order = upkeep(&scene, 1, Task::Unlock { locks: Vec::new() });
    let told = done(&mut scene, order).await.statistics;
    assert_eq!((told.locks_removed, told.locks_left, told.locks.len()), (Some(0), Some(2), 2));
    let lock =
        |process: u32| told.locks.iter().find(|lock| lock.process == u64::from(process)).expect("told");
    let ids = [lock(others[0].id()).id.clone(), lock(others[1].id()).id.clone()];
    assert!(told.locks.iter().all(|lock| lock.stale_at == lock.refreshed_at), "their processes are gone");

    let order = upkeep(&scene, 2, Task::Unlock { locks: vec![ids[0].clone()] });
    let told = done(&mut scene, order).await.statistics;
    assert_eq!((told.locks_removed, told.locks_left), (Some(0), Some(2)), "the other would go with it");
    let order = upkeep(&scene, 3, Task::Unlock { locks: ids.to_vec() });
    let told = done(&mut scene, order).await.statistics;
    assert_eq!((told.locks_removed, told.locks_left), (Some(2), Some(0)));
    assert_eq!(scene.locks(), 0);
}

#[tokio::test]
async fn a_living_lock_is_removed_by_nobody_whoever_asks() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    let mut other = backup_by_hand(&scene);
    wait_for(|| scene.locks() == 1).await;
    let order = upkeep(&scene, 1, Task::Unlock { locks: Vec::new() });
    let told = done(&mut scene, order).await.statistics;
    let order = upkeep(&scene, 2, Task::Unlock { locks: vec![told.locks[0].id.clone()] });
    assert_eq!(done(&mut scene, order).await.statistics.locks_left, Some(1));
    assert_eq!(scene.locks(), 1);
    let is_told = |item: &ReportItem| match item {
        ReportItem::JobLog { lines, .. } => lines.iter().any(|line| line.text.contains("ask again after")),
        _ => false,
    };
    assert!(scene.peer.heard.iter().any(|(_, item)| is_told(item)));
    other.kill().expect("a process to kill");
    other.wait().expect("it is gone");
}

#[tokio::test]
async fn what_was_locked_when_a_host_was_cut_off_is_cleared_by_its_next_job_there() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    scene.run_endless(1).await;
    // It goes with the agent; neither has time to remove its lock.
    let folder = scene.repository().join("locks");
    let names = || -> Vec<_> {
        let locks = fs::read_dir(&folder).expect("locks");
        locks.map(|lock| lock.expect("a lock").file_name()).collect()
    };
    let before = names();
    let mut cut = backup_by_hand(&scene);
    wait_for(|| scene.locks() == 2).await;
    let dead: Vec<_> = names().into_iter().filter(|name| !before.contains(name)).collect();
    cut.kill().expect("a process to kill");
    cut.wait().expect("it is gone");
    scene.agent.crash().await;
    drop(scene.peer);

    scene.agent = scene.host.start(&scene.server);
    scene.peer = scene.server.accept().await;
    scene.peer.inventory().await;
    // A backup works beside such a lock; that it is gone afterwards is for the upkeep on other hosts.
    let order = scene.backup(2, &scene.source());
    done(&mut scene, order).await;
    assert!(dead.len() == 1 && !names().contains(&dead[0]), "{:?}", names());
}

#[tokio::test]
async fn a_repository_whose_making_was_broken_off_is_made_anew_when_that_is_asked_for() {
    let mut scene = Scene::new().await;
    restic(&scene.repository(), ["init"]);
    fs::remove_file(scene.repository().join("config")).expect("a config");
    let look = |number| repository_order(number, Task::CheckRepository {}, &scene.repository());
    let (first, mut second, third) = (look(1), look(2), look(3));
    let end = scene.run(first, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::RepositoryUnfinished), "{end:?}");
    assert_eq!(checks(&scene.peer), [RepositoryState::Unfinished]);
    let keys = || fs::read_dir(scene.repository().join("keys")).expect("keys").count();
    assert_eq!(keys(), 1, "nothing is removed that nobody asked for");

    second.repository = second.repository.made_anew();
    done(&mut scene, second).await;
    assert_eq!(checks(&scene.peer).last(), Some(&RepositoryState::Ready));
    done(&mut scene, third).await;
    let order = scene.backup(4, &scene.source());
    done(&mut scene, order).await;
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
    policies(&mut order)[0].retention = Retention::default();
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
    let order = upkeep(&scene, 2, Task::Prune {});
    done(&mut scene, order).await;
    assert!(size(&scene.repository().join("data")) < before, "nothing was freed");

    let all = upkeep(&scene, 3, Task::Check { read_data: Some(ReadData::All {}) });
    assert_eq!(done(&mut scene, all).await.statistics.problems, Some(0));
    let part = Some(ReadData::Part { part: 2, parts: 5 });
    let order = upkeep(&scene, 4, Task::Check { read_data: part });
    done(&mut scene, order).await;
    let commands = scene.peer.heard.iter().filter_map(|(_, item)| match item {
        ReportItem::JobStarted { command, .. } => Some(command.as_str()),
        _ => None,
    });
    let commands: Vec<_> = commands.collect();
    assert!(commands.iter().any(|command| command.contains("--read-data-subset=2/5")), "{commands:?}");

    let wrong = Some(ReadData::Part { part: 6, parts: 5 });
    let order = upkeep(&scene, 5, Task::Check { read_data: wrong });
    let reply = scene.peer.start(order, &password()).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{reply:?}");

    let pack = fs::read_dir(scene.repository().join("data"))
        .expect("data")
        .flat_map(|folder| fs::read_dir(folder.expect("an entry").path()).expect("a folder"))
        .next();
    fs::remove_file(pack.expect("a pack").expect("an entry").path()).expect("it goes");
    let order = upkeep(&scene, 6, Task::Check { read_data: None });
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::RepositoryDamaged), "{end:?}");
}

#[tokio::test]
async fn somebody_elses_lock_is_waited_for_by_name_and_left_alone() {
    let mut scene = Scene::new().await;
    snapshots(&scene, &[("web-1", "daily")]);
    let mut other = backup_by_hand(&scene);
    wait_for(|| scene.locks() == 1).await;
    let order = upkeep(&scene, 1, Task::Prune {});
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
    let order = upkeep(&scene, 2, Task::Unlock { locks: Vec::new() });
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
    order.source_mut().expect("a source").includes.push(scene.source().join("one.txt").display().to_string());
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
