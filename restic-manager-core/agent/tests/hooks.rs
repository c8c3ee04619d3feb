//! Scripts around backups, backups of what commands print, and speed limits, with the real restic.

use std::{fs, path::PathBuf};

use restic_manager_proto::{
    Bandwidth, CommandSource, Hook, Hooks, JobEnd, SecretText, SourceGroupId,
    agent::{ErrorCode, JobOrder, Message, Reply, ReportItem, SourceOrder},
    vocabulary::{Cause, JobState, LogStream, Shell},
};

use crate::{
    jobs::{Scene, log},
    support::{backup_of, password, repository_order, restic},
};

fn hook(script: impl Into<String>) -> Hook {
    Hook { shell: Shell::Sh, script: SecretText::new(script), timeout_seconds: 60 }
}

fn around(pre: &str, post: &str) -> Hooks {
    let some = |script: &str| (!script.is_empty()).then(|| hook(script));
    Hooks { pre: some(pre), post: some(post) }
}

/// A host whose policy file says this of hooks.
async fn scene(hooks: &str) -> Scene {
    let scene = Scene::new().await;
    fs::write(scene.host.policy_path(), format!("hooks = {hooks}\n")).expect("a policy");
    scene
}

async fn run(scene: &mut Scene, order: JobOrder, hooks: &Hooks) -> JobEnd {
    let order = scene.peer.with_hooks(order, hooks);
    scene.run(order, &password()).await
}

fn note(scene: &Scene) -> String {
    fs::read_to_string(scene.path("note")).unwrap_or_default()
}

/// A script that notes what it was told.
fn telling(scene: &Scene, word: &str) -> String {
    let line = "$RM_JOB_ID $RM_JOB_STATUS $RM_HOST $RM_SOURCE_GROUP [$RM_SNAPSHOT_ID]";
    format!("echo {word} \"{line}\" >> {}", scene.path("note").display())
}

#[tokio::test]
async fn both_run_around_the_backup_and_are_told_about_it() {
    let mut scene = scene("\"any\"").await;
    let (source, note_of) = (scene.source(), telling);
    // What the script before makes is backed up.
    let pre =
        format!("{}\necho made; echo odd >&2; echo dump > {}/dump", note_of(&scene, "pre"), source.display());
    let hooks = around(&pre, &note_of(&scene, "post"));
    let order = scene.backup(1, &source);
    let job = order.job;
    let end = run(&mut scene, order, &hooks).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    let snapshot = end.statistics.snapshot.expect("a snapshot");
    assert_eq!(
        note(&scene),
        format!("pre {job} running web-1 files []\npost {job} succeeded web-1 files [{snapshot}]\n")
    );
    assert!(restic(&scene.repository(), ["ls", "latest"]).contains("/source/dump"));
    let lines = log(&scene.peer);
    assert!(lines.contains(&(LogStream::Stdout, "pre-hook: made".to_owned())), "{lines:?}");
    assert!(lines.contains(&(LogStream::Stderr, "pre-hook: odd".to_owned())), "{lines:?}");
}

#[tokio::test]
async fn a_failing_pre_hook_stops_the_backup_and_the_post_hook_runs() {
    let mut scene = scene("\"any\"").await;
    let hooks = around("echo no room; exit 3", &telling(&scene, "post"));
    let order = scene.backup(1, &scene.source());
    let job = order.job;
    let end = run(&mut scene, order, &hooks).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::HookFailed), "{end:?}");
    assert!(end.detail.contains("exit code 3") && end.detail.contains("no room"), "{end:?}");
    assert_eq!(note(&scene), format!("post {job} failed web-1 files []\n"));
    assert_eq!(restic(&scene.repository(), ["snapshots", "--json"]).trim(), "[]");
}

#[tokio::test]
async fn the_post_hook_runs_after_a_repository_that_does_not_open() {
    let mut scene = scene("\"any\"").await;
    let hooks = around(&telling(&scene, "pre"), &telling(&scene, "post"));
    let mut order = scene.backup(1, &scene.source());
    order.repository.initialise = false;
    let job = order.job;
    let end = run(&mut scene, order, &hooks).await;
    assert_eq!(end.cause, Cause::RepositoryMissing, "{end:?}");
    assert_eq!(note(&scene), format!("post {job} failed web-1 files []\n"), "nothing was stopped in vain");
}

