//! Restores and looks into snapshots, with every restic there is.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    JobEnd, PlanRow, PlanSummary, QuestionId, RawPath, RestoreOptions, RestoreTarget, SnapshotEntry,
    agent::{AnswerPart, Ask, ErrorCode, JobOrder, Question, Reply, ReportItem, Task},
    vocabulary::{Cause, EntryKind, EntrySort, JobState, Overwrite, PlanClass},
};

use crate::{
    jobs::{Scene, log},
    support::{find_every_restic, find_restic, folder, password, repository_order, restic},
};

/// Names that a shell, a pattern or a page takes for something else.
const HOSTILE: &[&str] = &[
    "plain",
    "with space",
    "star*",
    "question?",
    "[set]",
    "back\\slash",
    "-rf",
    "$HOME",
    "tab\tnew\nline",
    "trailing ",
    "\u{202e}evil",
    "#comment",
    "!no",
    "ünïcödé",
    "a'b\"c",
];

/// Every restic there is, with its version where the name of its file tells it.
fn restics() -> Vec<(String, PathBuf)> {
    let named = |path: PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        (name.trim_start_matches("restic-").to_owned(), path)
    };
    find_every_restic().into_iter().map(named).collect()
}

/// Whether a restic can overwrite by choice, and restore into a folder without the path above it.
fn is_recent(version: &str) -> bool {
    !version.starts_with("0.14")
}

struct Saved {
    scene: Scene,
    /// Beside the agent's own folders, over which nothing is restored.
    outside: tempfile::TempDir,
    snapshot: String,
    number: u8,
}

