//! Each command runs, and what it prints decodes.

use restic_manager_restic::command::{
    Archive, Backup, Cat, Check, Command, Connection, Copy, CountingMode, Custom, Diff, Dump, Exclude, Find,
    Forget, GroupBy, Init, Keep, Key, List, Ls, MaxUnused, NewKey, NewPassword, ObjectKind, Prune, ReadData,
    Repair, Restore, RestoreSelection, Retention, Rewrite, Search, Secret, SnapshotName, Snapshots, Span,
    Stats, Tag, TagEdit, Unlock, Verbatim,
};
use restic_manager_restic::event::{Event, Snapshot};
use restic_manager_restic::process::Finished;
use restic_manager_restic::{Capability, Cause, document};

use super::support::{Place, Restic, repository_at};

/// Runs a command, demands success and gives back the events, none of which may be of an unknown kind.
async fn events(restic: &Restic, command: &impl Command, connection: &Connection) -> Vec<Event> {
    let mut running = restic.spawn(command, connection).await;
    let mut events = Vec::new();
    while let Some(event) = running.next_event().await {
        assert!(
            !matches!(event, Event::Unrecognized { .. } | Event::Overlong { .. }),
            "restic {}: {event:?}",
            restic.version
        );
        events.push(event);
    }
    success(restic, command, &running.wait().await);
    events
}

/// Runs a command, demands success and gives back its output.
async fn output(restic: &Restic, command: &impl Command, connection: &Connection) -> Vec<u8> {
    let captured = restic.capture(command, connection).await;
    success(restic, command, &captured.finished);
    captured.stdout
}

fn success(restic: &Restic, command: &impl Command, finished: &Finished) {
    assert_eq!(
        finished.outcome.cause,
        Cause::Success,
        "restic {}, {command:?}: {finished:?}",
        restic.version
    );
    assert!(
        !finished.lock_may_remain && !finished.left_pipes_open && finished.stop.is_none(),
        "{finished:?}"
    );
}

/// A repository with two snapshots that differ.
async fn filled(restic: &Restic) -> (Place, Connection, Vec<Snapshot>) {
    let place = Place::new();
    let connection = place.initialized(restic).await;
    for (name, content) in [("one.txt", "first"), ("two.log", "second")] {
        place.write(name, content.as_bytes());
        let mut backup = Backup::paths([place.path("source")]);
        backup.tags.push("daily".to_owned());
        events(restic, &backup, &connection).await;
    }
    let snapshots = snapshots(restic, &connection).await;
    assert_eq!(snapshots.len(), 2);
    (place, connection, snapshots)
}

async fn snapshots(restic: &Restic, connection: &Connection) -> Vec<Snapshot> {
    document::parse(&output(restic, &Snapshots::new(), connection).await).expect("snapshots")
}

fn name(snapshot: &Snapshot) -> SnapshotName {
    SnapshotName::id(snapshot.id.clone().expect("an id"))
}

#[tokio::test]
async fn documents_are_what_they_are_declared_to_be() {
    for restic in &Restic::all().await {
        let (_place, connection, made) = filled(restic).await;
        let last = made[1].id.clone().expect("an id");

        let config: document::Config =
            document::parse(&output(restic, &Cat::Config, &connection).await).expect("a configuration");
        assert_eq!(config.version, 2);
        let one: Snapshot = document::parse(&output(restic, &Cat::Snapshot(last.clone()), &connection).await)
            .expect("a snapshot");
        assert_eq!(one.tags, ["daily"]);

        let mut grouped = Snapshots::new();
        grouped.group_by = Some(GroupBy::host());
        grouped.latest = Some(1);
        let groups: Vec<document::SnapshotGroup> =
            document::parse(&output(restic, &grouped, &connection).await).expect("groups");
        assert_eq!(groups.len(), 1);

        for mode in [
            CountingMode::RestoreSize,
            CountingMode::FilesByContents,
            CountingMode::BlobsPerFile,
            CountingMode::RawData,
        ] {
            let stats: document::Stats =
                document::parse(&output(restic, &Stats::new(mode), &connection).await).expect("figures");
            assert_eq!(stats.snapshots_count, 2);
        }

        let search = Find::new(Search::NamesIgnoringCase(vec!["ONE.*".to_owned()]));
        let found: Vec<document::FindMatches> =
            document::parse(&output(restic, &search, &connection).await).expect("matches");
        assert_eq!(found.len(), 2);

        let keys: Vec<document::Key> =
            document::parse(&output(restic, &Key::List, &connection).await).expect("keys");
        assert!(keys[0].current);

        for (kind, count) in [(ObjectKind::Snapshots, 2), (ObjectKind::Keys, 1), (ObjectKind::Locks, 0)] {
            let listed = output(restic, &List::new(kind), &connection).await;
            assert_eq!(document::ids(&listed).count(), count, "restic {}: {kind:?}", restic.version);
        }
        for kind in [ObjectKind::Packs, ObjectKind::Index] {
            assert!(document::ids(&output(restic, &List::new(kind), &connection).await).count() > 0);
        }
    }
}

