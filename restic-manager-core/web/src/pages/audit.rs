//! Who did what.

use restic_manager_proto::{
    api::{
        Cursor, Nothing,
        audit::{self, Entry, Proof},
    },
    vocabulary::{Action, Outcome},
};
use serde::Serialize;

use super::{
    context::Cx,
    respond::{Answer, html, link},
};
use crate::{
    render::Template,
    text,
    view::{Banner, Chip, Moment, Pager, Section, SelectOption, Tone},
};

#[derive(Serialize)]
struct AuditPage {
    form: Fields,
    actions: Vec<SelectOption>,
    outcomes: Vec<SelectOption>,
    /// Filters without a field of their own, each with the address that takes it off.
    chips: Vec<Chip>,
    keep: Vec<(&'static str, String)>,
    filtered: bool,
    proof: Banner,
    csv: String,
    jsonl: String,
    rows: Vec<Row>,
    pager: Pager,
}

/// The filters as they were typed.
#[derive(Default, Serialize)]
struct Fields {
    action: String,
    outcome: String,
    text: String,
    since: String,
    until: String,
}

#[derive(Serialize)]
struct Row {
    sequence: u64,
    href: String,
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

/// The filters of an address, each by its name.
const NAMES: [&str; 8] =
    ["action", "outcome", "text", "since", "until", "actor", "subject_kind", "subject_id"];

pub(crate) async fn list(cx: Cx) -> Answer {
    let filter = filter(&cx);
    let (caller, found, proof) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<audit::List>(Nothing {}, filter.clone()),
        cx.api.get::<audit::State>(Nothing {}, Nothing {}),
    )?;
    let given = |name| cx.query.given(name);
    let keep = |after: Option<&Cursor>, without: &[&str]| {
        let mut pairs: Vec<_> =
            NAMES.iter().filter(|name| !without.contains(name)).map(|name| (*name, given(name))).collect();
        pairs.push(("after", after.map(Cursor::as_str)));
        link("/audit", &pairs)
    };
    let export = |format| {
        let (since, until) = (filter.since.map(|at| at.to_string()), filter.until.map(|at| at.to_string()));
        let mut pairs =
            vec![("format", Some(format)), ("since", since.as_deref()), ("until", until.as_deref())];
        let others = NAMES.iter().filter(|name| !["since", "until"].contains(name));
        pairs.extend(others.map(|name| (*name, given(name))));
        link("/api/v1/audit/export", &pairs)
    };
    let text = |name| given(name).unwrap_or_default().to_owned();
    let page = AuditPage {
        form: Fields {
            action: text("action"),
            outcome: text("outcome"),
            text: text("text"),
            since: text("since"),
            until: text("until"),
        },
        actions: options("every action", Action::ALL, |action| (action.as_str(), words(action))),
        outcomes: options("every outcome", Outcome::ALL, |outcome| {
            (outcome.as_str(), outcome.as_str().to_owned())
        }),
        chips: chips(&filter, &keep),
        keep: ["actor", "subject_kind", "subject_id"]
            .into_iter()
            .filter_map(|name| Some((name, given(name)?.to_owned())))
            .collect(),
        filtered: NAMES.iter().any(|name| given(name).is_some()),
        proof: standing(&cx, &proof),
        csv: export("csv"),
        jsonl: export("jsonl"),
        rows: found.items.iter().map(|entry| Row::new(&cx, entry)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| keep(None, &[])),
            next: found.next.as_ref().map(|next| keep(Some(next), &[])),
        },
    };
    html(&caller.frame(&cx, "Audit", Section::Audit), &page)
}

fn filter(cx: &Cx) -> audit::Filter {
    let text = |name| cx.query.given(name).map(str::to_owned);
    // A day is meant whole, from its first moment to its last, in UTC.
    let day = |name: &str, time: &str| format!("{}T{time}Z", cx.query.given(name)?).parse().ok();
    audit::Filter {
        action: cx.choice("action"),
        outcome: cx.choice("outcome"),
        actor: text("actor"),
        subject_id: text("subject_id").filter(|_| cx.query.given("subject_kind").is_some()),
        subject_kind: text("subject_kind"),
        since: day("since", "00:00:00"),
        until: day("until", "23:59:59.999"),
        text: text("text"),
        limit: None,
        after: cx.query.given("after").map(Cursor::new),
    }
}

