//! A snapshot, folder by folder, with what is chosen to be restored.

use restic_manager_proto::{
    HostId, RawPath, RepositoryId, SnapshotEntry,
    api::{
        Cursor, Nothing, Page,
        snapshots::{self, BySnapshot, FolderQuery, SearchQuery},
    },
    vocabulary::{EntryKind, EntrySort, Role},
};
use serde::Serialize;

use super::{
    context::Cx,
    host::HostContext,
    problem::{explain, refusal_of},
    respond::{Answer, html, link},
};
use crate::{
    api::Failure,
    forms::Form,
    render::Template,
    text,
    view::{Banner, Moment, Pager, Size},
};

/// Entries of a page.
const PAGE: u32 = 200;
/// What begins the names of the fields that hold what is chosen.
pub(crate) const PICK: &str = "pick.";

#[derive(Serialize)]
struct BrowsePage {
    snapshot: SnapshotHead,
    /// The folder and those above it, the root first.
    crumbs: Vec<Crumb>,
    folder: String,
    /// The folder itself, to be chosen as a whole.
    this: String,
    entries: Vec<EntryRow>,
    /// Why nothing can be shown.
    problem: Option<Banner>,
    chosen: Vec<Chosen>,
    clear: String,
    columns: Vec<Column>,
    search: String,
    restore: String,
    denied: Option<String>,
    pager: Pager,
}

/// What the pages of one snapshot say of it.
#[derive(Serialize)]
pub(crate) struct SnapshotHead {
    pub(crate) short: String,
    pub(crate) full: String,
    pub(crate) time: Moment,
    pub(crate) repository: String,
    pub(crate) repository_href: String,
    pub(crate) size: Option<Size>,
    pub(crate) paths: String,
}

#[derive(Serialize)]
struct Crumb {
    name: String,
    href: String,
}

#[derive(Serialize)]
struct Column {
    label: &'static str,
    /// How it is sorted now, in the words of `aria-sort`.
    sorted: Option<&'static str>,
    href: String,
}

#[derive(Serialize)]
struct Chosen {
    field: String,
    value: String,
    shown: String,
}

#[derive(Serialize)]
struct EntryRow {
    /// The field of its box; none where its name is not known exactly.
    field: Option<String>,
    path: String,
    shown: String,
    href: Option<String>,
    icon: &'static str,
    kind: &'static str,
    size: Option<Size>,
    modified: Option<Moment>,
    mode: String,
    owner: String,
}

impl Template for BrowsePage {
    const FILE: &'static str = "pages/snapshot.html";
}

/// The snapshot that an address names.
pub(crate) fn by(cx: &Cx) -> Result<BySnapshot, Failure> {
    Ok(BySnapshot {
        host: cx.parameter("host")?,
        repository: cx.parameter("repository")?,
        snapshot: cx.parameter("snapshot")?,
    })
}

/// Where a snapshot is looked into.
pub(crate) fn address(host: HostId, repository: RepositoryId, snapshot: &str) -> String {
    format!("/hosts/{host}/snapshots/{repository}/{snapshot}")
}

