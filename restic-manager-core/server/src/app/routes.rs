//! Routes of notifications.

use restic_manager_core::{
    alert::meaning,
    notify::{Muted, Verdict, minute_of_day},
    schedule::Zone,
};
use restic_manager_proto::{
    RouteId, RouteRule, Timestamp,
    api::{
        self, Nothing, Page, Reference,
        routes::{Asked, Create, Delete, Explain, Explanation, List, RouteChange, Show, Supposed, Update},
    },
    vocabulary::{Action, NoticeKind},
};
use restic_manager_store::{Read, Transaction, alerts::AlertSubject, audit::Subject, routes::Route};
use std::collections::BTreeSet;

use super::{
    check::{self, Fields},
    matcher, page,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::routing::{About, MOST_ROUTES, Routing},
    entry::subject,
    failure::Failure,
};

type RouteBody = api::routes::Route;

const LAST_PLACE: u32 = 1000;

pub(crate) async fn list(cx: Cx, _: Request<List>) -> Result<Page<RouteBody>, Failure> {
    let routes = cx.read().await?.routes().all(MOST_ROUTES).await?;
    Ok(page::whole(routes.into_iter().map(route_body).collect()))
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<RouteBody>, Failure> {
    versioned_body(cx.read().await?.as_mut(), request.path.route).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Reply<RouteBody>, Failure> {
    let RouteChange { name, place, rule } = request.body;
    check_route(&name, place, &rule)?;
    let id = cx.parts().mint.route();
    let route = Route { id, place, name, rule, created: cx.now(), version: 1 };
    let mut change = cx.begin().await?;
    if change.routes().all(MOST_ROUTES).await?.len() >= MOST_ROUTES {
        let detail = format!("there are {MOST_ROUTES} routes already");
        return Err(Failure::conflict(detail, "remove one that is not used any more"));
    }
    expect_known(&cx, change.as_mut(), &route.rule).await?;
    change.routes().add(&route).await?;
    let answer = versioned_body(change.reading(), id).await?;
    change.commit(cx.audit_with(Action::RouteCreate, about(&route), detail(&route))).await?;
    Ok(answer)
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Reply<RouteBody>, Failure> {
    let (id, RouteChange { name, place, rule }) = (request.path.route, request.body);
    check_route(&name, place, &rule)?;
    let mut change = cx.begin().await?;
    let before = existing(change.reading(), id).await?;
    let route = Route { name, place, rule, ..before };
    expect_known(&cx, change.as_mut(), &route.rule).await?;
    change.routes().update(&route, request.expected).await.map_err(Failure::stale)?;
    let answer = versioned_body(change.reading(), id).await?;
    change.commit(cx.audit_with(Action::RouteUpdate, about(&route), detail(&route))).await?;
    Ok(answer)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let mut change = cx.begin().await?;
    let route = existing(change.reading(), request.path.route).await?;
    change.routes().delete(route.id).await?;
    change.commit(cx.audit(Action::RouteDelete, about(&route))).await?;
    Ok(Nothing {})
}

/// Asks the very rules that are asked when something happens.
pub(crate) async fn explain(cx: Cx, request: Request<Explain>) -> Result<Explanation, Failure> {
    let Supposed { kind, severity, host, repository } = request.body;
    let subject = match (host, repository) {
        (Some(host), Some(repository)) => AlertSubject::new("attachment", format!("{host}/{repository}")),
        (Some(host), None) => AlertSubject::new("host", host),
        (None, Some(repository)) => AlertSubject::new("repository", repository),
        (None, None) => AlertSubject::server(),
    };
    let severity = severity.unwrap_or_else(|| meaning(kind).severity);
    let about = About { event: NoticeKind::Raised, kind, severity, subject: &subject };
    let mut read = cx.read().await?;
    let routing = Routing::load(read.as_mut(), cx.now()).await?;
    let facts = routing.facts(read.as_mut(), &about, cx.now()).await?;
    let decision = routing.decide(&facts, cx.now());
    let asked = routing.routes().iter().zip(&decision.verdicts).map(|((route, name), verdict)| Asked {
        route: Reference { id: route.id.unwrap_or(RouteId::from_bytes([0; 16])), name: name.clone() },
        verdict: in_words(*verdict, cx.now()),
        channels: decision
            .told
            .iter()
            .filter(|told| told.route == route.id && matches!(verdict, Verdict::Told(_)))
            .filter_map(|told| routing.channel(told.channel))
            .map(|channel| Reference { id: channel.id, name: named(&channel.name, channel.enabled) })
            .collect(),
        due_at: match verdict {
            Verdict::Told(not_before) if decision.muted.is_none() => {
                Some(not_before.unwrap_or_else(|| cx.now()))
            }
            _ => None,
        },
    });
    Ok(Explanation {
        muted: decision.muted.map(|muted| {
            match muted {
                Muted::Silence => "a silence lasts that matches it",
                Muted::Maintenance => "all of its hosts are under maintenance, which explains it",
            }
            .to_owned()
        }),
        routes: asked.collect(),
    })
}

fn named(name: &str, enabled: bool) -> String {
    if enabled { name.to_owned() } else { format!("{name} (switched off)") }
}

fn in_words(verdict: Verdict, now: Timestamp) -> String {
    let words = match verdict {
        Verdict::Told(Some(moment)) if moment > now => return format!("told, not before {moment}"),
        Verdict::Told(_) => "told",
        Verdict::Severity => "not severe enough",
        Verdict::Kind => "another kind",
        Verdict::Scope => "about another part of the fleet",
        Verdict::Repository => "about other repositories",
        Verdict::NotResolved => "this route does not tell that something is over",
        Verdict::NoReminders => "this route does not remind",
        Verdict::Before => "not asked: a route before it told",
    };
    words.to_owned()
}

fn check_route(name: &str, place: u32, rule: &RouteRule) -> Result<(), Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::label(name));
    let place_fits = if place <= LAST_PLACE { Ok(()) } else { Err(format!("at most {LAST_PLACE}")) };
    fields.check("place", place_fits);
    matcher::check(&mut fields, &rule.matcher);
    let once: BTreeSet<_> = rule.channels.iter().collect();
    if once.len() != rule.channels.len() || !(1..=RouteRule::MOST_CHANNELS).contains(&once.len()) {
        fields.check::<(), _>(
            "channels",
            Err(format!("1 to {} channels, each once", RouteRule::MOST_CHANNELS)),
        );
    }
    fields.check("zone", rule.zone.parse::<Zone>());
    let minute = |text: &str| minute_of_day(text).map(drop).ok_or("a minute of the day, such as 07:00");
    fields.check("digest_at", minute(&rule.digest_at));
    if let Some(quiet) = &rule.quiet {
        fields.check("quiet.from", minute(&quiet.from));
        fields.check("quiet.until", minute(&quiet.until));
        if quiet.from == quiet.until {
            fields.check::<(), _>("quiet.until", Err("another minute than they begin with"));
        }
    }
    fields.finish()
}

async fn expect_known(cx: &Cx, change: &mut dyn Transaction, rule: &RouteRule) -> Result<(), Failure> {
    for id in &rule.channels {
        if change.channels().find(*id).await?.is_none() {
            return Err(Failure::field("channels", format!("there is no channel {id}")));
        }
    }
    matcher::expect_known(change, &rule.matcher, cx.scope()).await
}

async fn existing(read: &mut dyn Read, id: RouteId) -> Result<Route, Failure> {
    read.routes().find(id).await?.ok_or_else(|| Failure::not_found("route"))
}

fn about(route: &Route) -> Option<Subject> {
    subject("route", route.id, route.name.clone())
}

fn detail(route: &Route) -> serde_json::Value {
    serde_json::json!({ "place": route.place, "rule": route.rule })
}

async fn versioned_body(read: &mut dyn Read, id: RouteId) -> Result<Reply<RouteBody>, Failure> {
    let route = existing(read, id).await?;
    let version = route.version;
    Ok(Reply::versioned(route_body(route), version))
}

fn route_body(route: Route) -> RouteBody {
    RouteBody {
        id: route.id,
        place: route.place,
        name: route.name,
        rule: route.rule,
        created_at: route.created,
        version: route.version,
    }
}
