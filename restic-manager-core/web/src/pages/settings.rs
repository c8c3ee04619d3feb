//! The colours, what this server is, and the tabs that lead to the other settings.

use http::{HeaderValue, header};
use restic_manager_proto::{
    api::{
        Nothing,
        registration::{self, Registration, RegistrationChange},
        server,
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::{Caller, Cx, THEME_COOKIE},
    form_state::FormState,
    gallery,
    respond::{Answer, html, html_text, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Fingerprint, Pill, Section, Tab, Tone},
};

/// The tabs of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SettingsTab {
    General,
    Account,
    Sessions,
    TwoFactor,
    Tokens,
    Maintenance,
    Notifications,
    Users,
}

/// Each tab with its label, its address, and the role that has a use for it.
const TABS: &[(SettingsTab, &str, &str, Role)] = &[
    (SettingsTab::General, "General", "/settings", Role::Viewer),
    (SettingsTab::Account, "Account", "/settings/account", Role::Viewer),
    (SettingsTab::Sessions, "Sessions", "/settings/sessions", Role::Viewer),
    (SettingsTab::TwoFactor, "Two factors", "/settings/two-factor", Role::Viewer),
    (SettingsTab::Tokens, "API tokens", "/settings/tokens", Role::Viewer),
    (SettingsTab::Maintenance, "Maintenance", "/settings/maintenance", Role::Viewer),
    (SettingsTab::Notifications, "Notifications", "/settings/notifications", Role::Admin),
    (SettingsTab::Users, "Users", "/settings/users", Role::Admin),
];

/// The tabs that this user has a use for.
pub(super) fn tabs(caller: &Caller, current: SettingsTab) -> Vec<Tab> {
    let useful = TABS.iter().filter(|(of, .., role)| *of == current || caller.session.role.includes(*role));
    let tab = |(of, label, href, _): &(SettingsTab, &'static str, &str, Role)| Tab {
        label,
        href: (*href).to_owned(),
        current: *of == current,
        count: None,
    };
    useful.map(tab).collect()
}

#[derive(Serialize)]
struct SettingsPage<'a> {
    tabs: Vec<Tab>,
    form: FormState<'a>,
    version: String,
    wire: String,
    fingerprint: Fingerprint,
    /// Whether hosts may join; absent for those who cannot say so.
    registration: Option<Pill>,
}

impl Template for SettingsPage<'_> {
    const FILE: &'static str = "pages/settings.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let (caller, server) =
        tokio::try_join!(cx.caller(), cx.api.get::<server::Version>(Nothing {}, Nothing {}))?;
    let registration = registration_of(&cx, &caller).await?;
    let word = |on: Option<bool>| if on == Some(true) { "yes" } else { "no" };
    let mut form = cx.form_at(&[], None);
    form.text("theme", cx.theme().unwrap_or("auto"))
        .text("open", word(registration.as_ref().map(|registration| registration.open)))
        .text("announce", word(registration.as_ref().map(|registration| registration.announce)));
    let page = SettingsPage {
        tabs: tabs(&caller, SettingsTab::General),
        form,
        version: server.version,
        wire: server.wire.to_string(),
        fingerprint: Fingerprint::new(&server.fingerprint),
        registration: registration.map(|registration| registration_pill(registration.open)),
    };
    html(&caller.frame(&cx, "Settings", Section::Settings), &page)
}

/// Whether hosts may join, and how; absent for who cannot say so.
pub(super) async fn registration_of(cx: &Cx, caller: &Caller) -> Result<Option<Registration>, Failure> {
    if caller.denied(Role::Admin).is_some() {
        return Ok(None);
    }
    match cx.api.get::<registration::Show>(Nothing {}, Nothing {}).await {
        Ok(registration) => Ok(Some(registration)),
        // An admin of a part of the fleet.
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn registration_pill(open: bool) -> Pill {
    if open {
        Pill::new(Tone::Good, "circle-check", "open")
    } else {
        Pill::new(Tone::Unknown, "lock", "closed")
    }
}

pub(crate) async fn set_registration(cx: Cx) -> Answer {
    let open = cx.form.text("open") == "yes";
    let announce = cx.form.text("announce") == "yes";
    cx.api.send::<registration::Update>(Nothing {}, RegistrationChange { open, announce }).await?;
    Ok(redirect(match (open, announce) {
        (true, true) => "/settings?done=announcements-on",
        (true, false) => "/settings?done=registration-open",
        (false, _) => "/settings?done=registration-closed",
    }))
}

pub(crate) async fn set_theme(cx: Cx) -> Answer {
    let theme = match cx.form.text("theme") {
        "light" => "light",
        "dark" => "dark",
        _ => "auto",
    };
    let mut response = redirect("/settings?done=theme");
    let cookie = format!("{THEME_COOKIE}={theme}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// For people who change the components; shows sample data only.
pub(crate) async fn gallery(_cx: Cx) -> Answer {
    Ok(html_text(gallery::html()?))
}