/// What was chosen, by the fields that hold it.
pub(crate) fn picked(form: &Form) -> Vec<RawPath> {
    let mut paths: Vec<RawPath> = form.with_prefix(PICK).filter_map(|path| path.parse().ok()).collect();
    paths.sort();
    paths.dedup();
    paths
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let by = by(&cx)?;
    let own = address(by.host, by.repository, &by.snapshot);
    let folder = cx.choice("path").unwrap_or_else(RawPath::root);
    let after = cx.query.given("after").map(Cursor::new);
    let (sort, descending) = (cx.choice::<EntrySort>("sort"), cx.query.given("descending").map(|_| true));
    let query =
        FolderQuery { path: Some(folder.clone()), sort, descending, limit: Some(PAGE), after: after.clone() };
    let (host, seen, found) = tokio::join!(
        HostContext::load(&cx, by.host),
        cx.api.get::<snapshots::Show>(by.clone(), Nothing {}),
        cx.api.get::<snapshots::Folder>(by.clone(), query),
    );
    let (host, seen) = (host?, seen?);
    let chosen = picked(&cx.query);
    let order = Order { sort: sort.unwrap_or_default(), descending: descending.is_some() };
    let at = |path: &RawPath, after: Option<&Cursor>| here(&own, path, order, after, &chosen);
    let (found, problem) = match refusal_of(found)? {
        Ok(page) => (page, None),
        Err(problem) => (Page { items: Vec::new(), next: None }, Some(explain(&problem))),
    };
    let page = BrowsePage {
        snapshot: SnapshotHead::new(&cx, &seen),
        crumbs: crumbs(&folder)
            .into_iter()
            .map(|(name, path)| Crumb { name, href: at(&path, None) })
            .collect(),
        folder: folder.shown(),
        this: folder.to_string(),
        entries: found
            .items
            .iter()
            .enumerate()
            .map(|(index, entry)| EntryRow::new(&cx, &folder, index, entry, &chosen, |path| at(path, None)))
            .collect(),
        problem,
        chosen: chosen
            .iter()
            .enumerate()
            .map(|(index, path)| Chosen {
                field: format!("{PICK}c{index}"),
                value: path.to_string(),
                shown: path.shown(),
            })
            .collect(),
        clear: here(&own, &folder, order, None, &[]),
        columns: columns(order, |order| here(&own, &folder, order, None, &chosen)),
        search: format!("{own}/search"),
        restore: format!("{own}/restore"),
        denied: host.caller.denied(Role::Operator),
        pager: Pager {
            first: after.as_ref().map(|_| at(&folder, None)),
            next: found.next.as_ref().map(|next| at(&folder, Some(next))),
        },
    };
    let title = format!("Snapshot {}", page.snapshot.short);
    let frame = host.inner_frame(&cx, title);
    html(&frame, &page)
}

/// In which order entries are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Order {
    sort: EntrySort,
    descending: bool,
}

/// The heads of the columns by which entries can be sorted, each with the address that does so.
fn columns(now: Order, at: impl Fn(Order) -> String) -> Vec<Column> {
    let heads = [(EntrySort::Name, "Name"), (EntrySort::Size, "Size"), (EntrySort::Time, "Changed")];
    let column = |(sort, label)| {
        let is_now = now.sort == sort;
        // Sizes and times are looked for from the largest and newest on.
        let descending = if is_now { !now.descending } else { sort != EntrySort::Name };
        let sorted = is_now.then_some(if now.descending { "descending" } else { "ascending" });
        Column { label, sorted, href: at(Order { sort, descending }) }
    };
    heads.into_iter().map(column).collect()
}

/// The address of a folder, with what is chosen.
fn here(own: &str, folder: &RawPath, order: Order, after: Option<&Cursor>, chosen: &[RawPath]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("path", &folder.to_string());
    if order.sort != EntrySort::Name {
        query.append_pair("sort", order.sort.as_str());
    }
    if order.descending {
        query.append_pair("descending", "yes");
    }
    if let Some(after) = after {
        query.append_pair("after", after.as_str());
    }
    for (index, path) in chosen.iter().enumerate() {
        query.append_pair(&format!("{PICK}c{index}"), &path.to_string());
    }
    format!("{own}?{}", query.finish())
}

/// A folder and those above it, the root first, each with its name.
fn crumbs(folder: &RawPath) -> Vec<(String, RawPath)> {
    let mut found = Vec::new();
    let mut path = folder.clone();
    while path != RawPath::root() {
        found.push((path.name().shown(), path.clone()));
        path = path.parent();
    }
    found.push(("/".to_owned(), RawPath::root()));
    found.reverse();
    found
}

#[derive(Serialize)]
struct SearchPage {
    snapshot: SnapshotHead,
    action: String,
    text: String,
    searched: bool,
    hits: Vec<EntryRow>,
    problem: Option<Banner>,
    restore: String,
    denied: Option<String>,
    pager: Pager,
}

impl Template for SearchPage {
    const FILE: &'static str = "pages/snapshot_search.html";
}