#[tokio::test]
async fn events_are_what_they_are_declared_to_be() {
    for restic in &Restic::all().await {
        let (place, connection, made) = filled(restic).await;

        let mut ls = Ls::new(SnapshotName::latest());
        ls.folders.push(place.path("source").to_string_lossy().into_owned());
        ls.recursive = true;
        let listed = events(restic, &ls, &connection).await;
        assert!(matches!(listed[0], Event::Snapshot(_)), "{listed:?}");
        assert!(listed.iter().any(|event| matches!(event, Event::Node(node) if node.name == "two.log")));

        let mut diff = Diff::new(name(&made[0]), name(&made[1]));
        diff.metadata = true;
        let changes = events(restic, &diff, &connection).await;
        assert!(
            changes
                .iter()
                .any(|event| matches!(event, Event::Change(change) if change.path.ends_with("two.log")))
        );
        assert!(matches!(changes.last(), Some(Event::DiffStatistics(_))), "{changes:?}");

        for read_data in [
            None,
            Some(ReadData::All),
            Some(ReadData::Part { part: 1, parts: 2 }),
            Some(ReadData::Percent(12.5)),
            Some(ReadData::Bytes(5000)),
        ] {
            let mut check = Check::new();
            check.read_data = read_data;
            check.with_cache = true;
            let checked = events(restic, &check, &connection).await;
            let has_summary = checked
                .iter()
                .any(|event| matches!(event, Event::CheckSummary(summary) if summary.num_errors == 0));
            assert_eq!(has_summary, restic.version.has(Capability::CheckJson), "{checked:?}");
        }

        let mut restore = Restore::new(name(&made[1]), place.path("target"));
        restore.verify = true;
        restore.verbose = true;
        restore.selection = RestoreSelection::Exclude(Exclude::patterns(["*.log"]));
        let restored = events(restic, &restore, &connection).await;
        let has_summary = restored.iter().any(|event| matches!(event, Event::RestoreSummary(_)));
        assert_eq!(has_summary, restic.version.has(Capability::RestoreJson), "{restored:?}");
        let source = place.path("source");
        let below = place.path("target").join(source.strip_prefix("/").expect("an absolute path"));
        assert!(below.join("one.txt").exists() && !below.join("two.log").exists());
    }
}

#[tokio::test]
async fn a_backup_takes_every_option_that_its_version_has() {
    for restic in &Restic::all().await {
        let place = Place::new();
        let connection = place.initialized(restic).await;
        place.write("keep.txt", b"keep");
        place.write("drop.TMP", b"drop");
        place.write("skipped/.nobackup", b"");
        place.write("skipped/inside", b"inside");
        place.write("large", &[7; 3000]);
        let mut backup = Backup::paths([place.path("source")]);
        backup.tags = vec!["a".to_owned(), "b c".to_owned()];
        backup.host = Some("elsewhere".to_owned());
        backup.exclude.insensitive_patterns = vec!["*.tmp".to_owned()];
        backup.exclude_caches = true;
        backup.exclude_if_present = vec![".nobackup".to_owned()];
        backup.exclude_larger_than_bytes = Some(2000);
        backup.one_file_system = true;
        backup.with_access_time = true;
        backup.ignore_inode = true;
        backup.ignore_change_time = true;
        backup.time = Some("2024-02-29 12:34:56".to_owned());
        backup.verbose = true;
        backup.no_scan = restic.version.has(Capability::NoScan);
        backup.read_concurrency = restic.version.has(Capability::ReadConcurrency).then_some(3);
        backup.group_by = restic.version.has(Capability::BackupGroupBy).then(GroupBy::host_and_paths);
        backup.skip_if_unchanged = restic.version.has(Capability::SkipIfUnchanged);
        let seen = events(restic, &backup, &connection).await;
        let items: Vec<_> = seen
            .iter()
            .filter_map(|event| match event {
                Event::VerboseStatus(status) => Some(status.item.as_str()),
                _ => None,
            })
            .collect();
        assert!(items.iter().any(|item| item.ends_with("keep.txt")), "{seen:?}");
        assert!(
            !items
                .iter()
                .any(|item| item.contains("TMP") || item.contains("inside") || item.ends_with("large")),
            "{items:?}"
        );
        let made = snapshots(restic, &connection).await;
        assert_eq!(made[0].hostname, "elsewhere");
        assert_eq!(made[0].tags, ["a", "b c"]);
        assert!(made[0].time.to_string().starts_with("2024-02-29T12:34:56"), "{:?}", made[0].time);
    }
}

