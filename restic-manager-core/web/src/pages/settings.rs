//! The account, the colours, and what this server is.

use http::{HeaderValue, header};
use restic_manager_proto::api::{Nothing, server};
use serde::Serialize;

use super::{
    answer::{Answer, html, html_text, redirect},
    context::{Cx, THEME_COOKIE},
};
use crate::{
    gallery,
    render::Template,
    view::{Fingerprint, Moment, Section},
};

#[derive(Serialize)]
struct SettingsPage {
    name: String,
    role: &'static str,
    expires: Moment,
    theme: &'static str,
    version: String,
    wire: String,
    fingerprint: Fingerprint,
}

impl Template for SettingsPage {
    const FILE: &'static str = "pages/settings.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let (desk, server) = tokio::try_join!(cx.desk(), cx.api.get::<server::Version>(Nothing {}, Nothing {}))?;
    let page = SettingsPage {
        name: desk.session.name.clone(),
        role: desk.session.role.as_str(),
        expires: cx.moment(desk.session.expires_at),
        theme: cx.theme().unwrap_or("auto"),
        version: server.version,
        wire: server.wire.to_string(),
        fingerprint: Fingerprint::new(&server.fingerprint),
    };
    html(&desk.frame(&cx, "Settings", Section::Settings), &page)
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
