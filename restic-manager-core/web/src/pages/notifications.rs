//! Settings, Notifications: channels, routes, silences, what was sent, and who would be told.

use restic_manager_proto::{
    HostId, RepositoryId,
    api::{
        MAX_PAGE_SIZE, Nothing, Problem,
        channels::{self, ByChannel, Channel, Delivery, DeliveryFilter},
        hosts, repositories,
        routes::{self, Explanation, Route, Supposed},
        silences::{self, BySilence, Silence},
    },
    vocabulary::{AlertKind, DeliveryState, Role, Severity, Timing},
};
use serde::Serialize;

use super::{
    context::{Caller, Cx},
    form_reader::FormReader,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
    scope,
    settings::{SettingsTab, tabs},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Moment, Pill, Section, SelectOption, Tab, Tone},
};

pub(super) const HERE: &str = "/settings/notifications";
const TESTER: &str = "/settings/notifications/explain";
/// Notifications that the page shows.
const SHOWN: u32 = 20;

#[derive(Serialize)]
struct NotificationsPage<'a> {
    tabs: Vec<Tab>,
    denied: Option<String>,
    channels: Vec<ChannelRow>,
    routes: Vec<RouteRow>,
    silences: Vec<SilenceRow>,
    deliveries: Vec<DeliveryRow>,
    form: FormState<'a>,
    kinds: Vec<SelectOption>,
    severities: Vec<SelectOption>,
    explained: Option<Explained>,
}

#[derive(Serialize)]
struct ChannelRow {
    name: String,
    kind: &'static str,
    href: String,
    state: Pill,
    trouble: Option<String>,
    delivered: Option<Moment>,
    test: String,
    /// Why no test can be sent.
    off: Option<&'static str>,
}

#[derive(Serialize)]
struct RouteRow {
    name: String,
    href: String,
    place: u32,
    what: String,
    channels: String,
    timing: &'static str,
}

#[derive(Serialize)]
struct SilenceRow {
    reason: String,
    what: String,
    state: Pill,
    until: Moment,
    made_by: String,
    end: String,
}

#[derive(Serialize)]
struct DeliveryRow {
    channel: String,
    kind: &'static str,
    count: u64,
    state: Pill,
    answer: String,
    moment: Moment,
}

/// Who would be told.
#[derive(Serialize)]
struct Explained {
    muted: Option<String>,
    routes: Vec<(String, String, String)>,
    /// Whether anybody is.
    told: bool,
}

impl Template for NotificationsPage<'_> {
    const FILE: &'static str = "pages/notifications.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>, explained: Option<&Explanation>) -> Answer {
    let caller = cx.caller().await?;
    let mut form = cx.form_at(&[TESTER], problem);
    form.text("kind", AlertKind::CheckFailed.as_str())
        .text("severity", "")
        .text("host", "")
        .text("repository", "");
    let mut page = NotificationsPage {
        tabs: tabs(&caller, SettingsTab::Notifications),
        denied: denied(&caller),
        channels: Vec::new(),
        routes: Vec::new(),
        silences: Vec::new(),
        deliveries: Vec::new(),
        form,
        kinds: AlertKind::ALL.iter().map(|kind| option(kind.as_str(), &words(*kind))).collect(),
        severities: severities("as the kind has it"),
        explained: explained.map(Explained::new),
    };
    if page.denied.is_none() {
        fill(cx, &mut page).await?;
    }
    let frame = caller.frame(cx, "Settings", Section::Settings);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

async fn fill(cx: &Cx, page: &mut NotificationsPage<'_>) -> Result<(), Failure> {
    let newest = DeliveryFilter { limit: Some(SHOWN), ..DeliveryFilter::default() };
    let (channels, routes, silences, deliveries) = tokio::try_join!(
        cx.api.get::<channels::List>(Nothing {}, Nothing {}),
        cx.api.get::<routes::List>(Nothing {}, Nothing {}),
        cx.api.get::<silences::List>(Nothing {}, Nothing {}),
        cx.api.get::<channels::Deliveries>(Nothing {}, newest),
    )?;
    page.routes = routes.items.iter().map(|route| RouteRow::new(route, &channels.items)).collect();
    page.channels = channels.items.iter().map(|channel| ChannelRow::new(cx, channel)).collect();
    page.silences = silences.items.iter().map(|silence| SilenceRow::new(cx, silence)).collect();
    page.deliveries = deliveries.items.iter().map(|delivery| DeliveryRow::new(cx, delivery)).collect();
    Ok(())
}

