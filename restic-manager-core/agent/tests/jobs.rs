//! Jobs with the real restic on a repository in a folder.

use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
};

use restic_manager_agent::link::IfEnrolled;
use restic_manager_proto::{
    JobEnd, JobId, RepositoryId, RepositorySecrets, SecretText, SourceGroupId, Timestamp,
    TransportCredential,
    agent::{ErrorCode, JobOrder, KnownJob, Message, Reply, ReportItem, SourceOrder, Task},
    vocabulary::{Cause, JobState, LogStream, RepositoryState},
};

use crate::support::{
    Peer, TestAgent, TestHost, TestServer, backup_of, find_restic, password, repository_order, restic,
};

/// An agent with the real restic, connected, and a place for its files.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) host: TestHost,
    pub(crate) agent: TestAgent,
    pub(crate) peer: Peer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::of(find_restic()).await
    }

    /// The same with a certain restic.
    pub(crate) async fn of(restic: PathBuf) -> Self {
        let mut server = TestServer::of_today();
        let mut host = TestHost::new(server.fingerprint());
        host.config.restic = Some(restic);
        host.enrol(&mut server, IfEnrolled::Refuse).await.expect("the host enrols");
        let agent = host.start(&server);
        let mut peer = server.accept().await;
        peer.inventory().await;
        Self { server, host, agent, peer }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.host.folder.path().join(name)
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    /// A folder with two files.
    pub(crate) fn source(&self) -> PathBuf {
        let source = self.path("source");
        fs::create_dir_all(&source).expect("a folder");
        fs::write(source.join("one.txt"), "one").expect("a file");
        fs::write(source.join("two.txt"), "two").expect("a file");
        source
    }

    /// A file that takes restic far longer to read than any test lasts, and no room.
    pub(crate) fn endless(&self) -> PathBuf {
        let path = self.path("endless");
        let file = fs::File::create(&path).expect("a file");
        file.set_len(1 << 40).expect("a sparse file");
        path
    }

    pub(crate) fn backup(&self, number: u8, include: &Path) -> JobOrder {
        backup(number, &self.repository(), include)
    }

    /// Orders a job and waits for its end.
    pub(crate) async fn run(&mut self, order: JobOrder, secrets: &RepositorySecrets) -> JobEnd {
        let job = order.job;
        assert_eq!(self.peer.start(order, secrets).await, Reply::Ok {});
        self.peer.end_of(job).await
    }

    /// Orders a backup without end and waits until restic has read some of it.
    pub(crate) async fn run_endless(&mut self, number: u8) -> JobId {
        let order = self.backup(number, &self.endless());
        let job = order.job;
        assert_eq!(self.peer.start(order, &password()).await, Reply::Ok {});
        loop {
            let (of, progress) = self.peer.progress().await;
            if of == job && progress.bytes_done > 0 {
                return job;
            }
        }
    }

    pub(crate) fn locks(&self) -> usize {
        fs::read_dir(self.repository().join("locks")).expect("the repository is there").count()
    }
}

fn backup(number: u8, repository: &Path, include: &Path) -> JobOrder {
    let include = include.to_str().expect("a path of text").to_owned();
    let (group, excludes) = (SourceGroupId::from_bytes([6; 16]), vec!["two.*".to_owned()]);
    let source = SourceOrder::new(group, "files", vec![include], excludes, "daily");
    repository_order(number, backup_of(source), repository)
}

pub(crate) fn checks(peer: &Peer) -> Vec<RepositoryState> {
    let state = |(_, item): &(u64, ReportItem)| match item {
        ReportItem::RepositoryChecked { state, .. } => Some(*state),
        _ => None,
    };
    peer.heard.iter().filter_map(state).collect()
}

pub(crate) fn log(peer: &Peer) -> Vec<(LogStream, String)> {
    let mut lines = Vec::new();
    for (_, item) in &peer.heard {
        if let ReportItem::JobLog { lines: some, .. } = item {
            lines.extend(some.iter().map(|line| (line.sequence, line.stream, line.text.clone())));
        }
    }
    let numbers: Vec<_> = lines.iter().map(|line| line.0).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "lines are numbered without gaps");
    lines.into_iter().map(|(_, stream, text)| (stream, text)).collect()
}

