//! The form of a route: which alerts, through which channels, when.

use restic_manager_proto::{
    Matcher, QuietHours, RouteRule,
    api::{
        Nothing, Problem,
        channels::{self, Channel},
        routes::{self, ByRoute, Route, RouteChange},
    },
    vocabulary::{Severity, Timing},
};
use serde::Serialize;

use super::{
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    matcher,
    notifications::{HERE, denied, option, severities},
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
    settings::{SettingsTab, tabs},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Section, SelectOption, Tab},
};

const NEW: &str = "/settings/notifications/routes/new";

#[derive(Serialize)]
struct RoutePage<'a> {
    tabs: Vec<Tab>,
    denied: Option<String>,
    form: FormState<'a>,
    action: String,
    /// The boxes of the channels: the name in the form, and the channel's own.
    channels: Vec<(String, String)>,
    severities: Vec<SelectOption>,
    timings: Vec<SelectOption>,
    /// Of a route that is there.
    version: Option<i64>,
    remove: String,
}

impl Template for RoutePage<'_> {
    const FILE: &'static str = "pages/route.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let route = stored(&cx).await?;
    page(&cx, Some(&route), None).await
}

async fn stored(cx: &Cx) -> Result<Route, Failure> {
    cx.api.get::<routes::Show>(ByRoute { route: cx.parameter("route")? }, Nothing {}).await
}

async fn all_channels(cx: &Cx) -> Result<Vec<Channel>, Failure> {
    Ok(cx.api.get::<channels::List>(Nothing {}, Nothing {}).await?.items)
}

async fn page(cx: &Cx, route: Option<&Route>, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let denied = denied(&caller);
    let channels = if denied.is_none() { all_channels(cx).await? } else { Vec::new() };
    let action = route.map_or_else(|| NEW.to_owned(), |route| format!("{HERE}/routes/{}", route.id));
    let mut form = cx.form_at(&[&action], problem);
    fill(cx, &mut form, route, &channels).await?;
    let page = RoutePage {
        tabs: tabs(&caller, SettingsTab::Notifications),
        denied,
        form,
        channels: channels.iter().map(|channel| (in_form(channel), channel.name.clone())).collect(),
        severities: severities(""),
        timings: vec![
            option(Timing::Now.as_str(), "at once, what happens together in one message"),
            option(Timing::Daily.as_str(), "once a day"),
            option(Timing::Weekly.as_str(), "once a week, on Mondays"),
        ],
        version: route.map(|route| route.version),
        remove: format!("{action}/remove"),
        action,
    };
    let title = route.map_or("Add a route", |route| route.name.as_str());
    let frame = caller.frame(cx, title, Section::Settings).crumb("Notifications", HERE);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

fn in_form(channel: &Channel) -> String {
    format!("channel_{}", channel.id)
}

async fn fill(
    cx: &Cx,
    form: &mut FormState<'_>,
    route: Option<&Route>,
    channels: &[Channel],
) -> Result<(), Failure> {
    let usual = Matcher { severity: Severity::Warning, ..Matcher::default() };
    let rule = route.map(|route| &route.rule);
    let quiet = rule.and_then(|rule| rule.quiet.as_ref());
    form.text("name", route.map_or("", |route| &route.name))
        .text("place", &route.map_or(0, |route| route.place).to_string())
        .text("timing", rule.map_or(Timing::Now, |rule| rule.timing).as_str())
        .text("zone", rule.map_or("UTC", |rule| &rule.zone))
        .text("digest_at", rule.map_or("07:00", |rule| &rule.digest_at))
        .text_of("quiet_from", "quiet.from", quiet.map_or("", |quiet| &quiet.from))
        .text_of("quiet_until", "quiet.until", quiet.map_or("", |quiet| &quiet.until))
        .text_of(
            "quiet_unless",
            "quiet.unless",
            quiet.map_or(Severity::Critical, |quiet| quiet.unless).as_str(),
        )
        .flag("resolved", rule.is_none_or(|rule| rule.resolved))
        .flag("reminders", rule.is_none_or(|rule| rule.reminders))
        .flag("goes_on", rule.is_some_and(|rule| rule.goes_on))
        .text_of("channels_error", "channels", "");
    for channel in channels {
        form.flag(&in_form(channel), rule.is_some_and(|rule| rule.channels.contains(&channel.id)));
    }
    matcher::fill(cx, form, rule.map_or(&usual, |rule| &rule.matcher)).await
}

/// What was typed.
async fn read(cx: &Cx) -> Result<Result<RouteChange, Failure>, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let matcher = matcher::read(cx, &mut reader).await?;
    let place = reader.needed("place", "place", "a number up to 1000");
    let timing = reader.choice("timing");
    let unless = reader.choice("quiet_unless");
    let channels = all_channels(cx).await?;
    let chosen = channels.iter().filter(|channel| cx.form.given(&in_form(channel)).is_some());
    let channels = chosen.map(|channel| channel.id).collect();
    let quiet =
        unless.filter(|_| cx.form.given("quiet_from").is_some() || cx.form.given("quiet_until").is_some());
    let quiet = quiet.map(|unless| QuietHours {
        from: cx.form.text("quiet_from").to_owned(),
        until: cx.form.text("quiet_until").to_owned(),
        unless,
    });
    let read = matcher.zip(place).zip(timing).map(|((matcher, place), timing)| RouteChange {
        name: cx.form.text("name").to_owned(),
        place,
        rule: RouteRule {
            matcher,
            channels,
            timing,
            resolved: cx.form.given("resolved").is_some(),
            reminders: cx.form.given("reminders").is_some(),
            goes_on: cx.form.given("goes_on").is_some(),
            quiet,
            zone: cx.form.text("zone").to_owned(),
            digest_at: cx.form.text("digest_at").to_owned(),
        },
    });
    Ok(reader.finish(read))
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let body = read(&cx).await?;
    let made = async { cx.api.send::<routes::Create>(Nothing {}, body?).await }.await;
    match refusal_of(made)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=route-made")),
        Err(problem) => page(&cx, None, Some(&problem)).await,
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let route = stored(&cx).await?;
    let body = read(&cx).await?;
    let by = ByRoute { route: route.id };
    let done = async { cx.api.change::<routes::Update>(by, body?, cx.version()).await }.await;
    match refusal_of(done)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=route-updated")),
        Err(problem) => page(&cx, Some(&route), Some(&problem)).await,
    }
}

pub(crate) async fn remove(cx: Cx) -> Answer {
    let by = ByRoute { route: cx.parameter("route")? };
    cx.api.send::<routes::Delete>(by, Nothing {}).await?;
    Ok(redirect("/settings/notifications?done=route-removed"))
}