/// Why this user has nothing to do here.
pub(super) fn denied(caller: &Caller) -> Option<String> {
    let partial = || (!caller.session.scope.is_all()).then(|| "needs a role for the whole fleet".to_owned());
    caller.denied(Role::Admin).or_else(partial)
}

pub(super) fn option(value: &str, label: &str) -> SelectOption {
    SelectOption { value: value.to_owned(), label: label.to_owned() }
}

/// The severities, after a choice that leaves it open.
pub(super) fn severities(open: &str) -> Vec<SelectOption> {
    let all = Severity::ALL.iter().map(|severity| option(severity.as_str(), severity.as_str()));
    core::iter::once(option("", open)).filter(|_| !open.is_empty()).chain(all).collect()
}

/// `check failed` for `check-failed`.
pub(super) fn words(kind: AlertKind) -> String {
    kind.as_str().replace('-', " ")
}

impl ChannelRow {
    fn new(cx: &Cx, channel: &Channel) -> Self {
        let state = match (channel.enabled, &channel.trouble, channel.delivered_at) {
            (false, ..) => Pill::new(Tone::Unknown, "ban", "switched off"),
            (true, Some(_), _) => Pill::new(Tone::Bad, "circle-x", "failing"),
            (true, None, Some(_)) => Pill::new(Tone::Good, "circle-check", "works"),
            (true, None, None) => Pill::new(Tone::Unknown, "circle-dashed", "not tried"),
        };
        Self {
            name: channel.name.clone(),
            kind: channel.kind.as_str(),
            href: format!("{HERE}/channels/{}", channel.id),
            state,
            trouble: channel.trouble.clone(),
            delivered: cx.moment_of(channel.delivered_at),
            test: format!("{HERE}/channels/{}/test", channel.id),
            off: (!channel.enabled).then_some("it is switched off"),
        }
    }
}

impl RouteRow {
    fn new(route: &Route, channels: &[Channel]) -> Self {
        let matcher = &route.rule.matcher;
        let named =
            |id| channels.iter().find(|channel| channel.id == id).map(|channel| channel.name.as_str());
        Self {
            name: route.name.clone(),
            href: format!("{HERE}/routes/{}", route.id),
            place: route.place,
            what: in_words(matcher),
            channels: route.rule.channels.iter().filter_map(|id| named(*id)).collect::<Vec<_>>().join(", "),
            timing: match route.rule.timing {
                Timing::Daily => "daily digest",
                Timing::Weekly => "weekly digest",
                _ => "at once",
            },
        }
    }
}

/// What a matcher holds, short enough for a cell.
fn in_words(matcher: &restic_manager_proto::Matcher) -> String {
    let mut parts = vec![match matcher.severity {
        Severity::Info => "everything".to_owned(),
        severity => format!("{severity} and worse"),
    }];
    if !matcher.kinds.is_empty() {
        parts = vec![matcher.kinds.iter().map(|kind| words(*kind)).collect::<Vec<_>>().join(", ")];
    }
    let scope = scope::in_words(&matcher.scope);
    parts.extend((!scope.is_empty()).then(|| format!("about {scope}")));
    let repositories = matcher.repositories.len();
    parts.extend((repositories > 0).then(|| format!("in {repositories} repositories")));
    parts.join(" ")
}

impl SilenceRow {
    fn new(cx: &Cx, silence: &Silence) -> Self {
        Self {
            reason: silence.reason.clone(),
            what: in_words(&silence.matcher),
            state: if silence.from <= cx.now {
                Pill::new(Tone::Running, "hourglass", "lasts")
            } else {
                Pill::new(Tone::Unknown, "clock", "to come")
            },
            until: cx.moment(silence.until),
            made_by: silence.made_by.clone(),
            end: format!("{HERE}/silences/{}/end", silence.id),
        }
    }
}

