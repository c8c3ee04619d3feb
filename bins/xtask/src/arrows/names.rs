//! From names in the code to the module that defines them: through imports, re-exports, globs and macros.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::tree::Tree;

/// Pairs of modules, by their place in the tree, of which the first uses the second.
pub(super) type Arrows = BTreeSet<(usize, usize)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

impl Tree {
    /// Every pair of modules of which the first names something that the second defines.
    ///
    /// A re-export alone is no arrow: who takes a name from it depends on where that is defined.
    pub(super) fn arrows(&self) -> Arrows {
        let mut arrows = BTreeSet::new();
        for (from, module) in self.modules.iter().enumerate() {
            let mut add = |target| {
                if let Some(Target::Item(to)) = target {
                    arrows.insert((from, to));
                }
            };
            for import in module.imports.iter().filter(|import| !import.is_public && import.name.is_some()) {
                add(self.resolve(from, &import.path, &mut Vec::new()));
            }
            let mut paths = Vec::new();
            scan(&module.code.clone().into_iter().collect::<Vec<_>>(), false, &mut paths);
            paths.iter().for_each(|path| add(self.target(from, path)));
        }
        arrows.retain(|(from, to)| from != to);
        arrows
    }

    fn target(&self, from: usize, path: &Path) -> Option<Target> {
        let target = self.resolve(from, &path.segments, &mut Vec::new());
        match (target, path.kind) {
            (None, Kind::Macro) => self.macro_above(from, &path.segments[0]),
            (Some(Target::Module(module)), Kind::InText) => Some(Target::Item(module)),
            _ => target,
        }
    }

    /// The macro that is in scope by its place in the text: of a module around this one, or the only one of its name.
    fn macro_above(&self, from: usize, name: &str) -> Option<Target> {
        let known = self.macros.get(name)?;
        let mut around = std::iter::successors(Some(from), |at| self.modules[*at].parent);
        let only = known.first().filter(|_| known.len() == 1).copied();
        around.find(|at| known.contains(at)).or(only).map(Target::Item)
    }

    /// `open` holds the imports being followed, so that one that leads to itself ends.
    fn resolve(&self, from: usize, path: &[String], open: &mut Vec<(usize, String)>) -> Option<Target> {
        let mut at = Target::Module(from);
        for (depth, segment) in path.iter().enumerate() {
            let Target::Module(module) = at else { break };
            at = match segment.as_str() {
                "crate" => Target::Module(0),
                "self" => at,
                "super" => Target::Module(self.modules[module].parent?),
                name => match self.look_up(module, name, open) {
                    Some(found) => found,
                    // A macro made it.
                    None if depth > 0 => Target::Item(module),
                    None => return None,
                },
            };
        }
        Some(at)
    }

    fn look_up(&self, at: usize, name: &str, open: &mut Vec<(usize, String)>) -> Option<Target> {
        let module = &self.modules[at];
        if let Some(child) = module.children.get(name) {
            return Some(Target::Module(*child));
        }
        if module.items.contains(name) {
            return Some(Target::Item(at));
        }
        let step = (at, name.to_owned());
        if open.contains(&step) {
            return None;
        }
        open.push(step);
        let named = module.imports.iter().find(|import| import.name.as_deref() == Some(name));
        let found = named.and_then(|import| self.resolve(at, &import.path, open)).or_else(|| {
            let globs = module.imports.iter().filter(|import| import.name.is_none());
            globs
                .filter_map(|glob| self.resolve(at, &glob.path, open))
                .collect::<Vec<_>>()
                .into_iter()
                .find_map(|target| match target {
                    Target::Module(module) => self.look_up(module, name, open),
                    Target::Item(_) => None,
                })
        });
        open.pop();
        found
    }
}

struct Path {
    segments: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    /// Followed by `!`.
    Macro,
    /// Inside a text of an attribute, as serde takes them.
    InText,
}

/// Collects whatever may be a path. A field, a lifetime or what follows `>::` is none.
fn scan(tokens: &[TokenTree], in_attribute: bool, paths: &mut Vec<Path>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                let is_attribute =
                    group.delimiter() == Delimiter::Bracket && at > 0 && is(tokens, at - 1, '#')
                        || at > 1 && is(tokens, at - 1, '!') && is(tokens, at - 2, '#');
                let is_prose = |word: &proc_macro2::Ident| word == "doc" || word == "cfg";
                if !matches!(inside.first(), Some(TokenTree::Ident(word)) if is_attribute && is_prose(word)) {
                    scan(&inside, is_attribute || in_attribute, paths);
                }
            }
            TokenTree::Literal(text) if in_attribute => {
                let parsed: Result<TokenStream, _> = text.to_string().trim_matches('"').parse();
                let first = paths.len();
                scan(&parsed.unwrap_or_default().into_iter().collect::<Vec<_>>(), false, paths);
                paths[first..].iter_mut().for_each(|path| path.kind = Kind::InText);
            }
            TokenTree::Ident(_) if begins_a_path(tokens, at) => {
                at = follow(tokens, at, Vec::new(), paths);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

fn begins_a_path(tokens: &[TokenTree], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return true };
    let is_field = is(tokens, before, '.') && !(before > 0 && is(tokens, before - 1, '.'));
    let goes_on = is(tokens, before, ':') && before > 0 && is(tokens, before - 1, ':');
    !is_field && !goes_on && !is(tokens, before, '\'')
}

/// Takes `a::b::c`, and each branch of `a::{b, c}`; returns where to go on.
fn follow(tokens: &[TokenTree], start: usize, mut segments: Vec<String>, paths: &mut Vec<Path>) -> usize {
    let mut at = start;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        segments.push(ident.to_string());
        at += 1;
        if !(is(tokens, at, ':') && is(tokens, at + 1, ':')) {
            break;
        }
        if let Some(TokenTree::Group(group)) = tokens.get(at + 2) {
            let branches: Vec<_> = group.stream().into_iter().collect();
            for branch in
                branches.split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','))
            {
                follow(branch, 0, segments.clone(), paths);
            }
            return at + 3;
        }
        at += if matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) { 2 } else { 0 };
    }
    let kind = if segments.len() == 1 && is(tokens, at, '!') { Kind::Macro } else { Kind::Plain };
    if !segments.is_empty() {
        paths.push(Path { segments, kind });
    }
    at.max(start + 1)
}

fn is(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