#[tokio::test]
async fn a_backup_makes_the_repository_and_tells_all_about_it() {
    let mut scene = Scene::new().await;
    let order = scene.backup(1, &scene.source());
    let end = scene.run(order.clone(), &password()).await;

    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    assert_eq!((end.exit_code, end.lock_left), (Some(0), false));
    assert_eq!((end.statistics.files_new, end.statistics.snapshots_seen), (1, Some(1)));
    assert!(end.statistics.peak_memory_bytes.is_some_and(|bytes| bytes > 1024 * 1024), "{end:?}");
    assert_eq!(checks(&scene.peer), [RepositoryState::Ready]);

    let kinds: Vec<_> = scene.peer.heard.iter().map(|(_, item)| core::mem::discriminant(item)).collect();
    let ReportItem::JobStarted { command, .. } = &scene.peer.heard[0].1 else {
        panic!("not a start: {kinds:?}")
    };
    assert!(command.contains("backup") && command.contains("--tag=daily"), "{command}");
    assert!(!command.contains(password().password.expose()), "{command}");

    let snapshots: Vec<_> = scene
        .peer
        .heard
        .iter()
        .filter_map(|(_, item)| match item {
            ReportItem::Snapshots { snapshots, part: 0, last: true, .. } => Some(snapshots.clone()),
            _ => None,
        })
        .collect();
    let [listing] = &snapshots[..] else { panic!("one listing: {snapshots:?}") };
    assert_eq!(Some(&listing[0].id), end.statistics.snapshot.as_ref());
    assert_eq!((listing[0].hostname.as_str(), &listing[0].tags[..]), ("web-1", &["daily".to_owned()][..]));
    assert!(restic(&scene.repository(), ["snapshots"]).contains(&listing[0].id[..8]));
    assert!(log(&scene.peer).iter().any(|(_, text)| text.contains("the repository was made")));

    let before = scene.peer.heard.len();
    let next = scene.backup(2, &scene.source());
    assert_eq!(scene.run(next, &password()).await.statistics.snapshots_seen, Some(2));
    assert!(scene.peer.heard.len() > before);
    assert_eq!(checks(&scene.peer), [RepositoryState::Ready; 2]);
}

#[tokio::test]
async fn a_job_that_is_known_is_not_run_twice() {
    let mut scene = Scene::new().await;
    let order = scene.backup(1, &scene.source());
    assert_eq!(scene.peer.start(order.clone(), &password()).await, Reply::Ok {});
    // Also when it can no longer be read.
    assert_eq!(scene.peer.ask(Message::StartJob(Box::new(order.clone()))).await, Reply::Ok {});
    scene.peer.end_of(order.job).await;
    let starts = scene.peer.heard.iter().filter(|(_, item)| matches!(item, ReportItem::JobStarted { .. }));
    assert_eq!(starts.count(), 1);
    let end = scene.run(scene.backup(2, &scene.source()), &password()).await;
    assert_eq!(end.statistics.snapshots_seen, Some(2));
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused_before_anything_is_done() {
    let mut scene = Scene::new().await;
    let good = scene.backup(1, &scene.source());
    let mut late = good.clone();
    late.deadline_at = Timestamp::from_milliseconds(0);
    let mut empty = good.clone();
    empty.source_mut().expect("a source").includes.clear();
    let mut relative = good.clone();
    relative.source_mut().expect("a source").includes = vec!["etc".to_owned()];
    for (order, expected) in
        [(late, ErrorCode::Expired), (empty, ErrorCode::Invalid), (relative, ErrorCode::Invalid)]
    {
        let reply = scene.peer.start(order, &password()).await;
        assert!(matches!(&reply, Reply::Error { code, .. } if *code == expected), "{reply:?}");
    }
    let reply = scene.peer.ask(Message::StartJob(Box::new(good))).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::SecretUnreadable, .. }), "{reply:?}");
    assert!(!scene.repository().exists());
    assert!(scene.peer.heard.is_empty());
}

