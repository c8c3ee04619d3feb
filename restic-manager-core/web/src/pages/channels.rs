//! The form of a notification channel: the fields that its kind has.

use restic_manager_proto::{
    SecretText,
    api::{
        Code, Nothing, Problem,
        channels::{self, ByChannel, Channel, ChannelChange, FieldDescription, KindDescription, NewChannel},
    },
    vocabulary::ChannelKind,
};
use serde::Serialize;
use std::collections::BTreeMap;

use super::{
    context::Cx,
    form_state::FormState,
    notifications::{HERE, denied, option},
    problem::{refusal_of, refused},
    respond::{Answer, html_with, redirect},
    settings::{SettingsTab, tabs},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Section, SelectOption, Tab},
};

const NEW: &str = "/settings/notifications/channels/new";

#[derive(Serialize)]
struct ChannelPage<'a> {
    tabs: Vec<Tab>,
    denied: Option<String>,
    /// The kinds to choose from, before one is chosen.
    kinds: Vec<(String, String, String)>,
    about: String,
    action: String,
    fields: Vec<FieldRow>,
    form: FormState<'a>,
    /// Of a channel that is there.
    version: Option<i64>,
    name: String,
    remove: String,
}

#[derive(Serialize)]
struct FieldRow {
    /// Its name in the form.
    name: String,
    label: String,
    help: String,
    secret: bool,
    required: bool,
    /// A secret that is set already.
    set: bool,
    options: Vec<SelectOption>,
}

impl Template for ChannelPage<'_> {
    const FILE: &'static str = "pages/channel.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let channel = stored(&cx).await?;
    page(&cx, Some(&channel), None).await
}

async fn stored(cx: &Cx) -> Result<Channel, Failure> {
    cx.api.get::<channels::Show>(ByChannel { channel: cx.parameter("channel")? }, Nothing {}).await
}

async fn kinds(cx: &Cx) -> Result<Vec<KindDescription>, Failure> {
    Ok(cx.api.get::<channels::Kinds>(Nothing {}, Nothing {}).await?.items)
}

async fn page(cx: &Cx, channel: Option<&Channel>, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let denied = denied(&caller);
    let kinds = if denied.is_none() { kinds(cx).await? } else { Vec::new() };
    let chosen: Option<ChannelKind> = channel.map(|channel| channel.kind).or_else(|| cx.choice("kind"));
    let kind = kinds.iter().find(|row| Some(row.kind) == chosen);
    let action = match (channel, kind) {
        (Some(channel), _) => format!("{HERE}/channels/{}", channel.id),
        (None, Some(kind)) => format!("{NEW}?kind={}", kind.kind),
        (None, None) => NEW.to_owned(),
    };
    let mut form = cx.form_at(&[NEW, &action], problem);
    let name = channel
        .map_or_else(|| kind.map(|kind| kind.name.clone()).unwrap_or_default(), |one| one.name.clone());
    form.text("name", &name).flag("enabled", channel.is_none_or(|channel| channel.enabled));
    let fields = kind.map(|kind| fill(&mut form, kind, channel)).unwrap_or_default();
    let page = ChannelPage {
        tabs: tabs(&caller, SettingsTab::Notifications),
        denied,
        kinds: if kind.is_some() { Vec::new() } else { kinds.iter().map(choice).collect() },
        about: kind.map(|kind| kind.about.clone()).unwrap_or_default(),
        action,
        fields,
        form,
        version: channel.map(|channel| channel.version),
        remove: channel.map(|channel| format!("{HERE}/channels/{}/remove", channel.id)).unwrap_or_default(),
        name: name.clone(),
    };
    let title = if channel.is_some() { name.as_str() } else { "Add a channel" };
    let frame = caller.frame(cx, title, Section::Settings).crumb("Notifications", HERE);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

fn choice(kind: &KindDescription) -> (String, String, String) {
    (kind.name.clone(), kind.about.clone(), format!("{NEW}?kind={}", kind.kind))
}

fn fill(form: &mut FormState<'_>, kind: &KindDescription, channel: Option<&Channel>) -> Vec<FieldRow> {
    let row = |field: &FieldDescription| {
        let name = in_form(field);
        if field.secret {
            form.secret_of(&name, &format!("secrets.{}", field.name));
        } else {
            let first = field.choices.first().map(String::as_str).unwrap_or_default();
            let stored =
                channel.and_then(|channel| channel.fields.get(&field.name)).map_or(first, String::as_str);
            form.text_of(&name, &format!("fields.{}", field.name), stored);
        }
        let set = channel.is_some_and(|channel| channel.secrets.contains(&field.name));
        FieldRow {
            name,
            label: field.label.clone(),
            help: field.help.clone(),
            secret: field.secret,
            required: field.required && !set,
            set,
            options: field.choices.iter().map(|word| option(word, word)).collect(),
        }
    };
    kind.fields.iter().map(row).collect()
}

/// The fields of a kind may have any name; those of the form itself stay apart.
fn in_form(field: &FieldDescription) -> String {
    format!("field_{}", field.name)
}

/// What was typed, for the fields that the kind has. A secret that was left empty is not among them.
fn typed(cx: &Cx, kind: &KindDescription) -> (BTreeMap<String, String>, BTreeMap<String, SecretText>) {
    let (mut fields, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for field in &kind.fields {
        let name = in_form(field);
        if field.secret {
            let given = cx.form.given(&name).map(|_| SecretText::new(cx.form.text(&name)));
            secrets.extend(given.map(|secret| (field.name.clone(), secret)));
        } else if let Some(value) = cx.form.given(&name) {
            fields.insert(field.name.clone(), value.to_owned());
        }
    }
    (fields, secrets)
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let kinds = kinds(&cx).await?;
    let chosen: Option<ChannelKind> = cx.choice("kind");
    let Some(kind) = kinds.iter().find(|row| Some(row.kind) == chosen) else {
        return Err(refused(Code::Invalid, "choose a kind of channel first"));
    };
    let (fields, secrets) = typed(&cx, kind);
    let body = NewChannel { name: cx.form.text("name").to_owned(), kind: kind.kind, fields, secrets };
    match refusal_of(cx.api.send::<channels::Create>(Nothing {}, body).await)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=channel-made")),
        Err(problem) => page(&cx, None, Some(&problem)).await,
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let channel = stored(&cx).await?;
    let kinds = kinds(&cx).await?;
    let kind = kinds.iter().find(|row| row.kind == channel.kind);
    let (fields, secrets) = kind.map(|kind| typed(&cx, kind)).unwrap_or_default();
    let body = ChannelChange {
        name: cx.form.text("name").to_owned(),
        fields,
        secrets,
        enabled: cx.form.given("enabled").is_some(),
    };
    let by = ByChannel { channel: channel.id };
    match refusal_of(cx.api.change::<channels::Update>(by, body, cx.version()).await)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=channel-updated")),
        Err(problem) => page(&cx, Some(&channel), Some(&problem)).await,
    }
}

pub(crate) async fn remove(cx: Cx) -> Answer {
    let channel = stored(&cx).await?;
    if cx.form.text("confirm") != channel.name {
        let problem = Problem::new(
            Code::Invalid,
            format!("that is not “{}”; nothing was removed", channel.name),
            "type the name of the channel",
        );
        return page(&cx, Some(&channel), Some(&problem)).await;
    }
    let by = ByChannel { channel: channel.id };
    match refusal_of(cx.api.send::<channels::Delete>(by, Nothing {}).await)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=channel-removed")),
        Err(problem) => page(&cx, Some(&channel), Some(&problem)).await,
    }
}