impl Saved {
    /// A snapshot of a folder `tree`, which is made by the caller.
    async fn of(restic: PathBuf, make: impl FnOnce(&Path)) -> Self {
        let mut scene = Scene::of(restic).await;
        let outside = folder();
        let tree = outside.path().join("tree");
        fs::create_dir(&tree).expect("a folder");
        make(&tree);
        let mut order = scene.backup(1, &tree);
        order.source_mut().expect("a source").excludes.clear();
        let end = scene.run(order, &password()).await;
        let snapshot = end.statistics.snapshot.clone().expect("a snapshot");
        Self { scene, outside, snapshot, number: 1 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    fn tree(&self) -> RawPath {
        RawPath::new(self.path("tree").to_str().expect("text"))
    }

    fn below(&self, name: &str) -> RawPath {
        self.tree().join(&RawPath::new(name))
    }

    fn to_folder(&self, name: &str) -> RestoreOptions {
        let path = self.path(name).to_str().expect("text").to_owned();
        let mut options = RestoreOptions::new(self.snapshot.clone(), RestoreTarget::Folder { path });
        options.paths = vec![self.tree()];
        options
    }

    fn in_place(&self, names: &[&str]) -> RestoreOptions {
        let mut options = RestoreOptions::new(self.snapshot.clone(), RestoreTarget::Original {});
        options.paths = names.iter().map(|name| self.below(name)).collect();
        options.overwrite = Overwrite::Always;
        options
    }

    fn order(&mut self, options: RestoreOptions) -> JobOrder {
        self.number += 1;
        let task = Task::Restore { restore: Box::new(options) };
        repository_order(self.number, task, &self.scene.repository())
    }

    async fn restore(&mut self, options: RestoreOptions) -> JobEnd {
        let order = self.order(options);
        self.scene.run(order, &password()).await
    }

    async fn ask(&mut self, question: Question) -> Result<Vec<AnswerPart>, (ErrorCode, String)> {
        self.number += 1;
        let repository = repository_order(1, Task::Prune {}, &self.scene.repository()).repository;
        let ask = Ask::new(QuestionId::from_bytes([self.number; 16]), repository, question);
        self.scene.peer.question(ask, &password()).await
    }

    async fn folder(
        &mut self,
        folder: RawPath,
        after: u64,
        limit: u16,
    ) -> Result<(Vec<SnapshotEntry>, bool), (ErrorCode, String)> {
        self.sorted(folder, EntrySort::Name, after, limit).await
    }

    async fn sorted(
        &mut self,
        folder: RawPath,
        sort: EntrySort,
        after: u64,
        limit: u16,
    ) -> Result<(Vec<SnapshotEntry>, bool), (ErrorCode, String)> {
        let snapshot = self.snapshot.clone();
        let mut found = (Vec::new(), false);
        let question = Question::Folder { snapshot, folder, sort, descending: false, after, limit };
        for part in self.ask(question).await? {
            match part {
                AnswerPart::Entries { entries } => found.0.extend(entries),
                AnswerPart::End { more } => found.1 = more,
                part => unreachable!("not of a folder: {part:?}"),
            }
        }
        Ok(found)
    }

    /// The paths that a search finds. It waits for the index, which it has made.
    async fn search(&mut self, text: &str, limit: u16) -> (Vec<RawPath>, bool) {
        let (snapshot, text) = (self.snapshot.clone(), text.to_owned());
        let mut found = (Vec::new(), false);
        for part in
            self.ask(Question::Search { snapshot, text, after: None, limit }).await.expect("an answer")
        {
            match part {
                AnswerPart::Hits { hits } => {
                    found.0.extend(hits.into_iter().map(|hit| hit.folder.join(&hit.entry.name)));
                }
                AnswerPart::End { more } => found.1 = more,
                AnswerPart::Working { .. } => {}
                part => unreachable!("not of a search: {part:?}"),
            }
        }
        found
    }

    async fn plan(&mut self, restore: &RestoreOptions) -> (PlanSummary, Vec<PlanRow>) {
        let mut found = (None, Vec::new());
        let question = Question::Plan { restore: Box::new(restore.clone()), class: None, limit: 500 };
        for part in self.ask(question).await.expect("an answer") {
            match part {
                AnswerPart::Plan { plan } => found.0 = Some(plan),
                AnswerPart::PlanRows { rows } => found.1.extend(rows),
                AnswerPart::End { .. } | AnswerPart::Working { .. } => {}
                part => unreachable!("not of a plan: {part:?}"),
            }
        }
        (found.0.expect("the sums"), found.1)
    }
}

fn good(end: &JobEnd) {
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
}

#[tokio::test]
async fn hostile_names_come_back_byte_for_byte_into_a_folder() {
    for (version, restic) in restics() {
        let mut saved = Saved::of(restic, |tree| {
            for name in HOSTILE {
                fs::write(tree.join(name), name).expect("a file");
            }
            fs::write(tree.join("left"), "left").expect("a file");
        })
        .await;
        let mut options = saved.to_folder("back");
        options.paths = HOSTILE.iter().map(|name| saved.below(name)).collect();
        let end = saved.restore(options).await;
        good(&end);
        let restored = end.statistics.restored.expect("counts");
        assert_eq!(restored.files_failed, 0, "{version}");
        let mut back = saved.path("back");
        if !is_recent(&version) {
            back = back.join(saved.path("tree").strip_prefix("/").expect("absolute"));
        }
        let mut found: Vec<_> = fs::read_dir(&back)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        found.sort();
        let mut wanted: Vec<_> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        assert_eq!(found, wanted, "{version}");
        for name in HOSTILE {
            assert_eq!(fs::read_to_string(back.join(name)).expect("a file"), *name);
        }
    }
}

#[tokio::test]
async fn in_place_only_what_was_chosen_is_touched() {
    for (version, restic) in restics() {
        let mut saved = Saved::of(restic, |tree| {
            fs::create_dir(tree.join("etc")).expect("a folder");
            fs::write(tree.join("etc/lost"), "content").expect("a file");
            fs::set_permissions(tree.join("etc/lost"), fs::Permissions::from_mode(0o640)).expect("a mode");
            fs::write(tree.join("etc/kept"), "old").expect("a file");
        })
        .await;
        let etc = saved.path("tree/etc");
        let modified = fs::metadata(etc.join("lost")).expect("a file").mtime();
        fs::remove_file(etc.join("lost")).expect("it is there");
        fs::write(etc.join("kept"), "new").expect("a file");
        fs::set_permissions(&etc, fs::Permissions::from_mode(0o700)).expect("a mode");
        let end = saved.restore(saved.in_place(&["etc/lost"])).await;
        if !is_recent(&version) {
            assert_eq!((end.state, end.cause), (JobState::Failed, Cause::ResticTooOld), "{end:?}");
            assert!(end.detail.contains("0.16"), "{end:?}");
            continue;
        }
        good(&end);
        let found = fs::metadata(etc.join("lost")).expect("it is back");
        assert_eq!((found.mode() & 0o777, found.mtime()), (0o640, modified), "{version}");
        assert_eq!(fs::read_to_string(etc.join("lost")).expect("a file"), "content");
        assert_eq!(fs::read_to_string(etc.join("kept")).expect("a file"), "new");
        assert_eq!(
            fs::metadata(&etc).expect("a folder").mode() & 0o777,
            0o700,
            "the folder above is as it was"
        );
    }
}

#[tokio::test]
async fn each_way_to_overwrite_does_what_it_says() {
    for (version, restic) in restics() {
        let mut saved =
            Saved::of(restic, |tree| fs::write(tree.join("file"), "of the snapshot").expect("a file")).await;
        let file = saved.path("tree/file");
        for (overwrite, wanted) in [
            (Overwrite::Never, "of today"),
            (Overwrite::IfNewer, "of today"),
            (Overwrite::IfChanged, "of the snapshot"),
            (Overwrite::Always, "of the snapshot"),
        ] {
            fs::write(&file, "of today").expect("a file");
            let end = saved.restore(RestoreOptions { overwrite, ..saved.in_place(&["file"]) }).await;
            if is_recent(&version) {
                good(&end);
                assert_eq!(fs::read_to_string(&file).expect("a file"), wanted, "{version} {overwrite}");
            } else {
                assert_eq!(end.cause, Cause::ResticTooOld, "{version} {overwrite}: {end:?}");
                assert_eq!(fs::read_to_string(&file).expect("a file"), "of today", "{version} {overwrite}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_there_can_be_had_back() {
    let mut saved =
        Saved::of(find_restic(), |tree| fs::write(tree.join("file"), "old").expect("a file")).await;
    let file = saved.path("tree/file");
    fs::write(&file, "new").expect("a file");
    let end = saved.restore(RestoreOptions { back_up_first: true, ..saved.in_place(&["file"]) }).await;
    good(&end);
    assert_eq!(fs::read_to_string(&file).expect("a file"), "old");
    let shown = saved.scene.peer.heard.iter().rev().find_map(|(_, item)| match item {
        ReportItem::JobStarted { command, .. } => Some(command.clone()),
        _ => None,
    });
    assert!(shown.is_some_and(|command| command.contains("--overwrite=always")), "shown as it is run");
    let before = end.statistics.restored.expect("counts").before.expect("a snapshot of what was there");
    saved.snapshot = before;
    good(&saved.restore(saved.in_place(&["file"])).await);
    assert_eq!(fs::read_to_string(&file).expect("a file"), "new");
}

#[tokio::test]
async fn extras_go_only_when_somebody_chose_that() {
    let mut saved = Saved::of(find_restic(), |tree| {
        fs::create_dir(tree.join("web")).expect("a folder");
        fs::write(tree.join("web/page"), "page").expect("a file");
    })
    .await;
    let extra = saved.path("tree/web/extra");
    fs::write(&extra, "extra").expect("a file");
    good(&saved.restore(saved.in_place(&["web"])).await);
    assert!(extra.exists());
    let end = saved.restore(RestoreOptions { delete: true, ..saved.in_place(&["web"]) }).await;
    good(&end);
    assert!(!extra.exists() && saved.path("tree/web/page").exists());
}

#[tokio::test]
async fn a_restore_that_cannot_be_is_refused_before_anything_is_written() {
    let mut saved = Saved::of(find_restic(), |tree| {
        fs::create_dir(tree.join("folder")).expect("a folder");
        fs::write(tree.join("file"), "file").expect("a file");
    })
    .await;
    let end = saved.restore(saved.in_place(&["file", "gone"])).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::NotInSnapshot), "{end:?}");
    assert!(end.detail.contains("gone"), "{end:?}");

    let missing = RestoreOptions { snapshot: "0".repeat(64), ..saved.in_place(&["file"]) };
    let end = saved.restore(missing).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::SnapshotMissing), "{end:?}");

    // A link that leads elsewhere stands where the folder was.
    let (folder, elsewhere) = (saved.path("tree/folder"), saved.path("elsewhere"));
    fs::create_dir(&elsewhere).expect("a folder");
    fs::remove_dir(&folder).expect("it is empty");
    symlink(&elsewhere, &folder).expect("a link");
    let end = saved.restore(saved.in_place(&["folder"])).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::TargetBlocked), "{end:?}");
    assert!(fs::symlink_metadata(&folder).expect("it is there").is_symlink());

