//! Notification channels, and what was sent through them.

use restic_manager_core::notify::{self as rules, Item, KINDS, Kind, Values, description};
use restic_manager_proto::{
    ChannelId, DeliveryId,
    api::{
        self, Nothing, Page, Reference,
        channels::{
            ChannelChange, Create, Delete, Deliveries, Delivery as DeliveryBody, FieldDescription,
            KindDescription, Kinds, List, NewChannel, Show, Test, Update,
        },
    },
    vocabulary::{Action, AlertKind, ChannelKind, DeliveryState, NoticeKind},
};
use restic_manager_store::{
    Read,
    alerts::AlertSubject,
    audit::Subject,
    channels::{Channel, ChannelStanding},
    deliveries::Delivery,
};
use std::collections::BTreeMap;

use super::{
    check::{self, Fields},
    page,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::{
        alerts,
        channel_secrets::{self, Secrets},
        routing::{MOST_CHANNELS, MOST_ROUTES},
    },
    entry::subject,
    failure::Failure,
    parts::Change,
};

type ChannelBody = api::channels::Channel;

pub(crate) async fn kinds(_: Cx, _: Request<Kinds>) -> Result<Page<KindDescription>, Failure> {
    Ok(page::whole(KINDS.iter().map(kind_body).collect()))
}

