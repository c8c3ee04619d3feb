//! The form of a restore: what, where to, and what happens to what is there.

use restic_manager_proto::{
    Bandwidth, HostId, PlanRow, PlannedClass, RawPath, RestoreOptions, RestoreTarget,
    api::{
        Nothing, Problem,
        hosts::{Attachment, ByHost},
        repositories::{self, ByRepository},
        restores::{Create, NewRestore, Plan, RestorePlan},
        snapshots,
    },
    vocabulary::{Overwrite, PlanClass, Role},
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
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Banner, Pill, SelectOption, Size, Tone},
};

#[derive(Serialize)]
struct RestorePage<'a> {
    snapshot: SnapshotHead,
    action: String,
    back: String,
    name: String,
    form: FormState<'a>,
    hosts: Vec<SelectOption>,
    overwrites: Vec<SelectOption>,
    /// What it would do, once that was asked.
    plan: Option<PlanView>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct PlanView {
    id: String,
    classes: Vec<ClassRow>,
    rows: Vec<PlannedRow>,
    more: bool,
    written: Size,
    free: Option<Size>,
    warnings: Vec<Banner>,
    /// Whether nothing keeps it from being done.
    can_be_done: bool,
}

#[derive(Serialize)]
struct ClassRow {
    pill: Pill,
    what: &'static str,
    entries: String,
    size: Size,
}

#[derive(Serialize)]
struct PlannedRow {
    pill: Pill,
    path: String,
    size: Size,
}

impl Template for RestorePage<'_> {
    const FILE: &'static str = "pages/restore.html";
}

pub(crate) async fn form(cx: Cx) -> Answer {
    show(&cx, None, None).await
}

async fn show(cx: &Cx, problem: Option<&Problem>, plan: Option<&RestorePlan>) -> Answer {
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
        plan: plan.map(PlanView::new),
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

/// Says what the restore would do, or has it done.
pub(crate) async fn submit(cx: Cx) -> Answer {
    if cx.form.text("act") == "plan" {
        let planned = async {
            let (to, body) = posted(&cx)?;
            cx.api.clone().send::<Plan>(ByHost { host: to }, body).await
        }
        .await;
        return match refusal_of(planned)? {
            Ok(plan) => show(&cx, None, Some(&plan)).await,
            Err(problem) => show(&cx, Some(&problem), None).await,
        };
    }
    let asked = async {
        let (to, body) = posted(&cx)?;
        cx.api.send::<Create>(ByHost { host: to }, body).await
    }
    .await;
    match refusal_of(asked)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(problem) => show(&cx, Some(&problem), None).await,
    }
}

impl PlanView {
    fn new(plan: &RestorePlan) -> Self {
        let summary = &plan.summary;
        let blocked = summary.classes.iter().any(|class| class.class == PlanClass::Blocked);
        let is_full = summary.free_bytes.is_some_and(|free| free < summary.bytes);
        let mut warnings = Vec::new();
        if blocked {
            warnings.push(warning(
                Tone::Bad,
                "Something is in the way",
                "What is marked as blocked would have to be removed. Move it away, or restore into a new folder.",
            ));
        }
        if is_full {
            warnings.push(warning(
                Tone::Bad,
                "There is not enough room",
                "More would be written than is free there. Free some space, or restore elsewhere.",
            ));
        }
        if !summary.sets_owners {
            warnings.push(warning(
                Tone::Warn,
                "Owners cannot be set",
                "The agent of this host does not run as root: what it restores belongs to its own account.",
            ));
        }
        Self {
            id: summary.id.clone(),
            classes: summary.classes.iter().map(ClassRow::new).collect(),
            rows: plan.rows.iter().map(PlannedRow::new).collect(),
            more: plan.more,
            written: Size::new(summary.bytes),
            free: summary.free_bytes.map(Size::new),
            warnings,
            can_be_done: !blocked && !is_full,
        }
    }
}

fn warning(tone: Tone, title: &str, detail: &str) -> Banner {
    let icon = if tone == Tone::Bad { "circle-x" } else { "triangle-alert" };
    Banner { tone, icon, title: title.to_owned(), detail: Some(detail.to_owned()), proof: None, action: None }
}

impl ClassRow {
    fn new(class: &PlannedClass) -> Self {
        let (pill, what) = class_words(class.class);
        Self { pill, what, entries: text::count(class.entries), size: Size::new(class.bytes) }
    }
}

impl PlannedRow {
    fn new(row: &PlanRow) -> Self {
        Self { pill: class_words(row.class).0, path: row.path.shown(), size: Size::new(row.size) }
    }
}

/// What is said of a class: in a word, and in a sentence.
fn class_words(class: PlanClass) -> (Pill, &'static str) {
    let (tone, icon, word, what) = match class {
        PlanClass::New => (Tone::Good, "plus", "new", "Nothing is there; it is written."),
        PlanClass::Replaced => {
            (Tone::Warn, "pencil", "replaced", "Something else is there, and is overwritten.")
        }
        PlanClass::NewerReplaced => (
            Tone::Bad,
            "triangle-alert",
            "newer here",
            "It was changed here after the snapshot, and is overwritten.",
        ),
        PlanClass::BreaksHardLink => (
            Tone::Warn,
            "copy",
            "breaks a hard link",
            "It has other names here. It is replaced, and they keep what it holds now.",
        ),
        PlanClass::Unchanged => {
            (Tone::Unknown, "check", "unchanged", "It is as in the snapshot, by size and time.")
        }
        PlanClass::LeftAlone => (Tone::Unknown, "ban", "left alone", "Something else is there, and stays."),
        PlanClass::AttributesReset => {
            (Tone::Unknown, "tag", "attributes", "Its content stays; mode, owner or time are set.")
        }
        PlanClass::Removed => (Tone::Bad, "trash-2", "removed", "The snapshot does not have it."),
        _ => (Tone::Bad, "circle-x", "blocked", "Something is in the way that would have to be removed."),
    };
    (Pill::new(tone, icon, word), what)
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
        plan: cx.form.given("plan").map(str::to_owned),
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