    // The agent's own folder lies below the target.
    let above =
        saved.scene.host.config.state_folder.parent().expect("a folder").to_str().expect("text").to_owned();
    let target = RestoreTarget::Folder { path: above };
    let end = saved.restore(RestoreOptions { target, ..saved.to_folder("x") }).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(end.detail.contains("own folder"), "{end:?}");

    fs::write(saved.scene.host.policy_path(), "restore_roots = [\"/var/restores\"]\n").expect("a policy");
    let end = saved.restore(saved.to_folder("back")).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(!saved.path("back").exists());
}

#[tokio::test]
async fn a_restore_is_stopped_and_what_it_wrote_stays() {
    let mut saved = Saved::of(find_restic(), |tree| {
        // More than restic writes before it is asked to stop: distinct bytes, so that each is written.
        let mut state = 1_u64;
        let bytes: Vec<u8> = (0..32 * 1024 * 1024 / 8)
            .flat_map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_le_bytes()
            })
            .collect();
        fs::write(tree.join("large"), bytes).expect("a file");
    })
    .await;
    let order = saved.order(saved.to_folder("back"));
    let job = order.job;
    let slow = restic_manager_proto::Bandwidth { upload_kib: None, download_kib: Some(64) };
    let reply = saved.scene.peer.start(order.with_bandwidth(slow), &password()).await;
    assert_eq!(reply, restic_manager_proto::agent::Reply::Ok {});
    saved.scene.peer.until(|item| matches!(item, ReportItem::JobStarted { .. })).await;
    saved.scene.peer.ask(restic_manager_proto::agent::Message::CancelJob { job }).await;
    let end = saved.scene.peer.end_of(job).await;
    assert_eq!((end.state, end.cause), (JobState::Cancelled, Cause::Cancelled), "{end:?}");
    assert_eq!(saved.scene.locks(), 0, "{:?}", log(&saved.scene.peer));
}