impl DeliveryRow {
    fn new(cx: &Cx, delivery: &Delivery) -> Self {
        let state = match delivery.state {
            DeliveryState::Delivered => Pill::new(Tone::Good, "circle-check", "delivered"),
            DeliveryState::Failed => Pill::new(Tone::Bad, "circle-x", "failed"),
            _ if delivery.attempts > 0 => Pill::new(Tone::Warn, "hourglass", "tried again"),
            _ => Pill::new(Tone::Running, "hourglass", "waiting"),
        };
        Self {
            channel: delivery.channel.name.clone(),
            kind: delivery.kind.as_str(),
            count: delivery.count,
            state,
            answer: delivery.answer.clone().unwrap_or_default(),
            moment: cx.moment(delivery.ended_at.or(delivery.due_at).unwrap_or(delivery.created_at)),
        }
    }
}

impl Explained {
    fn new(explanation: &Explanation) -> Self {
        let names = |asked: &routes::Asked| {
            asked.channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let routes: Vec<_> = explanation
            .routes
            .iter()
            .map(|asked| (asked.route.name.clone(), asked.verdict.clone(), names(asked)))
            .collect();
        Self {
            muted: explanation.muted.clone(),
            told: routes.iter().any(|(.., names)| !names.is_empty()),
            routes,
        }
    }
}

pub(crate) async fn explain(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let kind = reader.choice("kind");
    let severity = reader.optional("severity", "severity", "choose one of those offered");
    let (host, repository) = (host(&cx, &mut reader).await?, repository(&cx, &mut reader).await?);
    let body = reader.finish(kind).map(|kind| Supposed { kind, severity, host, repository });
    let explained = async { cx.api.send::<routes::Explain>(Nothing {}, body?).await }.await;
    match refusal_of(explained)? {
        Ok(explanation) => page(&cx, None, Some(&explanation)).await,
        Err(problem) => page(&cx, Some(&problem), None).await,
    }
}

async fn host(cx: &Cx, reader: &mut FormReader<'_>) -> Result<Option<HostId>, Failure> {
    let Some(name) = reader.form.given("host") else { return Ok(None) };
    let filter =
        hosts::Filter { text: Some(name.to_owned()), limit: Some(MAX_PAGE_SIZE), ..hosts::Filter::default() };
    let found = cx.api.get::<hosts::List>(Nothing {}, filter).await?;
    let found = found.items.into_iter().find(|host| host.name.eq_ignore_ascii_case(name)).map(|host| host.id);
    if found.is_none() {
        reader.refuse("host", &format!("there is no host named {name}"));
    }
    Ok(found)
}

async fn repository(cx: &Cx, reader: &mut FormReader<'_>) -> Result<Option<RepositoryId>, Failure> {
    let Some(name) = reader.form.given("repository") else { return Ok(None) };
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let found = cx.api.get::<repositories::List>(Nothing {}, all).await?;
    let found = found.items.into_iter().find(|one| one.name.eq_ignore_ascii_case(name)).map(|one| one.id);
    if found.is_none() {
        reader.refuse("repository", &format!("there is no repository named {name}"));
    }
    Ok(found)
}

pub(crate) async fn test(cx: Cx) -> Answer {
    let by = ByChannel { channel: cx.parameter("channel")? };
    match refusal_of(cx.api.send::<channels::Test>(by, Nothing {}).await)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=channel-tested")),
        Err(problem) => page(&cx, Some(&problem), None).await,
    }
}

pub(crate) async fn end_silence(cx: Cx) -> Answer {
    let by = BySilence { silence: cx.parameter("silence")? };
    match refusal_of(cx.api.send::<silences::End>(by, Nothing {}).await)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=silence-ended")),
        Err(problem) => page(&cx, Some(&problem), None).await,
    }
}