#[tokio::test]
async fn a_failing_post_hook_leaves_the_snapshot_and_makes_the_job_incomplete() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.source());
    let end = run(&mut scene, order, &around("", "echo cannot start >&2; exit 1")).await;
    assert_eq!((end.state, end.cause), (JobState::Incomplete, Cause::HookFailed), "{end:?}");
    assert!(end.detail.contains("cannot start"), "{end:?}");
    assert!(end.statistics.snapshot.is_some(), "{end:?}");
}

#[tokio::test]
async fn the_post_hook_runs_after_a_cancel() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.endless());
    let job = order.job;
    let order = scene.peer.with_hooks(order, &around(&telling(&scene, "pre"), &telling(&scene, "post")));
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    while scene.peer.progress().await.1.bytes_done == 0 {}
    assert_eq!(scene.peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Cancelled);
    assert!(note(&scene).ends_with(&format!("post {job} cancelled web-1 files []\n")), "{}", note(&scene));
}

#[tokio::test]
async fn a_cancel_stops_the_pre_hook_with_all_that_it_started() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.source());
    let job = order.job;
    let pre = "sleep 1000 & echo started; wait";
    let order = scene.peer.with_hooks(order, &around(pre, &telling(&scene, "post")));
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    scene.peer.until(|item| says(item, "pre-hook: started")).await;
    assert_eq!(scene.peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Cancelled);
    assert_eq!(note(&scene), format!("post {job} cancelled web-1 files []\n"));
}

#[tokio::test]
async fn a_cancelled_script_is_asked_to_end_and_may_clean_up() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.source());
    let job = order.job;
    let cleaned = scene.path("cleaned");
    let pre =
        format!("trap 'echo yes > {}; exit 0' TERM; echo started; sleep 1000 & wait", cleaned.display());
    let order = scene.peer.with_hooks(order, &around(&pre, ""));
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    scene.peer.until(|item| says(item, "pre-hook: started")).await;
    assert_eq!(scene.peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Cancelled);
    assert!(cleaned.exists(), "the trap ran");
}

#[tokio::test]
async fn a_post_hook_that_a_crash_left_owed_runs_at_the_next_start() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.endless());
    let job = order.job;
    let owed = scene.host.config.state_folder.join("owed-hooks.json");
    let order = scene.peer.with_hooks(order, &around("", &telling(&scene, "post")));
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    while scene.peer.progress().await.1.bytes_done == 0 {}
    scene.agent.crash().await;
    let kept = fs::read_to_string(&owed).expect("it is noted");
    assert!(kept.contains(&job.to_string()) && !kept.contains("echo"), "the script is sealed: {kept}");

    let agent = scene.host.start(&scene.server);
    let mut peer = scene.server.accept().await;
    peer.inventory().await;
    peer.until(|item| says(item, "the agent ended before the post-hook had run; it runs now")).await;
    agent.shutdown.request();
    agent.ended().await;
    scene.agent = scene.host.start(&scene.server);
    assert_eq!(
        fs::read_to_string(scene.path("note")).expect("it ran"),
        format!("post {job} failed web-1 files []\n")
    );
    assert_eq!(fs::read_to_string(&owed).expect("it is there"), "[]", "and it ran once");
}

#[tokio::test]
async fn what_another_host_owed_is_forgotten() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.endless());
    let owed = scene.host.config.state_folder.join("owed-hooks.json");
    let order = scene.peer.with_hooks(order, &around("", &telling(&scene, "post")));
    assert_eq!(scene.peer.start(order, &password()).await, Reply::Ok {});
    while scene.peer.progress().await.1.bytes_done == 0 {}
    let noted = scene.path("note");
    scene.agent.crash().await;
    let kept = fs::read_to_string(&owed).expect("it is noted");
    let (own, other) = ("09090909-0909-0909-0909-090909090909", "08080808-0808-0808-0808-080808080808");
    assert!(kept.contains(own), "{kept}");
    fs::write(&owed, kept.replace(own, other)).expect("a file");

    let agent = scene.host.start(&scene.server);
    scene.server.accept().await.inventory().await;
    agent.shutdown.request();
    agent.ended().await;
    assert!(!noted.exists(), "it is no business of this host");
}