#[tokio::test]
async fn a_folder_is_read_by_pages() {
    for (version, restic) in restics() {
        let mut saved = Saved::of(restic, |tree| {
            for name in HOSTILE {
                fs::write(tree.join(name), name).expect("a file");
            }
            fs::create_dir(tree.join("deep")).expect("a folder");
            fs::write(tree.join("deep/inner"), "inner").expect("a file");
            symlink("deep", tree.join("link")).expect("a link");
        })
        .await;
        let mut names = Vec::new();
        loop {
            let (entries, more) = saved.folder(saved.tree(), names.len() as u64, 4).await.expect("a page");
            assert!(entries.len() <= 4 && (more || entries.len() <= 4), "{version}");
            names.extend(entries.iter().map(|entry| entry.name.as_text().expect("text").to_owned()));
            if !more {
                break;
            }
        }
        let mut wanted: Vec<_> = HOSTILE.iter().copied().chain(["deep", "link"]).map(str::to_owned).collect();
        wanted.sort();
        assert_eq!(names, wanted, "{version}");
        let (entries, _) = saved.folder(saved.below("deep"), 0, 500).await.expect("a page");
        let [inner] = &entries[..] else { panic!("one entry: {entries:?}") };
        assert_eq!((inner.name.as_text(), inner.kind, inner.size), (Some("inner"), EntryKind::File, 5));
        let (root, _) = saved.folder(RawPath::root(), 0, 500).await.expect("the root");
        assert!(!root.is_empty(), "{version}");
        let (_, message) = saved.folder(saved.below("gone"), 0, 500).await.expect_err("there is none");
        assert!(message.contains("no folder of the snapshot"), "{version}: {message}");
    }
}

#[tokio::test]
async fn an_index_sorts_and_searches_and_knows_names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let odd = std::ffi::OsStr::from_bytes(b"bad\xff.log");
    for (version, restic) in restics() {
        let mut saved = Saved::of(restic, |tree| {
            fs::create_dir(tree.join("deep")).expect("a folder");
            fs::write(tree.join("deep/large.log"), vec![7; 3000]).expect("a file");
            fs::write(tree.join("small.LOG"), "x").expect("a file");
            fs::write(tree.join(odd), "odd").expect("a file");
        })
        .await;
        let (found, more) = saved.search(".log", 10).await;
        let mut wanted = vec![saved.below("deep/large.log"), saved.below("small.LOG")];
        wanted.push(saved.tree().join(&RawPath::new(odd.as_bytes())));
        let mut sorted = found.clone();
        sorted.sort();
        wanted.sort();
        assert_eq!((sorted, more), (wanted, false), "{version}");
        assert!(saved.search("*.log", 1).await.1, "{version}: there are more than one");

        let (entries, _) = saved.sorted(saved.tree(), EntrySort::Size, 0, 10).await.expect("a page");
        let sizes: Vec<_> = entries.iter().map(|entry| (entry.size, entry.below)).collect();
        assert_eq!(sizes, [(1, None), (3, None), (3000, Some(1))], "{version}");
        assert!(entries.iter().all(|entry| !entry.inexact), "{version}");

        let mut options = saved.to_folder("back");
        options.paths = vec![saved.tree().join(&RawPath::new(odd.as_bytes()))];
        good(&saved.restore(options).await);
        let below = saved.path("back");
        let below = if is_recent(&version) {
            below
        } else {
            below.join(saved.path("tree").strip_prefix("/").expect("absolute"))
        };
        assert_eq!(fs::read(below.join(odd)).expect("it is back"), b"odd", "{version}");
    }
}