fn options<T: Copy>(
    all: &str,
    values: &[T],
    shown: impl Fn(T) -> (&'static str, String),
) -> Vec<SelectOption> {
    let every = SelectOption { value: String::new(), label: all.to_owned() };
    let option = |value: &T| {
        let (value, label) = shown(*value);
        SelectOption { value: value.to_owned(), label }
    };
    core::iter::once(every).chain(values.iter().map(option)).collect()
}

fn chips(filter: &audit::Filter, keep: &impl Fn(Option<&Cursor>, &[&str]) -> String) -> Vec<Chip> {
    let chip = |label: String, without: &[&str]| Chip {
        label,
        href: keep(None, without),
        current: true,
        removable: true,
    };
    let actor = filter.actor.as_ref().map(|_| chip("one actor".to_owned(), &["actor"]));
    let subject = filter.subject_kind.as_ref().map(|kind| {
        let one = if filter.subject_id.is_some() { "one " } else { "every " };
        chip(format!("{one}{}", kind.replace('-', " ")), &["subject_kind", "subject_id"])
    });
    actor.into_iter().chain(subject).collect()
}

/// How far the log is proven; green only when all of it was read and found whole.
fn standing(cx: &Cx, proof: &Proof) -> Banner {
    let ago = |at| text::relative(at, cx.now);
    let (tone, icon, title, detail) = match (proof, proof.verified_up_to, proof.verified_at) {
        (Proof { fault: Some(fault), .. }, ..) => (
            Tone::Bad,
            "circle-alert",
            "The log is not as it was written".to_owned(),
            Some(format!("{fault}. What to do stands at the alert.")),
        ),
        (Proof { whole_at: Some(_), .. }, Some(last @ 1..), Some(at)) => (
            Tone::Good,
            "shield-check",
            format!("Verified up to entry {} {}", text::count(last), ago(at)),
            proof.checkpoint.as_ref().map(|mark| {
                format!(
                    "The newest signed checkpoint covers entry {}, {}.",
                    text::count(mark.sequence),
                    ago(mark.signed_at)
                )
            }),
        ),
        _ => (
            Tone::Unknown,
            "hourglass",
            "Not verified since the server started".to_owned(),
            Some("It is read every minute; look again in a moment.".to_owned()),
        ),
    };
    let action = proof
        .fault
        .as_ref()
        .map(|_| crate::view::Action { label: "See the alert".to_owned(), href: "/alerts".to_owned() });
    Banner { tone, icon, title, detail, proof: None, action }
}

#[derive(Serialize)]
struct EntryPage {
    row: Row,
    outcome: String,
    fields: Vec<(String, String)>,
    as_written: bool,
    hash: String,
    previous_hash: String,
    covered: Option<Covered>,
    same_actor: Option<String>,
    same_subject: Option<String>,
}

#[derive(Serialize)]
struct Covered {
    sequence: String,
    at: Moment,
    line: String,
}

impl Template for EntryPage {
    const FILE: &'static str = "pages/audit_entry.html";
}

/// One entry in full, and its place in the chain.
pub(crate) async fn show(cx: Cx) -> Answer {
    let sequence = cx.parameter("sequence")?;
    let (caller, proven) =
        tokio::try_join!(cx.caller(), cx.api.get::<audit::Show>(audit::BySequence { sequence }, Nothing {}))?;
    let entry = &proven.entry;
    let about = Some(entry.subject_id.as_str()).filter(|id| !id.is_empty());
    let page = EntryPage {
        row: Row::new(&cx, entry),
        outcome: entry.detail.get("outcome").cloned().unwrap_or_default(),
        fields: entry
            .detail
            .iter()
            .filter(|(name, _)| *name != "outcome")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        as_written: proven.as_written,
        covered: proven.checkpoint.as_ref().map(|mark| Covered {
            sequence: text::count(mark.sequence),
            at: cx.moment(mark.signed_at),
            line: mark.line.clone(),
        }),
        same_actor: entry.actor_id.as_deref().map(|id| link("/audit", &[("actor", Some(id))])),
        same_subject: about.map(|id| {
            link("/audit", &[("subject_kind", Some(&entry.subject_kind)), ("subject_id", Some(id))])
        }),
        hash: proven.hash,
        previous_hash: proven.previous_hash,
    };
    let title = format!("Entry {sequence}");
    html(&caller.frame(&cx, title, Section::Audit).crumb("Audit", "/audit"), &page)
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
            href: format!("/audit/{}", entry.sequence),
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
