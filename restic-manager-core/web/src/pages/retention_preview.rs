//! What a retention policy would keep and remove, seen before it is saved.

use restic_manager_proto::{
    JobId, PreviewedSnapshot, Retention,
    api::{
        Cursor, Nothing,
        jobs::{self, ByJob, PreviewQuery},
        source_groups::{self, ByGroup, RetentionDraft, SourceGroup, SourceGroupChange},
    },
    vocabulary::{JobState, Role},
};
use serde::Serialize;

use super::{
    context::Cx,
    form_reader::FormReader,
    job_rows::{self, waiting},
    problem::refusal_of,
    respond::{Answer, html, link, redirect},
    retention::{self, input, warnings},
    sources,
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Banner, Moment, Pager, Pill, Section, Tone, job_pill},
};

fn posted(cx: &Cx) -> Result<Retention, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let policy = retention::read(&mut reader);
    reader.finish(Some(policy))
}

/// Asks what the typed policy would do.
pub(crate) async fn preview(cx: Cx) -> Answer {
    let group = cx.parameter("group")?;
    let asked = async {
        let retention = posted(&cx)?;
        let draft = RetentionDraft { retention };
        cx.api.send::<source_groups::PreviewRetention>(ByGroup { group }, draft).await
    }
    .await;
    match refusal_of(asked)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}/preview", job.id))),
        Err(problem) => sources::edit_refused(&cx, &problem).await,
    }
}

#[derive(Serialize)]
struct PreviewPage {
    job: String,
    state: Pill,
    waiting: Option<String>,
    failed: Option<Banner>,
    whole: bool,
    policy: String,
    kept: String,
    removed: String,
    warnings: Vec<String>,
    rows: Vec<Row>,
    pager: Pager,
    group: String,
    edit: Option<String>,
    save: Option<Save>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    full: String,
    time: Moment,
    state: Pill,
    reasons: String,
}

/// What saves the policy as it was tried.
#[derive(Serialize)]
struct Save {
    action: String,
    version: i64,
    fields: Vec<(String, String)>,
}

impl Template for PreviewPage {
    const FILE: &'static str = "pages/retention_preview.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let job: JobId = cx.parameter("job")?;
    let after = cx.query.given("after").map(Cursor::new);
    let query = PreviewQuery { limit: None, after: after.clone() };
    let (caller, shown, preview) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<jobs::Show>(ByJob { job }, Nothing {}),
        cx.api.get::<jobs::Preview>(ByJob { job }, query),
    )?;
    let group = match &preview.source_group {
        Some(group) => {
            Some(cx.api.get::<source_groups::Show>(ByGroup { group: group.id }, Nothing {}).await?)
        }
        None => None,
    };
    let address = format!("/jobs/{job}/preview");
    let unsaved = group.as_ref().filter(|group| group.retention != preview.retention);
    let page = PreviewPage {
        job: format!("/jobs/{job}"),
        state: job_pill(preview.state),
        waiting: waiting(&shown),
        failed: job_rows::cause(&shown).filter(|_| preview.state != JobState::Succeeded),
        whole: preview.state == JobState::Succeeded,
        policy: preview.retention.to_string(),
        kept: preview.kept.map(text::count).unwrap_or_default(),
        removed: preview.removed.map(text::count).unwrap_or_default(),
        warnings: warnings(&preview.unfilled),
        rows: preview.snapshots.items.iter().map(|snapshot| Row::new(&cx, snapshot)).collect(),
        pager: Pager {
            first: after.map(|_| address.clone()),
            next: preview
                .snapshots
                .next
                .as_ref()
                .map(|next| link(&address, &[("after", Some(next.as_str()))])),
        },
        group: group.as_ref().map(|group| group.name.clone()).unwrap_or_default(),
        edit: group.as_ref().map(|group| format!("/sources/{}", group.id)),
        save: unsaved.map(|group| Save::new(group, &preview.retention)),
        denied: caller.denied(Role::Operator),
    };
    let mut frame = caller.frame(&cx, "Retention preview", Section::Hosts).crumb("Hosts", "/hosts");
    frame = frame.crumb(shown.host.name.clone(), format!("/hosts/{}/sources", shown.host.id));
    if let Some(edit) = &page.edit {
        frame = frame.crumb(page.group.clone(), edit.clone());
    }
    if !preview.state.is_end() {
        frame = frame.reloads();
    }
    html(&frame, &page)
}

impl Row {
    fn new(cx: &Cx, snapshot: &PreviewedSnapshot) -> Self {
        let state = match snapshot.kept_by.is_empty() {
            false => Pill::new(Tone::Good, "circle-check", "kept"),
            true => Pill::new(Tone::Warn, "trash-2", "removed"),
        };
        Self {
            id: snapshot.id.chars().take(8).collect(),
            full: snapshot.id.clone(),
            time: cx.moment(snapshot.time),
            state,
            reasons: snapshot.kept_by.join(", "),
        }
    }
}

impl Save {
    fn new(group: &SourceGroup, policy: &Retention) -> Self {
        let counts = policy.counts().map(|(rule, count)| (input(rule), count.map(|count| count.to_string())));
        let spans = policy.spans().map(|(rule, span)| (input(rule), span.map(|span| span.to_string())));
        let set = |(name, value): (String, Option<String>)| Some((name, value?));
        Self {
            action: format!("/sources/{}/retention", group.id),
            version: group.version,
            fields: counts.into_iter().chain(spans).filter_map(set).collect(),
        }
    }
}

/// Saves the policy that was tried; everything else of the group stays.
pub(crate) async fn save(cx: Cx) -> Answer {
    let by = ByGroup { group: cx.parameter("group")? };
    let retention = posted(&cx)?;
    let kept = cx.api.get::<source_groups::Show>(by, Nothing {}).await?;
    let change = SourceGroupChange { retention, ..sources::change_of(&kept) };
    let changed = cx.api.change::<source_groups::Update>(by, change, cx.version()).await?;
    Ok(redirect(&format!("/hosts/{}/sources?done=retention-saved", changed.host.id)))
}
