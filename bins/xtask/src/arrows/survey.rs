//! The tables held against the sources, and the map that they make.

use std::collections::BTreeSet;

use super::circles::circles;
use super::crates::{self, ALLOWED};
use super::layers::{self, LAYERS};
use super::names::Arrows;
use super::tree::{Tree, from_disk};
use crate::failure::{Failure, Outcome};
use crate::workspace::{Metadata, Package, root};

/// Crates whose layers are still being laid, and why; what is wrong there is told and does not fail. To be empty.
const UNSETTLED: &[(&str, &str)] = &[];

/// Arrows between two files, the first using the second, that close a circle and stay, each with its reason.
const KEPT: &[(&str, &str, &str)] = &[];

/// What one crate looks like.
struct Survey<'a> {
    name: &'a str,
    arrows: usize,
    circles: usize,
    wrong: BTreeSet<String>,
}

/// Fails on an arrow that is in no table, and on files that need each other.
pub(crate) fn check() -> Outcome {
    let metadata = Metadata::load()?;
    let (between_crates, wrong) = crates::judge_all(&metadata);
    let surveys: Vec<Survey<'_>> =
        metadata.packages().into_iter().map(Survey::take).collect::<Outcome<_>>()?;
    for survey in &surveys {
        println!("{:<14} {:>4} arrows between files, {} circles", survey.name, survey.arrows, survey.circles);
    }
    let circles: usize = surveys.iter().map(|survey| survey.circles).sum();
    println!(
        "{between_crates} arrows between our crates; {circles} circles of files, and {} kept:",
        KEPT.len()
    );
    KEPT.iter().for_each(|(user, used, reason)| println!("  {user} and {used}: {reason}"));
    let wrong: Vec<String> = wrong.into_iter().chain(surveys.into_iter().flat_map(Survey::verdict)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::new(wrong.join("\n"))) }
}

impl<'a> Survey<'a> {
    fn take(package: Package<'a>) -> Outcome<Self> {
        let name = crates::short(package.name());
        let trees: Vec<(Tree, Arrows)> = package.roots().map(|file| load(&file)).collect::<Outcome<_>>()?;
        let arrows: BTreeSet<_> =
            trees.iter().flat_map(|(tree, arrows)| between_files(tree, arrows)).collect();
        let kept = |from: &str, to: &str| KEPT.iter().any(|(user, used, _)| *user == from && *used == to);
        let bare = arrows.iter().filter(|(from, to)| !kept(from, to)).cloned().collect();
        let circles = circles(&bare);
        let mut wrong = layers::judge(name, &trees, LAYERS);
        wrong.extend(circles.iter().map(|circle| {
            let files: Vec<&str> = circle.iter().map(String::as_str).collect();
            format!("{name}: a circle of {} files: {}", files.len(), files.join(", "))
        }));
        Ok(Self { name, arrows: arrows.len(), circles: circles.len(), wrong })
    }

    /// What fails the check; what is only told is printed.
    fn verdict(self) -> BTreeSet<String> {
        let Some((name, reason)) = UNSETTLED.iter().find(|(name, _)| *name == self.name) else {
            return self.wrong;
        };
        if self.wrong.is_empty() {
            return BTreeSet::from([format!("{name} is settled: remove it from UNSETTLED")]);
        }
        println!("\nnotice: {name} is unsettled: {reason}");
        self.wrong.iter().for_each(|wrong| println!("  {wrong}"));
        BTreeSet::new()
    }
}

fn load(file: &std::path::Path) -> Outcome<(Tree, Arrows)> {
    let tree = Tree::load(file, &from_disk)?;
    let arrows = tree.arrows();
    Ok((tree, arrows))
}

fn between_files(tree: &Tree, arrows: &Arrows) -> BTreeSet<(String, String)> {
    let root = root();
    let file = |at: usize| {
        let file = &tree.modules[at].file;
        file.strip_prefix(&root).unwrap_or(file).display().to_string()
    };
    arrows.iter().map(|(from, to)| (file(*from), file(*to))).filter(|(from, to)| from != to).collect()
}

/// The map as it is in `docs/ARCHITECTURE.md`.
pub(crate) fn map() -> String {
    let mut map = String::from("```text\n");
    for (name, uses) in ALLOWED {
        let uses = if uses.is_empty() { "none of ours".to_owned() } else { uses.join(", ") };
        map.push_str(&format!("{name} -> {uses}\n"));
        for (place, layers) in LAYERS.iter().filter(|(place, _)| place.split('/').next() == Some(name)) {
            let folder = place.strip_prefix(name).unwrap_or_default();
            let heading = if folder.is_empty() { String::new() } else { format!("  {}:\n", &folder[1..]) };
            map.push_str(&heading);
            map.extend(layers.iter().map(|layer| format!("    {}\n", layer.join("  "))));
        }
    }
    map.push_str("```\n");
    map
}