#[tokio::test]
async fn missing_wrong_password_and_unreachable_are_told_apart() {
    let mut scene = Scene::new().await;
    let mut order = repository_order(1, Task::CheckRepository {}, &scene.repository());
    order.repository.initialise = false;
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::RepositoryMissing), "{end:?}");
    assert!(!scene.repository().exists(), "nobody said that it may be made");

    let end =
        scene.run(repository_order(2, Task::CheckRepository {}, &scene.repository()), &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");

    let wrong = RepositorySecrets::new(SecretText::new("not the password"), None);
    let end = scene.run(scene.backup(3, &scene.source()), &wrong).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::WrongPassword), "{end:?}");
    assert!(!end.detail.is_empty() && !end.detail.contains("not the password"), "{end:?}");

    // Nobody listens on a port that was just given back.
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let mut order = repository_order(4, Task::CheckRepository {}, Path::new("/"));
    order.repository.location = format!("rest:http://{free}/");
    // restic from 0.18 on would try for 15 minutes.
    order.deadline_at = scene.server.clock.now().after(Duration::from_secs(540));
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::Unreachable), "{end:?}");

    use RepositoryState::{Missing, Ready, Unreachable, WrongPassword};
    assert_eq!(checks(&scene.peer), [Missing, Ready, WrongPassword, Unreachable]);
}

#[tokio::test]
async fn what_cannot_be_read_makes_a_backup_incomplete() {
    let mut scene = Scene::new().await;
    // Not even root can read this one.
    let mut order = scene.backup(1, &scene.source());
    order.source_mut().expect("a source").includes.push("/proc/self/mem".to_owned());
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Incomplete, Cause::SourceUnreadable), "{end:?}");
    assert_eq!((end.exit_code, end.statistics.snapshots_seen), (Some(3), Some(1)));
    assert!(end.statistics.errors > 0 && end.statistics.snapshot.is_some(), "{end:?}");
    let errors: Vec<_> =
        log(&scene.peer).into_iter().filter(|(stream, _)| *stream == LogStream::Stderr).collect();
    assert!(errors.iter().any(|(_, text)| text.contains("/proc/self/mem")), "{errors:?}");

    let mut order = scene.backup(2, &scene.source());
    let gone = scene.path("gone").to_str().expect("text").to_owned();
    order.source_mut().expect("a source").includes.push(gone);
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Incomplete, Cause::SourceUnreadable), "{end:?}");

    let order = scene.backup(3, &scene.path("gone"));
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::SourceMissing), "{end:?}");
}

#[tokio::test]
async fn cancelling_works_while_waiting_and_while_running_and_leaves_no_lock() {
    let mut scene = Scene::new().await;
    let running = scene.run_endless(1).await;
    assert_eq!(scene.locks(), 1);
    let waiting = scene.backup(2, &scene.source());
    assert_eq!(scene.peer.start(waiting.clone(), &password()).await, Reply::Ok {});

    assert_eq!(scene.peer.ask(Message::CancelJob { job: waiting.job }).await, Reply::Ok {});
    let end = scene.peer.end_of(waiting.job).await;
    assert_eq!((end.state, end.cause), (JobState::Cancelled, Cause::Cancelled));
    let started = |(_, item): &(u64, ReportItem)| matches!(item, ReportItem::JobStarted { job, .. } if *job == waiting.job);
    assert!(!scene.peer.heard.iter().any(started), "it never ran");

    assert_eq!(scene.peer.ask(Message::CancelJob { job: running }).await, Reply::Ok {});
    let end = scene.peer.end_of(running).await;
    assert_eq!((end.state, end.cause), (JobState::Cancelled, Cause::Cancelled), "{end:?}");
    assert!(!end.lock_left, "{end:?}");
    assert_eq!(scene.locks(), 0);

    let unknown = scene.peer.ask(Message::CancelJob { job: JobId::from_bytes([77; 16]) }).await;
    assert!(matches!(unknown, Reply::Error { code: ErrorCode::UnknownJob, .. }));
    // The way is free for the next one.
    let end = scene.run(scene.backup(3, &scene.source()), &password()).await;
    assert_eq!(end.state, JobState::Succeeded, "{end:?}");
}

