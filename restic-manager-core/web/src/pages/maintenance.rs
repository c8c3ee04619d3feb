//! Maintenance that lasts or is to come.

use restic_manager_proto::{
    MaintenanceId, Scope, Timestamp,
    api::{
        Nothing, Problem,
        maintenance::{self, ByWindow, MaintenanceWindow, NewMaintenanceWindow},
    },
    vocabulary::Role,
};
use serde::Serialize;
use std::time::Duration;

use super::{
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
    scope,
    settings::{SettingsTab, tabs},
};
use crate::{
    render::Template,
    view::{Moment, Pill, Section, SelectOption, Tab, Tone},
};

const HERE: &str = "/settings/maintenance";
/// How long maintenance may last, in hours, with the words for it.
const LENGTHS: &[(u64, &str)] = &[
    (1, "an hour"),
    (4, "4 hours"),
    (12, "12 hours"),
    (24, "a day"),
    (72, "3 days"),
    (168, "a week"),
    (720, "30 days"),
];
const USUAL_LENGTH: u64 = 4;

#[derive(Serialize)]
struct MaintenancePage<'a> {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    form: FormState<'a>,
    lengths: Vec<SelectOption>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    reason: String,
    /// Nothing for the whole fleet.
    scope: String,
    state: Pill,
    from: Moment,
    until: Moment,
    made_by: String,
    /// Where it is ended; nothing for who may not.
    end: Option<String>,
}

impl Template for MaintenancePage<'_> {
    const FILE: &'static str = "pages/maintenance.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    page(&cx, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let (caller, found) =
        tokio::try_join!(cx.caller(), cx.api.get::<maintenance::List>(Nothing {}, Nothing {}))?;
    let denied = caller.denied(Role::Operator);
    let mut form = cx.form_at(&[HERE], problem);
    form.text("reason", "").text("from", "").text_of("length", "until", &USUAL_LENGTH.to_string());
    scope::fill(cx, &mut form, &Scope::All).await?;
    let may_end = denied.is_none();
    let page = MaintenancePage {
        tabs: tabs(&caller, SettingsTab::Maintenance),
        rows: found.items.iter().map(|window| Row::new(cx, window, may_end)).collect(),
        form,
        lengths: LENGTHS.iter().map(|(hours, word)| option(*hours, word)).collect(),
        denied,
    };
    let frame = caller.frame(cx, "Settings", Section::Settings);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

fn option(hours: u64, word: &str) -> SelectOption {
    SelectOption { value: hours.to_string(), label: word.to_owned() }
}

impl Row {
    fn new(cx: &Cx, window: &MaintenanceWindow, may_end: bool) -> Self {
        Self {
            reason: window.reason.clone(),
            scope: scope::in_words(&window.scope),
            state: if window.from <= cx.now {
                Pill::new(Tone::Running, "hourglass", "lasts")
            } else {
                Pill::new(Tone::Unknown, "clock", "to come")
            },
            from: cx.moment(window.from),
            until: cx.moment(window.until),
            made_by: window.made_by.clone(),
            end: (may_end && window.yours).then(|| format!("{HERE}/{}/end", window.id)),
        }
    }
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let from = reader.optional("from", "from", &format!("a time, such as {}", cx.now));
    let length = reader.needed("length", "until", "choose one of those offered");
    let scope = scope::read(&cx, &mut reader).await?;
    let made = match reader.finish(scope.zip(length)) {
        Ok((scope, hours)) => {
            let body = new_window(&cx, scope, from, hours);
            cx.api.send::<maintenance::Create>(Nothing {}, body).await
        }
        Err(failure) => Err(failure),
    };
    match refusal_of(made)? {
        Ok(_) => Ok(redirect("/settings/maintenance?done=maintenance-announced")),
        Err(problem) => page(&cx, Some(&problem)).await,
    }
}

/// A length beyond those offered is told by the API.
fn new_window(cx: &Cx, scope: Scope, from: Option<Timestamp>, hours: u16) -> NewMaintenanceWindow {
    let length = Duration::from_secs(u64::from(hours) * 60 * 60);
    NewMaintenanceWindow {
        scope,
        from,
        until: from.unwrap_or(cx.now).after(length),
        reason: cx.form.text("reason").to_owned(),
    }
}

pub(crate) async fn end(cx: Cx) -> Answer {
    let window: MaintenanceId = cx.parameter("window")?;
    cx.api.send::<maintenance::End>(ByWindow { window }, Nothing {}).await?;
    Ok(redirect("/settings/maintenance?done=maintenance-ended"))
}
