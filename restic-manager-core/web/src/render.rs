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
    let mut environment = embedded();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(escape_visibly);
    environment.add_function("asset", |name: &str| {
        assets::url(name)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no asset {name}")))
    });
    environment
        .add_filter("lines", |value: &str| Value::from_safe_string(escaped(&text::visible_lines(value))));
    environment.add_filter("exact", |value: Value| match value.as_str() {
        Some(text) => Value::from_safe_string(escaped(text)),
        None => value,
    });
    environment
});

/// All files that were below `templates` when the crate was built.
#[expect(elided_lifetimes_in_paths, reason = "what the macro includes is written by its library")]
fn embedded() -> Environment<'static> {
    let mut environment = Environment::new();
    minijinja_embed::load_templates!(&mut environment);
    environment
}

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

/// A carriage return is spelled out, or the browser would make a line feed of it.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\r' => safe.push_str("&#13;"),
            other => safe.push(other),
        }
    }
    safe
}