#[tokio::test]
async fn cancelling_works_while_the_repository_is_looked_at() {
    let mut scene = Scene::new().await;
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut order = scene.backup(1, &scene.source());
    order.repository.location = format!("rest:http://{}/", silent.local_addr().expect("a port"));
    let job = order.job;
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    scene.peer.until(|item| matches!(item, ReportItem::JobStarted { .. })).await;
    assert_eq!(scene.peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    let end = scene.peer.end_of(job).await;
    assert_eq!((end.state, end.cause), (JobState::Cancelled, Cause::Cancelled), "{end:?}");
    assert_eq!(checks(&scene.peer), [], "nothing was found out");
}

#[cfg(unix)]
#[tokio::test]
async fn a_cancel_while_the_snapshots_are_listed_does_not_undo_the_backup() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut scene = Scene::new().await;
    // The real restic, but for a listing that takes for ever.
    let slow = scene.path("slow restic");
    let reached = scene.path("listing");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in snapshots*) : >'{}'; exec sleep 600;; esac\nexec '{}' \"$@\"\n",
        reached.display(),
        find_restic().display()
    );
    fs::write(&slow, script).expect("a file");
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).expect("a mode");
    scene.agent.shutdown.request();
    scene.peer.farewell().await;
    scene.agent.ended().await;
    scene.host.config.restic = Some(slow);
    let _agent = scene.host.start(&scene.server);
    let mut peer = scene.server.accept().await;
    peer.inventory().await;

    let source = scene.host.folder.path().join("source");
    fs::create_dir(&source).expect("a folder");
    let order = backup(1, &scene.host.folder.path().join("repository"), &source);
    let job = order.job;
    assert_eq!(peer.start(order, &password()).await, Reply::Ok {});
    while !reached.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    let end = peer.end_of(job).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    assert!(end.statistics.snapshot.is_some() && end.statistics.snapshots_seen.is_none(), "{end:?}");
    assert!(log(&peer).iter().any(|(_, text)| text.contains("could not be listed")));
}

#[tokio::test]
async fn a_job_ends_at_its_deadline() {
    let mut scene = Scene::new().await;
    let endless = scene.endless();
    let mut order = scene.backup(1, &endless);
    order.deadline_at = scene.server.clock.now().after(Duration::from_secs(3));
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::DeadlineExceeded), "{end:?}");
    assert_eq!(scene.locks(), 0);
}

#[tokio::test]
async fn a_stop_interrupts_what_runs_and_tells_how_it_ended() {
    let mut scene = Scene::new().await;
    let running = scene.run_endless(1).await;
    let waiting = scene.backup(2, &scene.source());
    scene.peer.start(waiting, &password()).await;
    scene.agent.shutdown.request();
    let end = scene.peer.end_of(running).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentStopped), "{end:?}");
    let locks = scene.repository().join("locks");
    assert!(scene.peer.farewell().await.to_string().contains("1001"));
    scene.agent.ended().await;
    assert_eq!(fs::read_dir(locks).expect("it is there").count(), 0);

    // What waited was never begun, so the server may send it again.
    let _agent = scene.host.start(&scene.server);
    let known = scene.server.accept().await.inventory().await;
    assert!(known.iter().all(|known| known.job == running && known.state.is_end()), "{known:?}");
}

#[tokio::test]
async fn a_crash_in_the_middle_is_told_once_after_the_next_start() {
    let mut scene = Scene::new().await;
    let running = scene.run_endless(1).await;
    scene.agent.crash().await;
    drop(scene.peer);

    let _agent = scene.host.start(&scene.server);
    let mut peer = scene.server.accept().await;
    assert_eq!(peer.inventory().await, [KnownJob::new(running, JobState::Failed)]);
    let end = peer.end_of(running).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentStopped), "{end:?}");
    assert!(end.lock_left);
    let ends = peer.heard.iter().filter(|(_, item)| matches!(item, ReportItem::JobEnded { .. }));
    assert_eq!(ends.count(), 1);
}

