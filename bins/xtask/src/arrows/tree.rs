//! The modules of one crate as its sources declare them: what each file defines, imports and says. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

use crate::failure::{Failure, Outcome};

/// One module; several inline ones share a file.
pub(super) struct Module {
    pub(super) path: Vec<String>,
    pub(super) file: PathBuf,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// Everything but imports and modules.
    pub(super) code: TokenStream,
}

pub(super) struct Import {
    /// Nothing for `*`.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    /// Handed on to others rather than used here.
    pub(super) is_public: bool,
}

/// The modules below one root file; the first is the root.
#[derive(Default)]
pub(crate) struct Tree {
    pub(super) modules: Vec<Module>,
    /// Where each `macro_rules!` is: with `#[macro_use]` their scope is the text, not the module.
    pub(super) macros: BTreeMap<String, BTreeSet<usize>>,
}

impl Tree {
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.modules.iter().map(|module| module.file.as_path())
    }
}

/// Gives the text of a file.
pub(crate) type Read<'a> = &'a dyn Fn(&Path) -> Outcome<String>;

impl Tree {
    pub(crate) fn load(root: &Path, read: Read<'_>) -> Outcome<Self> {
        let mut loader = Loader { tree: Self::default(), read };
        loader.add_file(root, root.parent().unwrap_or(root), None, Vec::new())?;
        Ok(loader.tree)
    }
}

struct Loader<'a> {
    tree: Tree,
    read: Read<'a>,
}

impl Loader<'_> {
    /// `folder` is where the files of child modules are.
    fn add_file(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        path: Vec<String>,
    ) -> Outcome<usize> {
        let parsed = parse(file, self.read)?;
        self.add(file, folder, parent, path, parsed.items)
    }

    fn add(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        path: Vec<String>,
        items: Vec<Item>,
    ) -> Outcome<usize> {
        let at = self.tree.modules.len();
        self.tree.modules.push(Module {
            path,
            file: file.to_path_buf(),
            parent,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            imports: Vec::new(),
            code: TokenStream::new(),
        });
        for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(module) => self.add_child(at, file, folder, module)?,
                Item::Use(item) => {
                    let is_public = !matches!(item.vis, Visibility::Inherited);
                    collect(&item.tree, &mut Vec::new(), is_public, &mut self.tree.modules[at].imports);
                }
                item => self.add_item(at, &item),
            }
        }
        Ok(at)
    }

    fn add_child(&mut self, at: usize, file: &Path, folder: &Path, module: ItemMod) -> Outcome {
        let name = module.ident.to_string();
        let path = [self.tree.modules[at].path.clone(), vec![name.clone()]].concat();
        let below = folder.join(&name);
        let child = match module.content {
            Some((_, items)) => self.add(file, &below, Some(at), path, items)?,
            None => {
                let sources = self.sources_of(&module.attrs, file, folder, &name);
                let mut added = sources.iter().map(|source| {
                    let is_folder = source.ends_with("mod.rs");
                    let below = if is_folder { source.with_file_name("") } else { below.clone() };
                    self.add_file(source, &below, Some(at), path.clone())
                });
                let missing = || Failure::new(format!("{}: no file for `mod {name}`", file.display()));
                let first = added.next().ok_or_else(missing)??;
                added.collect::<Outcome<Vec<_>>>()?;
                first
            }
        };
        self.tree.modules[at].children.insert(name, child);
        Ok(())
    }

    /// The file of a module; where it is stated for each platform, all of them.
    fn sources_of(&self, attributes: &[Attribute], file: &Path, folder: &Path, name: &str) -> Vec<PathBuf> {
        let beside = file.parent().unwrap_or(file);
        let stated: Vec<_> =
            attributes.iter().filter_map(stated_path).map(|path| beside.join(path)).collect();
        if !stated.is_empty() {
            return stated;
        }
        let usual = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
        usual.into_iter().filter(|candidate| (self.read)(candidate).is_ok()).collect()
    }

    fn add_item(&mut self, at: usize, item: &Item) {
        let module = &mut self.tree.modules[at];
        match item {
            // Whatever looks like a type may be one that the macro makes.
            Item::Macro(item) if item.ident.is_none() => names(item.mac.tokens.clone(), &mut module.items),
            item => {
                let name = ident_of(item).map(ToString::to_string);
                if let (Item::Macro(_), Some(name)) = (item, &name) {
                    self.tree.macros.entry(name.clone()).or_default().insert(at);
                }
                module.items.extend(name);
            }
        }
        module.code.extend(item.to_token_stream());
    }
}

/// A source file with the items for tests still in it.
pub(crate) fn parse(file: &Path, read: Read<'_>) -> Outcome<syn::File> {
    syn::parse_file(&read(file)?).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

pub(crate) fn from_disk(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| Failure::at(file, &error))
}

fn ident_of(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.to_token_stream().to_string();
        let says = |word: &str| condition.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && says("test") && !says("not")
    })
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Of `#[path = "…"]` and `#[cfg_attr(…, path = "…")]`.
fn stated_path(attribute: &Attribute) -> Option<String> {
    let said = attribute.meta.to_token_stream().to_string();
    let (_, rest) = said.split_once("path = \"")?;
    rest.split_once('"').map(|(path, _)| path.to_owned())
}

fn collect(tree: &UseTree, prefix: &mut Vec<String>, is_public: bool, into: &mut Vec<Import>) {
    let leaf = |prefix: &[String], last: Option<String>, name: Option<String>| Import {
        path: prefix.iter().cloned().chain(last.filter(|last| last != "self")).collect(),
        name,
        is_public,
    };
    match tree {
        UseTree::Path(step) => {
            prefix.push(step.ident.to_string());
            collect(&step.tree, prefix, is_public, into);
            prefix.pop();
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| collect(tree, prefix, is_public, into));
        }
        UseTree::Glob(_) => into.push(leaf(prefix, None, None)),
        UseTree::Rename(last) => {
            into.push(leaf(prefix, Some(last.ident.to_string()), Some(last.rename.to_string())));
        }
        UseTree::Name(last) => {
            let last = last.ident.to_string();
            let name = if last == "self" { prefix.last().cloned() } else { Some(last.clone()) };
            into.push(leaf(prefix, Some(last), name));
        }
    }
}

fn names(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names(group.stream(), into),
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                if name.starts_with(char::is_uppercase) {
                    into.insert(name);
                }
            }
            _ => {}
        }
    }
}
