use std::collections::BTreeSet;
use std::path::Path;

use super::circles::circles;
use super::layers::judge;
use super::names::Arrows;
use super::tree::Tree;
use crate::failure::Failure;

/// The tree of a crate whose files these are; the first is the root.
fn tree(files: &[(&str, &str)]) -> Tree {
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| Failure::new("no such file"))
    };
    Tree::load(Path::new(files[0].0), &read).unwrap()
}

fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let tree = tree(files);
    let arrows = tree.arrows();
    let file = |at: usize| tree.modules[at].file.display().to_string();
    arrows.iter().map(|(from, to)| format!("{} > {}", file(*from), file(*to))).collect()
}

#[test]
fn a_name_leads_to_the_file_that_defines_it_and_a_contents_page_to_none() {
    let files = [
        ("lib.rs", "mod folder; pub use folder::Thing;"),
        ("folder/mod.rs", "mod one; mod two; pub(crate) use one::*; pub use two::Other as Thing;"),
        ("folder/one.rs", "pub(crate) struct One; fn f() -> super::Thing { todo!() }"),
        ("folder/two.rs", "use crate::folder::One; pub struct Other(One);"),
    ];
    assert_eq!(arrows(&files), ["folder/one.rs > folder/two.rs", "folder/two.rs > folder/one.rs"]);
}

#[test]
fn every_way_to_say_a_name_is_seen() {
    for said in [
        "use crate::b::Name;",
        "use crate::{b::{self, Name as Alias}};",
        "use super::b; fn f() { b::make(); }",
        "fn f() { use crate::b::{Name, make}; }",
        "fn f() { vec![crate::b::Name]; }",
        "fn f(_: impl Fn(&[super::b::Name])) {}",
        "impl From<crate::b::Made> for u8 {}",
        "#[derive(Debug)] struct S(#[serde(with = \"crate::b\")] u8);",
        "macro_rules! m { () => { $crate::b::Name } }",
        "shout!();",
        "use crate::b::*; type T = Name;",
    ] {
        let files = [
            ("lib.rs", "#[macro_use] mod b; mod a;"),
            ("a.rs", said),
            ("b.rs", "pub struct Name; pub fn make() {} macro_rules! shout { () => {} } ids! { Made }"),
        ];
        assert_eq!(arrows(&files), ["a.rs > b.rs"], "{said}");
    }
}

#[test]
fn what_only_looks_like_a_name_or_is_for_tests_is_none() {
    for said in [
        "//! [`crate::b::Name`]",
        "fn f(x: u8) { x.make(); <u8 as Into<u8>>::Name; }",
        "fn f<'make>(_: &'make str) {}",
        "use std::b::Name;",
        "use crate::b;",
        "pub use crate::b::Name;",
        "#[cfg(test)] use crate::b::Name;",
        "#[cfg(test)] mod tests { use crate::b::Name; }",
        "#[cfg(all(test, unix))] mod tests;",
    ] {
        let files =
            [("lib.rs", "mod a; mod b;"), ("a.rs", said), ("b.rs", "pub struct Name; pub fn make() {}")];
        assert_eq!(arrows(&files), [""; 0], "{said}");
    }
}

#[test]
fn a_module_with_a_file_for_each_platform_has_them_all() {
    let files = [
        ("src/lib.rs", "mod low; mod child;"),
        (
            "src/child/mod.rs",
            "#[cfg_attr(unix, path = \"u.rs\")] #[cfg_attr(windows, path = \"w.rs\")] mod platform;",
        ),
        ("src/child/u.rs", "use crate::low::Low;"),
        ("src/child/w.rs", "use crate::low::Low;"),
        ("src/low.rs", "pub(crate) struct Low;"),
    ];
    assert_eq!(arrows(&files), ["src/child/u.rs > src/low.rs", "src/child/w.rs > src/low.rs"]);
}

#[test]
fn a_missing_file_is_named() {
    let read = |path: &Path| {
        if path == Path::new("lib.rs") {
            Ok("mod lost;".to_owned())
        } else {
            Err(Failure::new("no such file"))
        }
    };
    let failure = Tree::load(Path::new("lib.rs"), &read).err().unwrap().to_string();
    assert!(failure.contains("lost"), "{failure}");
}

#[test]
fn circles_are_told_apart_and_what_only_leads_to_one_is_in_none() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "f"), ("f", "e"), ("c", "g")];
    let found = circles(&BTreeSet::from(arrows));
    assert_eq!(found, [BTreeSet::from(["a", "b", "c"]), BTreeSet::from(["e", "f"])]);
}

fn judged(files: &[(&str, &str)], layers: &'static [&'static [&'static str]]) -> Vec<String> {
    let tree = tree(files);
    let arrows: Arrows = tree.arrows();
    judge("ours", &[(tree, arrows)], &[("ours", layers)]).into_iter().collect()
}

#[test]
fn modules_use_what_is_below_them_alone() {
    let files = [
        ("lib.rs", "mod low; mod left; mod right; use right::Right;"),
        ("low.rs", "pub(crate) struct Low;"),
        ("left.rs", "use crate::low::Low;"),
        ("right.rs", "use crate::{low::Low, left}; pub(crate) struct Right; fn f() { left::f(); }"),
    ];
    assert_eq!(judged(&files, &[&["low"], &["left"], &["right"]]), [""; 0]);
    let neighbours = judged(&files, &[&["low"], &["left", "right"]]);
    assert!(neighbours[0].contains("right may not use left"), "{neighbours:?}");
    assert_eq!(judged(&files, &[&["right"], &["left"], &["low"]]).len(), 3);
}

#[test]
fn the_root_is_above_all() {
    let files = [("lib.rs", "mod low; struct Root;"), ("low.rs", "use crate::Root;")];
    assert_eq!(judged(&files, &[&["low"]]).len(), 1);
}

#[test]
fn the_table_lists_what_there_is() {
    let files = [("lib.rs", "mod low;"), ("low.rs", "")];
    assert!(judged(&files, &[&["low", "lost"]])[0].contains("lost"));
    assert!(judged(&files, &[])[0].contains("low is in no layer"));
    let tree = tree(&files);
    assert!(
        judge("ours", &[(tree, Arrows::new())], &[]).first().is_some_and(|wrong| wrong.contains("no layers"))
    );
}