fn says(item: &ReportItem, text: &str) -> bool {
    match item {
        ReportItem::JobLog { lines, .. } => lines.iter().any(|line| line.text == text),
        _ => false,
    }
}

#[tokio::test]
async fn a_hook_that_takes_too_long_is_ended_and_has_failed() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.source());
    let pre = Some(Hook { timeout_seconds: 1, ..hook("sleep 1000") });
    let end = run(&mut scene, order, &Hooks { pre, post: None }).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::HookFailed), "{end:?}");
    assert!(end.detail.contains("longer than its 1 seconds"), "{end:?}");
}

#[tokio::test]
async fn what_a_script_reads_is_not_the_rest_of_itself() {
    let mut scene = scene("\"any\"").await;
    let order = scene.backup(1, &scene.source());
    let pre = format!("#!/bin/sh\ncat > {}\nexit 0\nexit 9", scene.path("read").display());
    let end = run(&mut scene, order, &around(&pre, "")).await;
    assert_eq!(end.state, JobState::Succeeded, "{end:?}");
    assert_eq!(fs::read_to_string(scene.path("read")).expect("it was written"), "");
    // Half a script is no script.
    let order = scene.backup(2, &scene.source());
    let half = format!("{}; if", telling(&scene, "half"));
    assert_eq!(run(&mut scene, order, &around(&half, "")).await.cause, Cause::HookFailed);
    assert_eq!(note(&scene), "");
}

#[tokio::test]
async fn the_policy_file_decides_whether_hooks_run() {
    let mut scene = scene("\"none\"").await;
    let hooks = around(&telling(&scene, "pre"), &telling(&scene, "post"));
    let order = scene.backup(1, &scene.source());
    let end = run(&mut scene, order, &hooks).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(end.detail.contains("lets no hooks run"), "{end:?}");
    assert!(!scene.repository().exists() && note(&scene).is_empty(), "nothing was done");

    let listed = restic_manager_core::hook::digest(&hook("true"));
    fs::write(scene.host.policy_path(), format!("hooks = [\"{listed}\"]\n")).expect("a policy");
    let order = scene.backup(2, &scene.source());
    assert_eq!(run(&mut scene, order, &around("true", "")).await.state, JobState::Succeeded);
    let order = scene.backup(3, &scene.source());
    let end = run(&mut scene, order, &around("true", "false")).await;
    assert_eq!(end.cause, Cause::AgentRefused, "{end:?}");
}

#[tokio::test]
async fn hooks_that_do_not_open_stop_the_job() {
    let mut scene = scene("\"any\"").await;
    let good = scene.peer.with_hooks(scene.backup(1, &scene.source()), &around("true", ""));
    // Sealed for another job.
    let mut moved = scene.backup(2, &scene.source());
    moved.task = good.task;
    let reply = scene.peer.start(moved, &password()).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::SecretUnreadable, .. }), "{reply:?}");
    assert!(!scene.repository().exists());
}

fn command(scene: &Scene, number: u8, shell: Option<Shell>, words: &[&str]) -> JobOrder {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let command = CommandSource { shell, words, file_name: "shop.sql".to_owned() };
    let group = SourceGroupId::from_bytes([6; 16]);
    let source = SourceOrder::new(group, "shop", Vec::new(), Vec::new(), "shop").with_command(Some(command));
    repository_order(number, backup_of(source), &scene.repository())
}

fn snapshots(scene: &Scene) -> usize {
    let listed = restic(&scene.repository(), ["snapshots", "--json"]);
    serde_json::from_str::<Vec<serde_json::Value>>(&listed).expect("a listing").len()
}

#[tokio::test]
async fn the_output_of_a_command_is_one_file_of_the_snapshot() {
    let mut scene = scene("\"any\"").await;
    let order = command(&scene, 1, None, &["printf", "%s|", "a b", "-x", "$HOME"]);
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    assert_eq!(restic(&scene.repository(), ["dump", "latest", "shop.sql"]), "a b|-x|$HOME|");
}

