//! What an answer means. Whatever the other end says is read here and nowhere else.

use core::time::Duration;
use restic_manager_proto::{limits, vocabulary::ChannelKind};
use serde_json::Value;

/// The longest words of an answer that are kept.
const MOST_WORDS: usize = 300;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever settles a delivery must know every outcome")]
pub enum Outcome {
    /// The other end took it.
    Delivered,
    /// It did not, and may later.
    Again {
        /// What it said.
        why: String,
        /// How long it wants to be left alone.
        after: Option<Duration>,
    },
    /// It wants nothing more, ever: the channel is switched off.
    Gone {
        /// What it said.
        why: String,
    },
}

impl Outcome {
    /// It did not work, and may later.
    #[must_use]
    pub fn again(why: impl Into<String>) -> Self {
        Self::Again { why: why.into(), after: None }
    }
}

/// What an answer over HTTP means: its status, its `Retry-After`, its body.
#[must_use]
pub fn judge(kind: ChannelKind, status: u16, retry_after: Option<&str>, body: &[u8]) -> Outcome {
    let value = serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
    let why = || match words(body) {
        words if words.is_empty() => format!("HTTP status {status}"),
        words => format!("HTTP status {status}: {words}"),
    };
    match status {
        200..=299 => match refusal(kind, &value) {
            None => Outcome::Delivered,
            Some(said) => Outcome::again(format!("HTTP status {status}, but {said}")),
        },
        300..=399 => Outcome::again(format!(
            "HTTP status {status}: redirects are not followed; give the address it leads to"
        )),
        410 => Outcome::Gone { why: why() },
        _ => Outcome::Again { why: why(), after: asked(retry_after, &value) },
    }
}

/// Some services answer 200 and say in the body that they did nothing.
fn refusal(kind: ChannelKind, value: &Value) -> Option<&'static str> {
    match kind {
        ChannelKind::Telegram if value["ok"] != Value::Bool(true) => Some("Telegram did not say `ok`"),
        ChannelKind::Pushover if value["status"] != 1 => Some("Pushover did not say `status` 1"),
        ChannelKind::Matrix if !value["event_id"].is_string() => Some("the homeserver named no event"),
        _ => None,
    }
}

/// How long to wait, in the header or where Discord and Telegram say it.
fn asked(header: Option<&str>, value: &Value) -> Option<Duration> {
    let of_header = header.and_then(|text| text.trim().parse::<f64>().ok());
    let of_body = value["retry_after"].as_f64().or_else(|| value["parameters"]["retry_after"].as_f64());
    let seconds = of_header.or(of_body)?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).ok()
}

/// The first words of an answer, on one line.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MOST_WORDS)]);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    limits::cut(plain.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), MOST_WORDS)
}

/// A text without the secrets of its channel: the other end may repeat what it was sent.
#[must_use]
pub fn without_secrets<'s>(text: &str, secrets: impl IntoIterator<Item = &'s str>) -> String {
    secrets
        .into_iter()
        .filter(|secret| secret.len() >= 4)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}
