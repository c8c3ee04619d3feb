//! Templates to HTML: typed contexts in, escaped text out.

use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter};
use serde::Serialize;
use std::sync::LazyLock;

use crate::{assets, text, view::Frame};

/// A page's own part: the context that one template shows.
pub(crate) trait Template: Serialize {
    /// The template's file name below `templates/`.
    const FILE: &'static str;
}

/// The whole page.
pub(crate) fn page<T: Template>(frame: &Frame, content: &T) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Context<'a, T> {
        template: &'static str,
        frame: &'a Frame,
        page: &'a T,
    }
    TEMPLATES.get_template(T::FILE)?.render(minijinja::value::Serde(&Context {
        template: T::FILE,
        frame,
        page: content,
    }))
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(escape_visibly);
    environment.add_function("asset", |name: &str| {
        assets::url(name)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no asset {name}")))
    });
    environment
        .add_filter("lines", |value: &str| Value::from_safe_string(escaped(&text::visible_lines(value))));
    for (name, source) in SOURCES {
        environment.add_template(name, source).expect("every template compiles; a test renders them all");
    }
    environment
});

/// Escapes like the engine, after making control and direction characters visible, so that no template can forget it.
fn escape_visibly(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    match value.as_str() {
        Some(shown) if !value.is_safe() => {
            out.write_str(&escaped(&text::visible(shown))).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

static SOURCES: &[(&str, &str)] = sources![
    "alone.html",
    "base.html",
    "credential.html",
    "generated_password.html",
    "head.html",
    "host_fields.html",
    "host_head.html",
    "lists.html",
    "retention.html",
    "storage.html",
    "pages/account.html",
    "pages/alerts.html",
    "pages/api_token_created.html",
    "pages/api_tokens.html",
    "pages/audit.html",
    "pages/audit_entry.html",
    "pages/bootstrap.html",
    "pages/command.html",
    "pages/confirm.html",
    "pages/error.html",
    "pages/factor_app.html",
    "pages/factor_codes.html",
    "pages/factors.html",
    "pages/gallery.html",
    "pages/hooks.html",
    "pages/host_jobs.html",
    "pages/host_new.html",
    "pages/pending_host.html",
    "pages/pending_hosts.html",
    "pages/host_repositories.html",
    "pages/host_schedules.html",
    "pages/host_settings.html",
    "pages/host_snapshots.html",
    "pages/host_sources.html",
    "pages/hosts.html",
    "pages/invitation.html",
    "pages/job.html",
    "pages/jobs.html",
    "pages/login.html",
    "pages/overview.html",
    "pages/repositories.html",
    "pages/repository.html",
    "pages/repository_created.html",
    "pages/repository_new.html",
    "pages/rest_login.html",
    "pages/retention_preview.html",
    "pages/schedule.html",
    "pages/search.html",
    "pages/sessions.html",
    "pages/second_step.html",
    "pages/settings.html",
    "pages/setup.html",
    "pages/source.html",
    "pages/user.html",
    "pages/user_invited.html",
    "pages/user_new.html",
    "pages/users.html",
    "server.html",
    "ui.html",
    "ui/basics.html",
    "ui/data.html",
    "ui/flow.html",
    "ui/form.html",
    "ui/log.html",
];
