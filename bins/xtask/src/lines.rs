//! `cargo xtask lines`: how large files and functions are, crate by crate, tests left out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::arrows::tree::{Tree, attributes, from_disk, is_for_tests, parse};
use crate::failure::Outcome;
use crate::workspace::{Metadata, Package};

/// The lengths of what one crate is made of, in lines.
#[derive(Default)]
struct Sizes {
    files: Vec<usize>,
    functions: Vec<usize>,
}

pub(crate) fn run(_: &[String]) -> Outcome {
    println!("crate           lines  files: median p90 max  functions: median p90 max");
    let metadata = Metadata::load()?;
    let mut all = Sizes::default();
    for package in metadata.packages() {
        let sizes = Sizes::of(package)?;
        print_row(package.name().trim_start_matches("restic-manager-"), &sizes);
        all.files.extend(sizes.files);
        all.functions.extend(sizes.functions);
    }
    print_row("all", &all);
    Ok(())
}

fn print_row(name: &str, Sizes { files, functions }: &Sizes) {
    let lines: usize = files.iter().sum();
    let (file, function) = (Spread::of(files), Spread::of(functions));
    println!(
        "{name:<14} {lines:>6}  {:>5}: {:>6} {:>3} {:>3}  {:>9}: {:>6} {:>3} {:>3}",
        files.len(),
        file.median,
        file.ninetieth,
        file.most,
        functions.len(),
        function.median,
        function.ninetieth,
        function.most,
    );
}

impl Sizes {
    fn of(package: Package<'_>) -> Outcome<Self> {
        let mut files = BTreeSet::new();
        for root in package.roots() {
            files.extend(Tree::load(&root, &from_disk)?.files().map(PathBuf::from));
        }
        let mut sizes = Self::default();
        // An example may take what it shows from the tests.
        for file in files.iter().filter(|file| !file.iter().any(|folder| folder == "tests")) {
            let text = from_disk(file)?;
            let mut count = Count { functions: &mut sizes.functions, test_lines: 0 };
            count.visit_file(&parse(file, &from_disk)?);
            sizes.files.push(text.lines().count() - count.test_lines);
        }
        Ok(sizes)
    }
}

/// Walks over a file without its tests.
struct Count<'a> {
    functions: &'a mut Vec<usize>,
    test_lines: usize,
}

impl<'ast> Visit<'ast> for Count<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_for_tests(attributes(item)) {
            self.test_lines += lines_between(item, item);
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.functions.push(lines_between(&item.sig, &item.block));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.functions.push(lines_between(&item.sig, &item.block));
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.functions.extend(item.default.as_ref().map(|block| lines_between(&item.sig, block)));
        visit::visit_trait_item_fn(self, item);
    }
}

fn lines_between(first: &impl quote::ToTokens, last: &impl quote::ToTokens) -> usize {
    last.span().end().line - first.span().start().line + 1
}

#[derive(Debug, PartialEq, Eq)]
struct Spread {
    median: usize,
    ninetieth: usize,
    most: usize,
}

impl Spread {
    fn of(lengths: &[usize]) -> Self {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| {
            sorted
                .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0)
        };
        Self { median: at(50), ninetieth: at(90), most: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_count_neither_as_lines_nor_as_functions() {
        let text = "fn a() {\n}\nimpl S {\n    /// Said.\n    fn b(\n    ) {\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let mut functions = Vec::new();
        let mut count = Count { functions: &mut functions, test_lines: 0 };
        count.visit_file(&syn::parse_file(text).unwrap());
        assert_eq!(count.test_lines, 4);
        assert_eq!(functions, [2, 3]);
    }

    #[test]
    fn the_spread_of_a_hundred_and_of_none() {
        let lengths: Vec<usize> = (1..=100).rev().collect();
        assert_eq!(Spread::of(&lengths), Spread { median: 51, ninetieth: 91, most: 100 });
        assert_eq!(Spread::of(&[]), Spread { median: 0, ninetieth: 0, most: 0 });
    }
}