#[tokio::test]
async fn contents_are_dumped_byte_for_byte() {
    for restic in &Restic::all().await {
        let (place, connection, made) = filled(restic).await;
        let path = place.path("source").join("two.log").to_string_lossy().into_owned();
        let dumped = output(restic, &Dump::new(name(&made[1]), path), &connection).await;
        assert_eq!(dumped, b"second");
        for (archive, magic) in [(Archive::Tar, None), (Archive::Zip, Some(b"PK"))] {
            let mut dump = Dump::new(SnapshotName::latest(), "/");
            dump.archive = archive;
            let dumped = output(restic, &dump, &connection).await;
            assert!(dumped.len() > 100 && magic.is_none_or(|magic| dumped.starts_with(magic)));
        }
    }
}

#[tokio::test]
async fn snapshots_are_changed_copied_and_removed() {
    for restic in &Restic::all().await {
        let (place, connection, made) = filled(restic).await;

        let edit = TagEdit::Adjust { add: vec!["kept".to_owned()], remove: vec!["daily".to_owned()] };
        let tagged = events(restic, &Tag::new(edit, vec![name(&made[1])]), &connection).await;
        let has_summary = tagged.iter().any(|event| matches!(event, Event::TagSummary(_)));
        assert_eq!(has_summary, restic.version.has(Capability::TagJson), "{tagged:?}");
        let made = snapshots(restic, &connection).await;
        assert_eq!(made[1].tags, ["kept"]);

        let mut other = connection.clone();
        other.repository = repository_at(&place.path("other"));
        let mut init = Init::new();
        init.same_chunks_as = Some(connection.repository.clone());
        events(restic, &init, &other).await;
        events(restic, &Copy::new(connection.repository.clone()), &other).await;
        assert_eq!(snapshots(restic, &other).await.len(), 2);

        if restic.version.has(Capability::Rewrite) {
            let mut rewrite = Rewrite::excluding(Exclude::patterns(["*.log"]));
            rewrite.forget = true;
            events(restic, &rewrite, &other).await;
        }

        let mut retention = Retention::default();
        retention.last = Keep::count(1);
        retention.within = Some(Span::new(0, 0, 0, 1));
        retention.tags = vec![vec!["kept".to_owned()]];
        let rule = Forget::ByRule {
            retention,
            filter: Default::default(),
            group_by: Some(GroupBy::nothing()),
            dry_run: true,
        };
        let groups: Vec<document::ForgetGroup> =
            document::parse(&output(restic, &rule, &connection).await).expect("groups");
        assert_eq!(groups[0].keep.len(), 2, "{groups:?}");
        output(restic, &Forget::by_ids([made[0].id.clone().expect("an id")]), &connection).await;
        assert_eq!(snapshots(restic, &connection).await.len(), 1);

        let mut prune = Prune::new();
        prune.max_unused = Some(MaxUnused::Percent(0));
        prune.repack_uncompressed = true;
        prune.max_repack_bytes = Some(1 << 30);
        events(restic, &prune, &connection).await;
        events(restic, &Check::new(), &connection).await;
    }
}