#[tokio::test]
async fn a_failing_command_makes_no_snapshot() {
    let mut scene = scene("\"any\"").await;
    let bash = Some(Shell::Bash);
    for (number, order) in [
        command(&scene, 1, None, &["no-such-program"]),
        command(&scene, 2, Some(Shell::Sh), &["echo half; echo connection refused >&2; exit 3"]),
        command(&scene, 3, bash, &["(echo half; exit 3) | cat"]),
    ]
    .into_iter()
    .enumerate()
    {
        let end = scene.run(order, &password()).await;
        assert_eq!((end.state, end.cause), (JobState::Failed, Cause::CommandFailed), "{number}: {end:?}");
        assert_eq!(snapshots(&scene), 0, "{number}");
    }
    let end = scene.run(command(&scene, 4, None, &["true"]), &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::CommandFailed), "{end:?}");
    assert!(end.detail.contains("printed nothing") && end.detail.contains("was removed"), "{end:?}");
    assert_eq!((snapshots(&scene), end.statistics.snapshot), (0, None), "no empty snapshot is left");
}

#[tokio::test]
async fn a_command_needs_the_leave_that_hooks_need() {
    let mut scene = scene("\"none\"").await;
    let end = scene.run(command(&scene, 1, None, &["echo", "x"]), &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(!scene.repository().exists());
    let mut both = command(&scene, 2, None, &["echo", "x"]);
    both.source_mut().expect("a source").includes.push("/etc".to_owned());
    let reply = scene.peer.start(both, &password()).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{reply:?}");
}

#[tokio::test]
async fn an_older_restic_is_told_to_be_too_old_for_a_command() {
    let Some(old) = old_restic() else { return };
    let mut server = crate::support::TestServer::new();
    let mut host = crate::support::TestHost::new(server.fingerprint());
    host.config.restic = Some(old);
    fs::write(host.policy_path(), "hooks = \"any\"\n").expect("a policy");
    host.enrol(&mut server, restic_manager_agent::link::IfEnrolled::Refuse).await.expect("the host enrols");
    let agent = host.start(&server);
    let mut peer = server.accept().await;
    peer.inventory().await;
    let mut scene = Scene { server, host, agent, peer };
    let end = scene.run(command(&scene, 1, None, &["echo", "x"]), &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::ResticTooOld), "{end:?}");
    assert!(end.detail.contains("0.17"), "{end:?}");
}

/// A restic that is too old to read from a command, where the project's tools have one.
fn old_restic() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("RESTIC_MANAGER_RESTIC_DIR")?);
    Some(folder.join("restic-0.14.0")).filter(|path| path.is_file())
}

#[tokio::test]
async fn the_slowest_limit_reaches_restic() {
    let mut scene = Scene::new().await;
    fs::write(scene.host.policy_path(), "download_limit_kib = 700\n").expect("a policy");
    let limits = Bandwidth { upload_kib: Some(90_000), download_kib: Some(80_000) };
    let end = scene.run(scene.backup(1, &scene.source()).with_bandwidth(limits), &password()).await;
    assert_eq!(end.state, JobState::Succeeded, "{end:?}");
    let started = scene.peer.heard.iter().find_map(|(_, item)| match item {
        ReportItem::JobStarted { command, .. } => Some(command.clone()),
        _ => None,
    });
    let command = started.expect("it started");
    assert!(
        command.contains("--limit-upload=90000") && command.contains("--limit-download=700"),
        "{command}"
    );
}

#[tokio::test]
async fn file_systems_and_caches_are_left_out_when_the_group_says_so() {
    let mut scene = Scene::new().await;
    let source = scene.source();
    fs::create_dir(source.join("cache")).expect("a folder");
    let tag = "Signature: 8a477f597d28d172789f06886806bc55";
    fs::write(source.join("cache/CACHEDIR.TAG"), tag).expect("a file");
    fs::write(source.join("cache/big"), "big").expect("a file");
    let mut order = scene.backup(1, &source);
    let of = order.source_mut().expect("a source");
    (of.exclude_caches, of.one_file_system) = (true, true);
    assert_eq!(scene.run(order, &password()).await.state, JobState::Succeeded);
    let listed = restic(&scene.repository(), ["ls", "latest"]);
    assert!(listed.contains("one.txt") && !listed.contains("cache/big"), "{listed}");
}
