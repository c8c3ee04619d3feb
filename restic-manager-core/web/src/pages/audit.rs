//! Who did what.

use restic_manager_proto::{
    api::{
        Cursor, Nothing,
        audit::{self, Entry},
    },
    vocabulary::Action,
};
use serde::Serialize;

use super::{
    answer::{Answer, html},
    context::Cx,
    jobs::link,
};
use crate::{
    render::Template,
    view::{Moment, Pager, Section, SelectOption},
};

#[derive(Serialize)]
struct AuditPage {
    action: String,
    options: Vec<SelectOption>,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Serialize)]
struct Row {
    sequence: u64,
    at: Moment,
    actor: String,
    actor_kind: &'static str,
    action: String,
    subject: String,
    subject_kind: String,
    subject_href: Option<String>,
    address: Option<String>,
    detail: Option<String>,
}

impl Template for AuditPage {
    const FILE: &'static str = "pages/audit.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let action: Option<Action> = cx.choice("action");
    let filter = audit::Filter { action, limit: None, after: cx.query.given("after").map(Cursor::new) };
    let (desk, found) = tokio::try_join!(cx.desk(), cx.api.get::<audit::List>(Nothing {}, filter.clone()))?;
    let keep = |after: Option<&Cursor>| {
        link("/audit", &[("action", action.map(Action::as_str)), ("after", after.map(Cursor::as_str))])
    };
    let mut options = vec![SelectOption { value: String::new(), label: "every action".to_owned() }];
    options.extend(
        Action::ALL.iter().map(|action| SelectOption { value: action.to_string(), label: words(*action) }),
    );
    let page = AuditPage {
        action: action.map(|action| action.to_string()).unwrap_or_default(),
        options,
        rows: found.items.iter().map(|entry| Row::new(&cx, entry)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| keep(None)),
            next: found.next.as_ref().map(|next| keep(Some(next))),
        },
    };
    html(&desk.frame(&cx, "Audit", Section::Audit), &page)
}

impl Row {
    fn new(cx: &Cx, entry: &Entry) -> Self {
        // Done is what every entry is unless it says otherwise.
        let told = entry
            .detail
            .iter()
            .filter(|(name, value)| (name.as_str(), value.as_str()) != ("outcome", "done"));
        let detail: Vec<String> = told.map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            sequence: entry.sequence,
            at: cx.moment(entry.at),
            actor: entry.actor.clone(),
            actor_kind: entry.actor_kind.as_str(),
            action: words(entry.action),
            // A job has no name; its id names it.
            subject: if entry.subject.is_empty() { entry.subject_id.clone() } else { entry.subject.clone() },
            subject_kind: entry.subject_kind.replace('-', " "),
            subject_href: subject_href(&entry.subject_kind, &entry.subject_id),
            address: entry.address.clone(),
            detail: Some(detail.join(", ")).filter(|detail| !detail.is_empty()),
        }
    }
}

/// The page of a thing that has one.
pub(crate) fn subject_href(kind: &str, id: &str) -> Option<String> {
    let folder = match kind {
        "host" => "hosts",
        "repository" => "repositories",
        "job" => "jobs",
        _ => return None,
    };
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_id.then(|| format!("/{folder}/{id}"))
}

fn words(action: Action) -> String {
    action.as_str().replace('-', " ")
}
