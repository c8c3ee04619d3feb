//! An index answers as a plain list of its entries does.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Memory, Model, Names, key, models, path, plain, series, snapshot};
use proptest::prelude::*;
use restic_manager_agent::index::{
    By, Catalogue, Change, Differences, Index, Kind, Meta, Moment, Pattern, SnapshotId, Tally, View, decode,
    encode, history, mark, search,
};

/// All entries of a folder, page by page.
fn paged(index: &Index, folder: &[u8], view: View) -> Option<Vec<(Vec<u8>, Meta)>> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = index.page(folder, &View { after, ..view }).expect("blocks read")?;
        assert!(page.entries.len() <= view.limit);
        all.extend(page.entries.into_iter().map(|entry| (entry.name, plain(entry.meta))));
        match page.next {
            Some(next) => after = next,
            None => return Some(all),
        }
    }
}

fn sorted(mut entries: Vec<(Vec<u8>, Meta)>, view: View) -> Vec<(Vec<u8>, Meta)> {
    entries.retain(|(_, meta)| view.kind.is_none_or(|kind| meta.kind == kind));
    let key = |meta: &Meta| match view.by {
        By::Name => (0, Moment::default()),
        By::Size => (meta.size, Moment::default()),
        By::Time => (0, meta.mtime),
    };
    match (view.by, view.descending) {
        (By::Name, true) => entries.reverse(),
        (_, true) => entries.sort_by_key(|entry| core::cmp::Reverse(key(&entry.1))),
        (_, false) => entries.sort_by_key(|entry| key(&entry.1)),
    }
    entries
}

fn all_differences(before: &Index, after: &Index, start: Option<&[u8]>) -> Vec<(Vec<u8>, Change)> {
    let differences = Differences::new(before, after, start).expect("blocks read");
    differences.map(|one| one.expect("blocks read")).map(|one| (one.path, one.change)).collect()
}

/// What an index should find, by path: for each version the snapshots.
fn expected(models: &[Model], finds: impl Fn(&Names) -> bool) -> BTreeMap<Vec<u8>, BTreeSet<SnapshotId>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (number, model) in (0..).zip(models) {
        for names in model.0.keys().filter(|names| finds(names)) {
            found.entry(path(names)).or_default().insert(snapshot(number));
        }
    }
    found
}