#[tokio::test]
async fn a_plan_is_done_or_nothing_is() {
    let mut saved = Saved::of(find_restic(), |tree| {
        for name in ["gone", "older", "newer", "same"] {
            fs::write(tree.join(name), name).expect("a file");
        }
    })
    .await;
    let tree = saved.path("tree");
    fs::remove_file(tree.join("gone")).expect("it is there");
    fs::write(tree.join("newer"), "changed since").expect("a file");
    let mut options = RestoreOptions { paths: vec![saved.tree()], ..saved.in_place(&[]) };
    let (summary, rows) = saved.plan(&options).await;
    let class = |name: &str| {
        let path = saved.below(name);
        rows.iter().find(|row| row.path == path).map(|row| row.class)
    };
    assert_eq!(class("gone"), Some(PlanClass::New), "{rows:?}");
    assert_eq!(class("newer"), Some(PlanClass::NewerReplaced), "{rows:?}");
    assert_eq!(class("same"), None, "what is unchanged has no row");
    assert!(summary.bytes >= 9 && summary.free_bytes.is_some_and(|free| free > 0), "{summary:?}");
    assert_eq!(saved.plan(&options).await.0.id, summary.id, "nothing has changed");

    options.plan = Some(summary.id.clone());
    fs::write(tree.join("older"), "changed meanwhile").expect("a file");
    let end = saved.restore(options.clone()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::PlanChanged), "{end:?}");
    assert!(!tree.join("gone").exists() && end.statistics.restored.is_none());

    options.plan = None;
    options.plan = Some(saved.plan(&options).await.0.id);
    good(&saved.restore(options.clone()).await);
    assert_eq!(fs::read_to_string(tree.join("newer")).expect("a file"), "newer");
    let end = saved.restore(options.clone()).await;
    assert_eq!(end.cause, Cause::PlanChanged, "a plan is done once: {end:?}");

    // What stands in the way of the plan ends it, too.
    fs::remove_file(tree.join("gone")).expect("it is there");
    fs::create_dir_all(tree.join("gone/full")).expect("a folder");
    options.plan = None;
    let (summary, rows) = saved.plan(&options).await;
    assert!(rows.iter().any(|row| row.class == PlanClass::Blocked), "{rows:?}");
    options.plan = Some(summary.id);
    let end = saved.restore(options).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::TargetBlocked), "{end:?}");
}

#[tokio::test]
async fn a_question_that_cannot_be_is_refused() {
    let mut saved = Saved::of(find_restic(), |tree| fs::write(tree.join("file"), "x").expect("a file")).await;
    for (folder, limit) in [("srv", 1), ("/srv/..", 1), ("/", 0), ("/", 501)] {
        let refused = saved.folder(RawPath::new(folder), 0, limit).await.expect_err("it is refused");
        assert_eq!(refused.0, ErrorCode::Invalid, "{folder} {limit}");
    }
    fs::write(saved.scene.host.policy_path(), "repositories = [\"rest:https://nowhere.example.com/**\"]\n")
        .expect("a policy");
    let refused = saved.folder(saved.tree(), 0, 1).await.expect_err("the host's policy");
    assert_eq!(refused.0, ErrorCode::Forbidden, "{refused:?}");
    // Looking takes no lock.
    assert!(restic(&saved.scene.repository(), ["list", "locks"]).trim().is_empty());
}

#[tokio::test]
async fn so_many_questions_are_answered_at_once_and_each_once() {
    let mut saved = Saved::of(find_restic(), |tree| fs::write(tree.join("file"), "x").expect("a file")).await;
    let repository = repository_order(1, Task::Prune {}, &saved.scene.repository()).repository;
    let mut code = async |number: u8| {
        let (snapshot, folder) = (saved.snapshot.clone(), saved.tree());
        let sort = EntrySort::Name;
        let question = Question::Folder { snapshot, folder, sort, descending: false, after: 0, limit: 1 };
        let mut ask = Ask::new(QuestionId::from_bytes([number; 16]), repository.clone(), question);
        // Without room its answer waits for ever.
        ask.room = 0;
        match saved.scene.peer.question_only(ask, &password()).await {
            Reply::Ok {} => None,
            Reply::Error { code, .. } => Some(code),
            reply => unreachable!("no answer: {reply:?}"),
        }
    };
    assert_eq!((code(1).await, code(1).await), (None, Some(ErrorCode::Invalid)));
    assert_eq!((code(2).await, code(3).await, code(4).await), (None, None, None));
    assert_eq!(code(5).await, Some(ErrorCode::Failed));
}