#[tokio::test]
async fn keys_change_by_pipe() {
    for restic in &Restic::all().await {
        let (_place, mut connection, _) = filled(restic).await;
        let new = |text: &str| NewKey::new(NewPassword::Text(Secret::new(text)));
        let mut named = new("second password");
        named.user = Some("operator".to_owned());
        named.host = Some("desk".to_owned());
        events(restic, &Key::Add(named), &connection).await;
        let keys: Vec<document::Key> =
            document::parse(&output(restic, &Key::List, &connection).await).expect("keys");
        assert_eq!(keys.len(), 2);
        let added = keys.iter().find(|key| !key.current).expect("a new key");
        assert_eq!((added.user_name.as_str(), added.host_name.as_str()), ("operator", "desk"));
        events(restic, &Key::Remove(added.id.clone()), &connection).await;

        events(restic, &Key::ChangePassword(new("third password")), &connection).await;
        let refused = restic.run(&Snapshots::new(), &connection).await;
        assert_eq!(refused.outcome.cause, Cause::WrongPassword, "{refused:?}");
        connection.repository.password =
            restic_manager_restic::command::Password::Text(Secret::new("third password"));
        assert_eq!(snapshots(restic, &connection).await.len(), 2);
    }
}

#[tokio::test]
async fn repairs_and_unlocks_run() {
    for restic in &mut Restic::all().await {
        let (place, connection, _) = filled(restic).await;
        // `repair packs` puts copies of the packs into the working directory.
        restic.runner.options.working_directory = Some(place.path("target"));
        events(restic, &Repair::Index { read_all_packs: true }, &connection).await;
        if restic.version.has(Capability::RepairSnapshots) {
            let repair = Repair::Snapshots {
                forget: true,
                dry_run: false,
                filter: Default::default(),
                snapshots: Vec::new(),
            };
            events(restic, &repair, &connection).await;
        }
        if restic.version.has(Capability::RepairPacks) {
            let packs = output(restic, &List::new(ObjectKind::Packs), &connection).await;
            let ids = document::ids(&packs).take(1).map(str::to_owned).collect();
            let repaired = restic.run(&Repair::Packs { ids }, &connection).await;
            assert!(
                repaired.outcome.termination != restic_manager_restic::exit::Termination::Code(130),
                "{repaired:?}"
            );
        }
        events(restic, &Unlock::stale(), &connection).await;
        events(restic, &Unlock::all(), &connection).await;
    }
}

#[tokio::test]
async fn objects_are_found_and_the_lock_is_not_promised_to_be_gone() {
    for restic in &Restic::all().await {
        let (_place, connection, _) = filled(restic).await;
        let blobs = output(restic, &List::new(ObjectKind::Blobs), &connection).await;
        let blobs = String::from_utf8(blobs).expect("text");
        let blob = blobs.lines().find_map(|line| line.strip_prefix("data ")).expect("a blob");
        let find = Find::new(Search::Blobs(vec![blob.to_owned()]));
        let captured = restic.capture(&find, &connection).await;
        let found: Vec<document::FoundObject> = document::parse(&captured.stdout).expect("objects");
        assert_eq!((found[0].object_type.as_str(), found[0].id.as_str()), ("blob", blob));
        assert!(captured.finished.lock_may_remain, "{:?}", captured.finished);
    }
}

#[tokio::test]
async fn a_dash_or_a_comma_is_part_of_a_word() {
    for restic in &Restic::all().await {
        let place = Place::new();
        let mut connection = place.initialized(restic).await;
        place.write("-left-out", b"no");
        place.write("kept", b"yes");
        let mut backup = Backup::paths([place.path("source")]);
        backup.exclude = Exclude::patterns(["-*"]);
        backup.tags = vec!["-x".to_owned()];
        events(restic, &backup, &connection).await;
        let mut tagged = Snapshots::new();
        tagged.filter.tags = vec![vec!["-x".to_owned()]];
        let mut untagged = Snapshots::new();
        untagged.filter.tags = vec![Vec::new()];
        for (command, count) in [(&tagged, 1), (&untagged, 0)] {
            let found: Vec<Snapshot> =
                document::parse(&output(restic, command, &connection).await).expect("snapshots");
            assert_eq!(found.len(), count, "restic {}", restic.version);
        }
        let find = Find::new(Search::Names(vec!["-left-out".to_owned()]));
        assert_eq!(output(restic, &find, &connection).await, b"[]\n");
        events(restic, &Verbatim::new("cache", ["--cleanup"]), &connection).await;

        let mut storage = Custom::new(place.path("repository").to_str().expect("a path"));
        storage.options = vec!["local.connections=2,local.connections=3".to_owned()];
        connection.repository.backend = storage.into();
        let refused = restic.run(&Snapshots::new(), &connection).await;
        assert!(refused.outcome.message.is_some_and(|message| message.contains("2,local.connections=3")));
    }
}