fn searched(indexes: &[&Index], pattern: &[u8], limit: usize) -> BTreeMap<Vec<u8>, BTreeSet<SnapshotId>> {
    let pattern = Pattern::new(pattern).expect("a pattern");
    let (mut found, mut after) = (BTreeMap::new(), None::<Vec<u8>>);
    loop {
        let answer = search(indexes, &pattern, after.as_deref(), limit, || true).expect("blocks read");
        assert!(answer.hits.len() <= limit);
        for hit in answer.hits {
            let snapshots = hit.versions.into_iter().flat_map(|version| version.snapshots).collect();
            assert!(found.insert(hit.path, snapshots).is_none(), "a path is found once");
        }
        match answer.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn lower(name: &[u8]) -> Vec<u8> {
    name.to_ascii_lowercase()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_page_is_that_of_the_list(
        model in models(),
        by in prop::sample::select(vec![By::Name, By::Size, By::Time]),
        descending: bool,
        kind in prop::option::of(prop::sample::select(vec![Kind::File, Kind::Dir])),
        limit in 1..9_usize,
    ) {
        let (catalogue, index) = model.build(1, &Memory::default());
        let view = View { by, descending, kind, after: 0, limit };
        for folder in model.folders() {
            let listed = paged(&index, &path(&folder), view);
            prop_assert_eq!(listed, Some(sorted(model.children(&folder), view)));
        }
        prop_assert_eq!(index.page(b"/no/such", &view).expect("blocks read"), None);
        prop_assert_eq!(catalogue.totals.entries, model.0.len() as u64);
        prop_assert_eq!(Catalogue::decode(&catalogue.encode()), Ok(catalogue));
    }

    #[test]
    fn every_entry_is_found_and_no_other(model in models(), other in models()) {
        let (_, index) = model.build(1, &Memory::default());
        for names in model.0.keys() {
            let found = index.entry(&path(names)).expect("blocks read");
            prop_assert_eq!(found.map(plain), Some(model.counted(names)));
        }
        for names in other.0.keys().filter(|names| !model.0.contains_key(*names)) {
            prop_assert_eq!(index.entry(&path(names)).expect("blocks read"), None);
        }
    }

    #[test]
    fn blocks_come_back_as_they_were(model in models()) {
        let memory = Memory::default();
        model.build(1, &memory);
        for file in memory.0.lock().expect("nobody panicked").values() {
            prop_assert_eq!(&encode(&decode(file).expect("it was written")), file);
        }
    }

    #[test]
    fn what_differs_is_what_differs_between_the_lists(series in series(), at: prop::sample::Index) {
        let memory = Memory::default();
        let indexes: Vec<_> = (0..).zip(&series).map(|(number, model)| model.build(number, &memory).1).collect();
        for (models, pair) in series.windows(2).zip(indexes.windows(2)) {
            let wanted = models[0].differences(&models[1]);
            let all = all_differences(&pair[0], &pair[1], None);
            prop_assert_eq!(&all.iter().cloned().collect::<BTreeMap<_, _>>(), &wanted);
            prop_assert_eq!(all.len(), wanted.len());
            if let Some(start) = (!all.is_empty()).then(|| at.index(all.len())) {
                let rest = all_differences(&pair[0], &pair[1], Some(&all[start].0));
                prop_assert_eq!(rest, all[start + 1..].to_vec());
            }
            for folder in models[1].folders() {
                let below = wanted.keys().any(|other| {
                    other.strip_prefix(path(&folder).as_slice()).is_some_and(|rest| rest.starts_with(b"/"))
                });
                let metas = [&pair[0], &pair[1]].map(|index| index.entry(&path(&folder)).expect("blocks read"));
                if let [Some(before), Some(after)] = metas
                    && before.is_dir()
                    && !folder.is_empty()
                {
                    prop_assert_eq!(mark(Some(&before), &after) == Some(Change::Content), below);
                }
            }
        }
    }

    #[test]
    fn a_search_finds_what_the_lists_hold(
        series in series(),
        pattern in prop::sample::select(vec!["a", "B-", "/a", "*", "[ab]?", "\n", "xx", "-*"]),
        limit in 1..9_usize,
    ) {
        let memory = Memory::default();
        let indexes: Vec<_> = (0..).zip(&series).map(|(number, model)| model.build(number, &memory).1).collect();
        let indexes: Vec<_> = indexes.iter().collect();
        let low = lower(pattern.as_bytes());
        let holds = |text: &[u8]| text.windows(low.len()).any(|part| part == low);
        let found = searched(&indexes, pattern.as_bytes(), limit);
        let wanted = expected(&series, |names| {
            let name = lower(&names[names.len() - 1]);
            match pattern {
                "*" => true,
                "[ab]?" => matches!(name.as_slice(), [b'a' | b'b', _]),
                "-*" => name.starts_with(b"-"),
                "/a" => holds(&lower(&path(names))),
                _ => holds(&name),
            }
        });
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn a_history_has_each_version_once_with_its_snapshots(series in series()) {
        let memory = Memory::default();
        let indexes: Vec<_> = (0..).zip(&series).map(|(number, model)| model.build(number, &memory).1).collect();
        let indexes: Vec<_> = indexes.iter().collect();
        for names in series.iter().flat_map(|model| model.0.keys()).collect::<BTreeSet<_>>() {
            let versions = history(&indexes, &path(names)).expect("blocks read");
            let content = |meta: &Meta| (meta.kind, meta.size, meta.mtime);
            let mut wanted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for (number, meta) in (0..).zip(series.iter().map(|model| model.0.get(names))) {
                if let Some(meta) = meta.filter(|meta| !meta.is_dir()) {
                    wanted.entry(content(meta)).or_default().insert(snapshot(number));
                }
            }
            let files = versions.into_iter().filter(|version| !version.meta.is_dir());
            let found: Vec<_> =
                files.map(|one| (content(&one.meta), one.snapshots.into_iter().collect::<BTreeSet<_>>())).collect();
            prop_assert_eq!(found.len(), wanted.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), wanted);
        }
    }
}

fn file(size: u64) -> Meta {
    Meta { size, ..Meta::new(Kind::File) }
}

/// Many folders with some files each.
fn tree() -> Model {
    let mut model = Model::default();
    for folder in 0..300 {
        for name in 0..40 {
            let names = [format!("folder-{folder}"), format!("file-{name}.txt")];
            model.add(&names.map(String::into_bytes), file(folder * name));
        }
    }
    model
}

#[test]
fn snapshots_share_the_blocks_that_did_not_change() {
    let (mut model, memory) = (tree(), Memory::default());
    let (first, _) = model.build(1, &memory);
    assert!(first.rows.len() > 5, "{} blocks", first.rows.len());
    model.add(&[b"folder-150".to_vec(), b"a new one".to_vec()], file(1));
    let (second, _) = model.build(2, &memory);
    let known: BTreeSet<_> = first.rows.iter().map(|row| row.hash).collect();
    let fresh = second.rows.iter().filter(|row| !known.contains(&row.hash)).count();
    // The block with that folder, and the one with the top, whose entry of it counts more.
    assert!((1..=2).contains(&fresh), "{fresh} of {} are new", second.rows.len());
}

#[test]
fn a_large_folder_is_in_pieces_and_an_entry_more_changes_few_of_them() {
    let (mut model, memory) = (Model::default(), Memory::default());
    for number in 0..30_000 {
        model.add(&[b"big".to_vec(), format!("{number:08}").into_bytes()], file(number));
    }
    model.add(&[b"big".to_vec(), b"10000000z".to_vec(), b"below".to_vec()], file(1));
    let (first, index) = model.build(1, &memory);
    assert!(first.rows.len() > 8, "{} blocks", first.rows.len());
    model.add(&[b"big".to_vec(), b"00005000+".to_vec()], file(7));
    let (second, _) = model.build(2, &memory);
    let known: BTreeSet<_> = first.rows.iter().map(|row| row.hash).collect();
    let fresh = second.rows.iter().filter(|row| !known.contains(&row.hash)).count();
    assert!(fresh < first.rows.len(), "{fresh} of {} are new", second.rows.len());
    let view = View { after: 20_000, limit: 3, ..View::default() };
    let page = index.page(b"/big", &view).expect("blocks read").expect("the folder is there");
    let names: Vec<_> = page.entries.iter().map(|entry| entry.name.as_slice()).collect();
    assert_eq!(names, [b"00020000", b"00020001", b"00020002"]);
    assert_eq!((page.total, page.next), (30_001, Some(20_003)));
}

#[test]
fn a_deep_tree_of_wide_folders_does_not_wait_in_memory() {
    let (mut model, memory) = (Model::default(), Memory::default());
    let mut names = Names::new();
    for depth in 0..200 {
        for number in 0..4 {
            let long = format!("{number}{}", "y".repeat(8000)).into_bytes();
            model.add(&[names.clone(), vec![long]].concat(), file(depth));
        }
        names.push(b"z".to_vec());
    }
    let (catalogue, index) = model.build(1, &memory);
    assert_eq!(catalogue.totals.entries, model.0.len() as u64);
    let view = View { limit: 500, ..View::default() };
    for folder in model.folders() {
        assert_eq!(paged(&index, &path(&folder), view), Some(model.children(&folder)));
    }
}

#[test]
fn an_entry_out_of_order_is_refused() {
    use restic_manager_agent::index::{Builder, IndexError, ListingError};
    let orders: [&[&[u8]]; 6] =
        [&[b"/b", b"/a"], &[b"/a", b"/a"], &[b"/a/b"], &[b"a"], &[b"/a/"], &[b"/a", b"/a/b"]];
    for paths in orders {
        let mut builder = Builder::new(Memory::default());
        let added: Result<Vec<_>, _> = paths.iter().map(|path| builder.add(path, file(1))).collect();
        let refused = matches!(added, Err(IndexError::Listing(ListingError::Order | ListingError::Path)));
        assert!(refused, "{paths:?}: {added:?}");
    }
}

#[test]
fn a_tally_counts_what_differs() {
    let memory = Memory::default();
    let mut model = Model::default();
    model.add(&[b"kept".to_vec()], file(5));
    model.add(&[b"gone".to_vec(), b"file".to_vec()], file(7));
    let (_, before) = model.build(1, &memory);
    model.0.retain(|names, _| names[0] != b"gone");
    model.add(&[b"kept".to_vec()], file(6));
    let (_, after) = model.build(2, &memory);
    let mut tally = Tally::default();
    for one in Differences::new(&before, &after, None).expect("blocks read") {
        tally.add(&one.expect("blocks read"));
    }
    assert_eq!((tally.removed.entries, tally.removed.bytes), (2, 7));
    assert_eq!((tally.content.entries, tally.content.bytes, tally.added.entries), (1, 6, 0));
    assert_eq!(before.key(), key(1));
}
