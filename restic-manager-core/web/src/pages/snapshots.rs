//! A host's snapshots, as they were seen in its repositories.

use restic_manager_proto::{
    HostId,
    api::{Cursor, hosts::ByHost, snapshots},
};
use serde::Serialize;

use super::{
    browse,
    context::Cx,
    host::{HostContext, HostTab},
    respond::{Answer, html, link},
};
use crate::{
    render::Template,
    text,
    view::{Moment, Pager, Size},
};

#[derive(Serialize)]
struct SnapshotsPage<H> {
    head: H,
    snapshots: Vec<SnapshotRow>,
    pager: Pager,
}

#[derive(Serialize)]
struct SnapshotRow {
    id: String,
    short: String,
    /// Where it is looked into.
    href: String,
    time: Moment,
    paths: String,
    files: Option<String>,
    size: Option<Size>,
    added: Option<Size>,
    tags: Vec<String>,
    repository: String,
    repository_href: String,
    program: Option<String>,
    seen: Moment,
}

impl<H: Serialize> Template for SnapshotsPage<H> {
    const FILE: &'static str = "pages/host_snapshots.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let filter =
        snapshots::Filter { after: cx.query.given("after").map(Cursor::new), ..snapshots::Filter::default() };
    let (host, found) = tokio::try_join!(
        HostContext::load(&cx, id),
        cx.api.get::<snapshots::List>(ByHost { host: id }, filter.clone())
    )?;
    let address = format!("/hosts/{id}");
    let page = SnapshotsPage {
        head: host.head(&cx, HostTab::Snapshots),
        snapshots: found.items.iter().map(|seen| SnapshotRow::new(&cx, id, seen)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| address.clone()),
            next: found.next.as_ref().map(|next| link(&address, &[("after", Some(next.as_str()))])),
        },
    };
    html(&host.frame(&cx).reloads(), &page)
}

impl SnapshotRow {
    fn new(cx: &Cx, host: HostId, seen: &snapshots::Snapshot) -> Self {
        let snapshot = &seen.snapshot;
        Self {
            id: snapshot.id.clone(),
            short: snapshot.id.chars().take(8).collect(),
            href: browse::address(host, seen.repository.id, &snapshot.id),
            time: cx.moment(snapshot.time),
            paths: snapshot.paths.join("  "),
            files: snapshot.files.map(text::count),
            size: snapshot.bytes.map(Size::new),
            added: snapshot.bytes_added.map(Size::new),
            tags: snapshot.tags.clone(),
            repository: seen.repository.name.clone(),
            repository_href: format!("/repositories/{}", seen.repository.id),
            program: snapshot.program_version.clone(),
            seen: cx.moment(seen.seen_at),
        }
    }
}