#[tokio::test]
async fn a_job_goes_on_while_the_server_is_away() {
    let mut scene = Scene::new().await;
    let order = scene.backup(1, &scene.source());
    assert_eq!(scene.peer.start(order.clone(), &password()).await, Reply::Ok {});
    drop(scene.peer);
    let mut peer = scene.server.accept().await;
    peer.inventory().await;
    assert_eq!(peer.end_of(order.job).await.state, JobState::Succeeded);
    let numbers: Vec<_> = peer.heard.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (numbers[0]..numbers[0] + numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn jobs_on_two_repositories_run_side_by_side() {
    let mut scene = Scene::new().await;
    let running = scene.run_endless(1).await;
    let mut other = scene.backup(2, &scene.source());
    other.repository.id = RepositoryId::from_bytes([4; 16]);
    other.repository.location = scene.path("other").to_str().expect("text").to_owned();
    assert_eq!(scene.run(other, &password()).await.state, JobState::Succeeded);
    scene.peer.ask(Message::CancelJob { job: running }).await;
    assert_eq!(scene.peer.end_of(running).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_host_without_restic_says_so() {
    let mut server = TestServer::new();
    let (host, _agent, mut peer) = TestHost::connected(&mut server).await;
    let order = repository_order(1, Task::CheckRepository {}, &host.folder.path().join("repository"));
    let job = order.job;
    assert_eq!(peer.start(order, &password()).await, Reply::Ok {});
    let end = peer.end_of(job).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::ResticMissing), "{end:?}");
    assert!(end.detail.contains("install"), "{end:?}");
}

#[tokio::test]
async fn a_credential_that_does_not_fit_is_refused() {
    let mut scene = Scene::new().await;
    let variables = [("LD_PRELOAD".to_owned(), SecretText::new("/tmp/evil.so"))].into();
    let credential = TransportCredential::Environment { variables };
    let secrets = RepositorySecrets::new(password().password, Some(credential));
    let end = scene.run(scene.backup(1, &scene.source()), &secrets).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(!scene.repository().exists());
}

#[tokio::test]
async fn no_secret_of_a_repository_reaches_the_disk_or_the_wire_in_plain() {
    let mut scene = Scene::new().await;
    let end = scene.run(scene.backup(1, &scene.source()), &password()).await;
    assert_eq!(end.state, JobState::Succeeded);
    let secret = password().password;
    let heard = format!("{:?}", scene.peer.heard);
    assert!(!heard.contains(secret.expose()));
    let mut folders = vec![scene.host.config.state_folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder reads") {
            let path = entry.expect("the folder reads").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).expect("the file reads");
                let found =
                    content.windows(secret.expose().len()).any(|part| part == secret.expose().as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn a_job_waits_for_a_disk_that_recovers() {
    let mut scene = Scene::new().await;
    // The book cannot be written while something else stands where it is made.
    let obstacle = scene.host.config.state_folder.join("jobs.json.tmp");
    fs::create_dir(&obstacle).expect("a folder");
    let order = scene.backup(1, &scene.source());
    let job = order.job;
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    assert!(matches!(
        scene.peer.ask(Message::CancelJob { job: JobId::from_bytes([7; 16]) }).await,
        Reply::Error { .. }
    ));
    assert!(scene.peer.heard.is_empty(), "nothing starts that could not be told after a crash");
    fs::remove_dir(&obstacle).expect("it is empty");
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Succeeded);
}

/// A policy that lets nothing but one folder and one repository be used; the tests may run as anybody.
fn policy(host: &TestHost, backup: &str, repository: &str) {
    let text = format!("backup_roots = [\"{backup}\"]\nrepositories = [\"{repository}\"]\n");
    restic_manager_agent::files::write(&host.policy_path(), text.as_bytes()).expect("the policy is written");
}

#[tokio::test]
async fn what_the_policy_forbids_is_not_begun() {
    let mut scene = Scene::new().await;
    let source = scene.source();
    let (allowed, repository) = (source.display().to_string(), scene.repository().display().to_string());
    policy(&scene.host, &allowed, &repository);
    std::os::unix::fs::symlink("/etc", source.join("way-out")).expect("a link");

    for include in ["/etc".into(), source.join("way-out"), source.join("../endless")] {
        let number = 1 + u8::try_from(scene.peer.heard.len()).expect("few items");
        let order = scene.backup(number, &include);
        let end = scene.run(order, &password()).await;
        assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
        assert!(end.detail.contains(&allowed) && end.detail.contains("policy.toml"), "{end:?}");
    }
    let elsewhere = repository_order(90, Task::CheckRepository {}, &scene.path("elsewhere"));
    let end = scene.run(elsewhere, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(!scene.repository().exists() && !scene.path("elsewhere").exists(), "restic was not run");

    let order = scene.backup(91, &source);
    let end = scene.run(order, &password()).await;
    assert_eq!(end.state, JobState::Succeeded, "{end:?}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_trusted_stops_everything() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut scene = Scene::new().await;
    let source = scene.source();
    policy(&scene.host, "/", "/**");
    fs::set_permissions(scene.host.policy_path(), fs::Permissions::from_mode(0o666))
        .expect("the mode is set");
    let order = scene.backup(1, &source);
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(end.detail.contains("chmod go-w"), "{end:?}");
}
