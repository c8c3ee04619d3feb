//! The form of a restore: what, where to, and what happens to what is there.

use restic_manager_proto::{
    Bandwidth, HostId, RawPath, RestoreOptions, RestoreTarget,
    api::{
        Nothing, Problem,
        hosts::{Attachment, ByHost},
        repositories::{self, ByRepository},
        restores::{Create, NewRestore},
        snapshots,
    },
    vocabulary::{Overwrite, Role},
};
use serde::Serialize;

use super::{
    browse::{self, SnapshotHead, address, picked},
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    host::HostContext,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
};
use crate::{api::Failure, render::Template, view::SelectOption};

#[derive(Serialize)]
struct RestorePage<'a> {
    snapshot: SnapshotHead,
    action: String,
    back: String,
    name: String,
    form: FormState<'a>,
    hosts: Vec<SelectOption>,
    overwrites: Vec<SelectOption>,
    denied: Option<String>,
}

impl Template for RestorePage<'_> {
    const FILE: &'static str = "pages/restore.html";
}

pub(crate) async fn form(cx: Cx) -> Answer {
    show(&cx, None).await
}

async fn show(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let by = browse::by(cx)?;
    let own = address(by.host, by.repository, &by.snapshot);
    let filter = repositories::Filter { limit: Some(500), ..repositories::Filter::default() };
    let of = ByRepository { repository: by.repository };
    let (host, seen, attached) = tokio::try_join!(
        HostContext::load(cx, by.host),
        cx.api.get::<snapshots::Show>(by.clone(), Nothing {}),
        cx.api.get::<repositories::Attachments>(of, filter),
    )?;
    let chosen: Vec<String> = match picked(&cx.query).as_slice() {
        [] => vec![RawPath::root().to_string()],
        paths => paths.iter().map(ToString::to_string).collect(),
    };
    let action = format!("{own}/restore");
    let mut form = cx.form_at(&[&action], problem);
    form.lines_of("paths", "restore.paths", &chosen)
        .text("to", &by.host.to_string())
        .text("target", "folder")
        .text_of("folder", "restore.target", &default_folder(&host.host.name, &seen))
        .text_of("overwrite", "restore.overwrite", Overwrite::IfChanged.as_str())
        .text("confirm", "")
        .flag("verify", true)
        .flag("back_up_first", true)
        .flag("delete", false);
    let page = RestorePage {
        snapshot: SnapshotHead::new(cx, &seen),
        action,
        back: own,
        name: host.host.name.clone(),
        form,
        hosts: hosts(by.host, &host.host.name, &attached.items),
        overwrites: overwrites(),
        denied: host.caller.denied(Role::Operator),
    };
    let title = format!("Restore from {}", page.snapshot.short);
    let frame = host.inner_frame(cx, title);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

/// A folder of its own for each restore, below one that a host's policy can name.
fn default_folder(name: &str, seen: &snapshots::Snapshot) -> String {
    let id: String = seen.snapshot.id.chars().take(8).collect();
    let day = seen.snapshot.time.to_string();
    format!("/var/restores/{name}-{}-{id}", day.get(..10).unwrap_or_default())
}

/// The host itself first, then those that could write it too.
fn hosts(own: HostId, name: &str, attached: &[Attachment]) -> Vec<SelectOption> {
    let option = |id: HostId, label: &str| SelectOption { value: id.to_string(), label: label.to_owned() };
    let others = attached.iter().filter(|row| row.host.id != own);
    core::iter::once(option(own, name)).chain(others.map(|row| option(row.host.id, &row.host.name))).collect()
}

fn overwrites() -> Vec<SelectOption> {
    let words = [
        (Overwrite::IfChanged, "Replaced where size or time differ"),
        (Overwrite::IfNewer, "Replaced where the snapshot’s is newer"),
        (Overwrite::Never, "Left alone; only what is missing is restored"),
        (Overwrite::Always, "Always replaced"),
    ];
    let option = |(word, label): (Overwrite, &str)| SelectOption {
        value: word.as_str().to_owned(),
        label: label.to_owned(),
    };
    words.into_iter().map(option).collect()
}

pub(crate) async fn submit(cx: Cx) -> Answer {
    let asked = async {
        let (to, body) = posted(&cx)?;
        cx.api.send::<Create>(ByHost { host: to }, body).await
    }
    .await;
    match refusal_of(asked)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(problem) => show(&cx, Some(&problem)).await,
    }
}

fn posted(cx: &Cx) -> Result<(HostId, NewRestore), Failure> {
    let by = browse::by(cx)?;
    let mut reader = FormReader::new(&cx.form);
    let to: Option<HostId> = reader.choice("to");
    let overwrite = reader.choice("overwrite");
    let mut paths = Vec::new();
    for (index, line) in cx.form.lines("paths").iter().enumerate() {
        match line.parse::<RawPath>() {
            Ok(path) => paths.push(path),
            Err(error) => reader.refuse(&format!("restore.paths.{index}"), &error.to_string()),
        }
    }
    let target = match cx.form.text("target") {
        "original" => RestoreTarget::Original {},
        _ => RestoreTarget::Folder { path: cx.form.text("folder").to_owned() },
    };
    let is_original = target == RestoreTarget::Original {};
    let ticked = |name| cx.form.given(name).is_some();
    let restore = overwrite.map(|overwrite| RestoreOptions {
        snapshot: by.snapshot.clone(),
        paths,
        target,
        overwrite,
        delete: ticked("delete"),
        verify: ticked("verify"),
        back_up_first: is_original && ticked("back_up_first"),
    });
    let body = restore.zip(to).map(|(restore, to)| {
        let body = NewRestore {
            repository: by.repository,
            snapshot_host: (to != by.host).then_some(by.host),
            restore,
            confirm: cx.form.given("confirm").map(str::to_owned),
            bandwidth: Bandwidth::default(),
        };
        (to, body)
    });
    reader.finish(body)
}