/// Names in a snapshot.
pub(crate) async fn search(cx: Cx) -> Answer {
    let by = by(&cx)?;
    let own = address(by.host, by.repository, &by.snapshot);
    let (host, seen) =
        tokio::join!(HostContext::load(&cx, by.host), cx.api.get::<snapshots::Show>(by.clone(), Nothing {}),);
    let (host, seen) = (host?, seen?);
    let text = cx.query.text("text").to_owned();
    let after = cx.query.given("after").map(Cursor::new);
    let mut found = Page { items: Vec::new(), next: None };
    let mut problem = None;
    if !text.is_empty() {
        let query = SearchQuery { text: text.clone(), limit: None, after: after.clone() };
        match refusal_of(cx.api.get::<snapshots::Search>(by, query).await)? {
            Ok(page) => found = page,
            Err(refused) => problem = Some(explain(&refused)),
        }
    }
    let action = format!("{own}/search");
    let open =
        |path: &RawPath| here(&own, path, Order { sort: EntrySort::Name, descending: false }, None, &[]);
    let rows = found.items.iter().enumerate().map(|(index, hit)| {
        let mut row = EntryRow::new(&cx, &hit.folder, index, &hit.entry, &[], open);
        let path = hit.folder.join(&hit.entry.name);
        row.shown = path.shown();
        row.href = Some(open(if row.kind == "Folder" { &path } else { &hit.folder }));
        row
    });
    let page = SearchPage {
        snapshot: SnapshotHead::new(&cx, &seen),
        searched: !text.is_empty() && problem.is_none(),
        hits: rows.collect(),
        problem,
        restore: format!("{own}/restore"),
        denied: host.caller.denied(Role::Operator),
        pager: Pager {
            first: after.as_ref().map(|_| link(&action, &[("text", Some(&text))])),
            next: found
                .next
                .as_ref()
                .map(|next| link(&action, &[("text", Some(&text)), ("after", Some(next.as_str()))])),
        },
        action,
        text,
    };
    let title = format!("Search in {}", page.snapshot.short);
    html(&host.inner_frame(&cx, title), &page)
}

impl SnapshotHead {
    pub(crate) fn new(cx: &Cx, seen: &snapshots::Snapshot) -> Self {
        let snapshot = &seen.snapshot;
        Self {
            short: snapshot.id.chars().take(8).collect(),
            full: snapshot.id.clone(),
            time: cx.moment(snapshot.time),
            repository: seen.repository.name.clone(),
            repository_href: format!("/repositories/{}", seen.repository.id),
            size: snapshot.bytes.map(Size::new),
            paths: snapshot.paths.join("  "),
        }
    }
}

impl EntryRow {
    fn new(
        cx: &Cx,
        folder: &RawPath,
        index: usize,
        entry: &SnapshotEntry,
        chosen: &[RawPath],
        open: impl Fn(&RawPath) -> String,
    ) -> Self {
        let path = folder.join(&entry.name);
        let is_chosen = chosen.iter().any(|outer| path.is_within(outer));
        let (icon, kind) = match entry.kind {
            EntryKind::Folder => ("folder", "Folder"),
            EntryKind::File => ("file-text", "File"),
            EntryKind::Symlink => ("arrow-right", "Link"),
            _ => ("circle-dashed", "Device or pipe"),
        };
        let name = entry.name.shown();
        Self {
            field: (!entry.inexact && !is_chosen).then(|| format!("{PICK}{index}")),
            shown: match &entry.link_target {
                Some(target) => format!("{name} → {}", target.shown()),
                None => name,
            },
            href: (entry.kind == EntryKind::Folder && !entry.inexact).then(|| open(&path)),
            path: path.to_string(),
            icon,
            kind,
            size: (entry.kind == EntryKind::File || entry.below.is_some()).then(|| Size::new(entry.size)),
            modified: entry.modified_at.map(|at| cx.moment(at)),
            mode: text::permissions(entry.mode),
            owner: owner(entry),
        }
    }
}

fn owner(entry: &SnapshotEntry) -> String {
    let named = |name: &str, number: u32| if name.is_empty() { number.to_string() } else { name.to_owned() };
    format!("{}:{}", named(&entry.user, entry.uid), named(&entry.group, entry.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_come_first() {
        let names = |path: &str| -> Vec<String> {
            crumbs(&RawPath::new(path)).into_iter().map(|(_, path)| path.to_string()).collect()
        };
        assert_eq!(names("/"), ["/"]);
        assert_eq!(names("/srv/www"), ["/", "/srv", "/srv/www"]);
    }

    #[test]
    fn what_is_chosen_goes_along_and_is_read_once() {
        let chosen = [RawPath::new("/a"), RawPath::new(*b"/b\xff")];
        let order = Order { sort: EntrySort::Size, descending: true };
        let address = here("/x", &RawPath::new("/srv & co"), order, None, &chosen);
        let (path, query) = address.split_once('?').unwrap();
        let form = Form::parse(format!("{query}&pick.7=%2Fa").as_bytes());
        assert_eq!((path, form.text("path")), ("/x", "/srv & co"));
        assert_eq!((form.text("sort"), form.text("descending")), ("size", "yes"));
        assert_eq!(picked(&form), chosen);
    }
}
