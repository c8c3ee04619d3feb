//! Restores and looks into snapshots, with every restic there is.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    JobEnd, QuestionId, RawPath, RestoreOptions, RestoreTarget,
    agent::{AnswerPart, Ask, ErrorCode, JobOrder, Question, SnapshotEntry, Task},
    vocabulary::{Cause, EntryKind, JobState, Overwrite},
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
        let snapshot = end.statistics.snapshot.clone().unwrap_or_else(|| panic!("a snapshot: {end:?}"));
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

    fn into_folder(&self, name: &str) -> RestoreOptions {
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

    async fn folder(
        &mut self,
        folder: RawPath,
        after: Option<&str>,
        limit: u16,
    ) -> Result<(Vec<SnapshotEntry>, bool), (ErrorCode, String)> {
        self.number += 1;
        let snapshot = self.snapshot.clone();
        let question = Question::Folder { snapshot, folder, after: after.map(RawPath::new), limit };
        let repository = repository_order(1, Task::Prune {}, &self.scene.repository()).repository;
        let ask = Ask::new(QuestionId::from_bytes([self.number; 16]), repository, question);
        let mut found = (Vec::new(), false);
        for part in self.scene.peer.question(ask, &password()).await? {
            match part {
                AnswerPart::Entries { entries } => found.0.extend(entries),
                AnswerPart::End { more } => found.1 = more,
                part => panic!("not of a folder: {part:?}"),
            }
        }
        Ok(found)
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
        let mut options = saved.into_folder("back");
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
    let end = saved.restore(RestoreOptions { target, ..saved.into_folder("x") }).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(end.detail.contains("own folder"), "{end:?}");

    fs::write(saved.scene.host.policy_path(), "restore_roots = [\"/var/restores\"]\n").expect("a policy");
    let end = saved.restore(saved.into_folder("back")).await;
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
    let order = saved.order(saved.into_folder("back"));
    let job = order.job;
    let slow = restic_manager_proto::Bandwidth { upload_kib: None, download_kib: Some(64) };
    let reply = saved.scene.peer.start(order.with_bandwidth(slow), &password()).await;
    assert_eq!(reply, restic_manager_proto::agent::Reply::Ok {});
    saved
        .scene
        .peer
        .until(|item| matches!(item, restic_manager_proto::agent::ReportItem::JobStarted { .. }))
        .await;
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
        let (mut names, mut after) = (Vec::new(), None::<String>);
        loop {
            let (entries, more) = saved.folder(saved.tree(), after.as_deref(), 4).await.expect("a page");
            assert!(entries.len() <= 4 && (more || entries.len() <= 4), "{version}");
            names.extend(entries.iter().map(|entry| entry.name.as_text().expect("text").to_owned()));
            after = names.last().cloned();
            if !more {
                break;
            }
        }
        let mut wanted: Vec<_> = HOSTILE.iter().copied().chain(["deep", "link"]).map(str::to_owned).collect();
        wanted.sort();
        assert_eq!(names, wanted, "{version}");
        let (entries, _) = saved.folder(saved.below("deep"), None, 500).await.expect("a page");
        let [inner] = &entries[..] else { panic!("one entry: {entries:?}") };
        assert_eq!((inner.name.as_text(), inner.kind, inner.size), (Some("inner"), EntryKind::File, 5));
        let (root, _) = saved.folder(RawPath::root(), None, 500).await.expect("the root");
        assert!(!root.is_empty(), "{version}");
        let (_, message) = saved.folder(saved.below("gone"), None, 500).await.expect_err("there is none");
        assert!(message.contains("no folder of the snapshot"), "{version}: {message}");
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_is_refused() {
    let mut saved = Saved::of(find_restic(), |tree| fs::write(tree.join("file"), "x").expect("a file")).await;
    for (folder, limit) in [("srv", 1), ("/srv/..", 1), ("/", 0), ("/", 501)] {
        let refused = saved.folder(RawPath::new(folder), None, limit).await.expect_err("it is refused");
        assert_eq!(refused.0, ErrorCode::Invalid, "{folder} {limit}");
    }
    fs::write(saved.scene.host.policy_path(), "repositories = [\"rest:https://nowhere.example.com/**\"]\n")
        .expect("a policy");
    let refused = saved.folder(saved.tree(), None, 1).await.expect_err("the host's policy");
    assert_eq!(refused.0, ErrorCode::Forbidden, "{refused:?}");
    // Looking takes no lock.
    assert!(restic(&saved.scene.repository(), ["list", "locks"]).trim().is_empty());
}