pub(crate) async fn list(cx: Cx, _: Request<List>) -> Result<Page<ChannelBody>, Failure> {
    let channels = cx.read().await?.channels().all(MOST_CHANNELS).await?;
    Ok(page::whole(channels.into_iter().map(channel_body).collect()))
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<ChannelBody>, Failure> {
    versioned_body(cx.read().await?.as_mut(), request.path.channel).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Reply<ChannelBody>, Failure> {
    let NewChannel { name, kind, fields, secrets } = request.body;
    check_values(&cx, &name, kind, &fields, &secrets)?;
    let id = cx.parts().mint.channel();
    let channel = Channel {
        id,
        name,
        kind,
        fields,
        sealed: channel_secrets::seal(cx.parts(), id, &secrets),
        secrets: secrets.into_keys().collect(),
        enabled: true,
        standing: ChannelStanding::default(),
        created: cx.now(),
        version: 1,
    };
    let mut change = cx.begin().await?;
    if change.channels().all(MOST_CHANNELS).await?.len() >= MOST_CHANNELS {
        let detail = format!("there are {MOST_CHANNELS} channels already");
        return Err(Failure::conflict(detail, "remove one that is not used any more"));
    }
    change.channels().add(&channel).await?;
    let detail = serde_json::json!({ "kind": kind, "fields": channel.fields });
    let answer = versioned_body(change.reading(), id).await?;
    change.commit(cx.audit_with(Action::ChannelCreate, about(&channel), detail)).await?;
    Ok(answer)
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Reply<ChannelBody>, Failure> {
    let (id, body) = (request.path.channel, request.body);
    let mut change = cx.begin().await?;
    let before = existing(change.reading(), id).await?;
    let secrets = kept_and_new(&cx, &before, &body)?;
    check_values(&cx, &body.name, before.kind, &body.fields, &secrets)?;
    let channel = Channel {
        name: body.name,
        fields: body.fields,
        sealed: channel_secrets::seal(cx.parts(), id, &secrets),
        secrets: secrets.into_keys().collect(),
        enabled: body.enabled,
        // Whoever changed it looked after it.
        standing: ChannelStanding { delivered: before.standing.delivered, ..ChannelStanding::default() },
        ..before
    };
    change.channels().update(&channel, request.expected).await.map_err(Failure::stale)?;
    looked_after(&mut change, id).await?;
    let detail = serde_json::json!({
        "fields": channel.fields, "secrets": body.secrets.keys().collect::<Vec<_>>(), "enabled": channel.enabled,
    });
    let answer = versioned_body(change.reading(), id).await?;
    change.commit(cx.audit_with(Action::ChannelUpdate, about(&channel), detail)).await?;
    Ok(answer)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.channel;
    let mut change = cx.begin().await?;
    let channel = existing(change.reading(), id).await?;
    let routes = change.routes().all(MOST_ROUTES).await?;
    if let Some(route) = routes.iter().find(|route| route.rule.channels.contains(&id)) {
        let detail = format!("the route `{}` tells through this channel", route.name);
        return Err(Failure::conflict(detail, "take the channel out of its routes first"));
    }
    change.channels().delete(id).await?;
    looked_after(&mut change, id).await?;
    change.commit(cx.audit(Action::ChannelDelete, about(&channel))).await?;
    Ok(Nothing {})
}

/// The test waits like any message and goes the same way: through the queue, the guard, and the signature.
pub(crate) async fn test(cx: Cx, request: Request<Test>) -> Result<DeliveryBody, Failure> {
    let mut change = cx.begin().await?;
    let channel = existing(change.reading(), request.path.channel).await?;
    if !channel.enabled {
        return Err(Failure::conflict("the channel is switched off", "switch it on, and test it then"));
    }
    let id = cx.parts().mint.delivery();
    let delivery = Delivery {
        id,
        channel: channel.id,
        route: None,
        group: format!("test/{id}"),
        kind: NoticeKind::Test,
        state: DeliveryState::Waiting,
        items: serde_json::json!([]),
        count: 0,
        created: cx.now(),
        due: Some(cx.now()),
        tried: None,
        attempts: 0,
        answer: None,
        ended: None,
    };
    change.deliveries().queue(&delivery).await?;
    change.commit(cx.audit(Action::ChannelTest, about(&channel))).await?;
    Ok(delivery_body(delivery, &channel.name))
}

pub(crate) async fn deliveries(cx: Cx, request: Request<Deliveries>) -> Result<Page<DeliveryBody>, Failure> {
    let query = request.query;
    let wanted = page::request(query.limit, query.after.as_ref(), |id: DeliveryId| id)?;
    let mut read = cx.read().await?;
    let found = read.deliveries().page(query.channel, wanted).await?;
    let channels = read.channels().all(MOST_CHANNELS).await?;
    let names: BTreeMap<ChannelId, String> = channels.into_iter().map(|one| (one.id, one.name)).collect();
    let named = |one: Delivery| {
        let name = names.get(&one.channel).cloned().unwrap_or_default();
        delivery_body(one, &name)
    };
    page::finish(found.items.into_iter().map(named).collect(), found.next, |id| id)
}

async fn existing(read: &mut dyn Read, id: ChannelId) -> Result<Channel, Failure> {
    read.channels().find(id).await?.ok_or_else(|| Failure::not_found("channel"))
}

/// Nobody needs to be told any more that it fails.
async fn looked_after(change: &mut Change<'_>, id: ChannelId) -> Result<(), Failure> {
    alerts::resolve(change, AlertKind::ChannelFailing, &AlertSubject::new("channel", id)).await?;
    Ok(())
}

fn check_values(
    cx: &Cx,
    name: &str,
    kind: ChannelKind,
    fields: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Result<(), Failure> {
    let mut checked = Fields::default();
    checked.check("name", check::label(name));
    for (field, problem) in rules::problems(kind, &Values { fields, secrets }) {
        checked.check::<(), _>(&field, Err(problem));
    }
    if let Some(notifier) = fields.get("notifier").filter(|name| !cx.parts().courier.has_notifier(name)) {
        checked.check::<(), _>("fields.notifier", Err(format!("no notifier is registered as `{notifier}`")));
    }
    checked.finish()
}

/// The secrets that the channel will have. Those that are stored are sent only to where they were set for.
fn kept_and_new(cx: &Cx, before: &Channel, body: &ChannelChange) -> Result<Secrets, Failure> {
    let given = |name: &String| body.secrets.contains_key(name);
    let moved = leads_elsewhere(before, body);
    if let Some(missing) = before.secrets.iter().find(|name| moved && !given(name)) {
        let message = "the channel leads elsewhere now: give its secrets again, so that none is sent to a place it was not set for";
        return Err(Failure::field(&format!("secrets.{missing}"), message));
    }
    let mut secrets = match channel_secrets::open(cx.parts(), before) {
        Some(secrets) => secrets,
        None if before.secrets.iter().all(given) => Secrets::new(),
        None => {
            let detail = "the server's key does not open the channel's secrets";
            return Err(Failure::conflict(detail, "give all of its secrets again"));
        }
    };
    secrets.extend(body.secrets.clone());
    // An empty one is taken away.
    secrets.retain(|_, secret| !secret.expose().is_empty());
    Ok(secrets)
}

fn leads_elsewhere(before: &Channel, body: &ChannelChange) -> bool {
    let places = description(before.kind).map(|row| row.fields).unwrap_or_default();
    places
        .iter()
        .filter(|field| field.place)
        .any(|field| before.fields.get(field.name) != body.fields.get(field.name))
}

fn about(channel: &Channel) -> Option<Subject> {
    subject("channel", channel.id, channel.name.clone())
}

async fn versioned_body(read: &mut dyn Read, id: ChannelId) -> Result<Reply<ChannelBody>, Failure> {
    let channel = existing(read, id).await?;
    let version = channel.version;
    Ok(Reply::versioned(channel_body(channel), version))
}

fn channel_body(channel: Channel) -> ChannelBody {
    ChannelBody {
        id: channel.id,
        name: channel.name,
        kind: channel.kind,
        fields: channel.fields,
        secrets: channel.secrets,
        enabled: channel.enabled,
        failing_since: channel.standing.failing_since,
        trouble: channel.standing.trouble,
        delivered_at: channel.standing.delivered,
        created_at: channel.created,
        version: channel.version,
    }
}

fn kind_body(kind: &Kind) -> KindDescription {
    let field = |field: &rules::Field| FieldDescription {
        name: field.name.to_owned(),
        label: field.label.to_owned(),
        help: field.help.to_owned(),
        secret: field.secret,
        required: field.required,
        choices: match field.check {
            rules::Check::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            _ => Vec::new(),
        },
    };
    KindDescription {
        kind: kind.kind,
        name: kind.name.to_owned(),
        about: kind.about.to_owned(),
        fields: kind.fields.iter().map(field).collect(),
    }
}

fn delivery_body(delivery: Delivery, channel: &str) -> DeliveryBody {
    let items: Vec<Item> = serde_json::from_value(delivery.items).unwrap_or_default();
    DeliveryBody {
        id: delivery.id,
        channel: Reference { id: delivery.channel, name: channel.to_owned() },
        route: delivery.route,
        kind: delivery.kind,
        state: delivery.state,
        count: delivery.count,
        alerts: items.into_iter().map(|item| item.alert).collect(),
        created_at: delivery.created,
        due_at: delivery.due,
        attempts: delivery.attempts,
        answer: delivery.answer,
        ended_at: delivery.ended,
    }
}
