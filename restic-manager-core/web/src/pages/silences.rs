//! The form of a silence.

use restic_manager_proto::{
    Matcher,
    api::{
        Nothing, Problem,
        silences::{self, NewSilence},
    },
};
use serde::Serialize;
use std::time::Duration;

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
    render::Template,
    view::{Section, SelectOption, Tab},
};

const NEW: &str = "/settings/notifications/silences/new";
/// How long a silence may last, in hours, with the words for it.
const LENGTHS: &[(u64, &str)] =
    &[(1, "an hour"), (4, "4 hours"), (24, "a day"), (72, "3 days"), (168, "a week"), (720, "30 days")];
const USUAL_LENGTH: u64 = 4;

#[derive(Serialize)]
struct SilencePage<'a> {
    tabs: Vec<Tab>,
    denied: Option<String>,
    form: FormState<'a>,
    severities: Vec<SelectOption>,
    lengths: Vec<SelectOption>,
}

impl Template for SilencePage<'_> {
    const FILE: &'static str = "pages/silence.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    page(&cx, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let mut form = cx.form_at(&[NEW], problem);
    form.text("reason", "").text_of("length", "until", &USUAL_LENGTH.to_string());
    matcher::fill(cx, &mut form, &Matcher::default()).await?;
    let page = SilencePage {
        tabs: tabs(&caller, SettingsTab::Notifications),
        denied: denied(&caller),
        form,
        severities: severities(""),
        lengths: LENGTHS.iter().map(|(hours, word)| option(&hours.to_string(), word)).collect(),
    };
    let frame = caller.frame(cx, "Silence notifications", Section::Settings).crumb("Notifications", HERE);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let length: Option<u16> = reader.needed("length", "until", "choose one of those offered");
    let matcher = matcher::read(&cx, &mut reader).await?;
    let body = reader.finish(matcher.zip(length)).map(|(matcher, hours)| NewSilence {
        matcher,
        from: None,
        until: cx.now.after(Duration::from_secs(u64::from(hours) * 60 * 60)),
        reason: cx.form.text("reason").to_owned(),
    });
    let made = async { cx.api.send::<silences::Create>(Nothing {}, body?).await }.await;
    match refusal_of(made)? {
        Ok(_) => Ok(redirect("/settings/notifications?done=silence-made")),
        Err(problem) => page(&cx, Some(&problem)).await,
    }
}
