//! The request that each kind of channel wants. Each is held to a recorded request in `tests/golden/notify`.

use core::{fmt::Display, time::Duration};
use data_encoding::BASE64;
use restic_manager_crypto::WebhookSecret;
use restic_manager_proto::{
    Timestamp,
    limits::cut,
    vocabulary::{NoticeKind, Severity},
};
use serde_json::{Value, json};

use super::{
    channel::{Unfit, Values},
    message::Message,
    outgoing::{HttpRequest, Mail, Outgoing, Security},
    target::Target,
};

type Shaped = Result<Outgoing, Unfit>;

/// Alertmanager lets an alert end by itself that is not sent again; reminders come once a day.
const ALERTMANAGER_LASTS: Duration = Duration::from_secs(25 * 60 * 60);

pub(super) fn webhook(values: &Values<'_>, message: &Message, now: Timestamp) -> Shaped {
    let kind = match message.kind {
        NoticeKind::Raised => "alert.raised",
        NoticeKind::Resolved => "alert.resolved",
        NoticeKind::Reminder => "alert.reminder",
        NoticeKind::Digest => "digest",
        _ => "test",
    };
    let body = json!({ "type": kind, "timestamp": message.created, "data": data(message) }).to_string();
    let unfit = |problem: &dyn Display| Unfit { field: "secret", problem: problem.to_string() };
    let secret = WebhookSecret::parse(values.need("secret")?).map_err(|error| unfit(&error))?;
    let seconds = now.as_milliseconds().div_euclid(1000);
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", message.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", secret.sign(&message.id, seconds, body.as_bytes())),
    ];
    Ok(http("POST", values.target("url")?, headers, body))
}

fn data(message: &Message) -> Value {
    json!({
        "id": message.id,
        "severity": message.severity,
        "title": message.title,
        "text": message.body,
        "link": message.link,
        "count": message.count,
        "open": message.open,
        "alerts": message.items,
    })
}

pub(super) fn email(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let security = match values.need("security")? {
        "tls" => Security::Tls,
        "starttls" => Security::StartTls,
        _ => Security::None,
    };
    let from = values.need("from")?;
    let domain = from.rsplit('@').next().unwrap_or("localhost");
    // Mails about one alert are one conversation.
    let thread = message.items.first().map_or_else(|| message.id.clone(), |item| item.alert.to_string());
    let login = values
        .get("user")
        .map(|user| (user.to_owned(), values.get("password").unwrap_or_default().to_owned()));
    let port = values.need("port")?.parse();
    Ok(Outgoing::Mail(Mail {
        host: values.need("host")?.to_owned(),
        port: port.map_err(|_| Unfit { field: "port", problem: "a port, such as 465".to_owned() })?,
        security,
        login,
        from: from.to_owned(),
        to: values.need("to")?.split(',').map(|one| one.trim().to_owned()).collect(),
        subject: format!("[{}] {}", message.severity, message.title),
        text: format!("{}\n\n{}\n", message.body, message.link),
        message_id: format!("{}@{domain}", message.id),
        thread_id: format!("{thread}@{domain}"),
    }))
}

pub(super) fn ntfy(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let (priority, tag) = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => (3, "white_check_mark"),
        (_, Severity::Critical) => (5, "rotating_light"),
        (_, Severity::Warning) => (4, "warning"),
        _ => (3, "information_source"),
    };
    let body = json!({
        "topic": values.need("topic")?,
        "title": message.title,
        "message": cut(&message.body, 3500),
        "priority": priority,
        "tags": [tag],
        "click": message.link,
    });
    Ok(http("POST", values.target("url")?, with_token(values, json_headers()), body.to_string()))
}

pub(super) fn slack(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let body = json!({
        "text": escaped(&message.title),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": cut(&message.title, 140) } },
            { "type": "section", "text": { "type": "mrkdwn", "text": cut(&escaped(&message.body), 2900) } },
            { "type": "section", "text": { "type": "mrkdwn", "text": format!("<{}|Open it>", message.link) } },
        ],
    });
    post(values.target("url")?, &body)
}

pub(super) fn discord(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let colour = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => 0x2e_a0_43,
        (_, Severity::Critical) => 0xd1_24_2f,
        (_, Severity::Warning) => 0xbf_87_00,
        _ => 0x6e_77_81,
    };
    let embed = json!({
        "title": cut(&message.title, 250),
        "description": cut(&message.body, 3800),
        "url": message.link,
        "color": colour,
        "timestamp": message.created,
    });
    let mut target = values.target("url")?;
    target.path.push_str(if target.path.contains('?') { "&wait=true" } else { "?wait=true" });
    // Nobody is called by a name that stands in a text.
    post(target, &json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } }))
}

pub(super) fn telegram(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let server = values.get("url").unwrap_or("https://api.telegram.org");
    let target = Target::parse(server).map_err(|error| Unfit { field: "url", problem: error.to_string() })?;
    let text = format!(
        "<b>{}</b>\n{}\n<a href=\"{}\">Open it</a>",
        escaped(&message.title),
        escaped(&cut(&message.body, 2500)),
        escaped(&message.link)
    );
    let mut body = json!({
        "chat_id": values.need("chat")?,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    });
    if let Some(topic) = values.get("topic") {
        let wrong = |_| Unfit { field: "topic", problem: "a number".to_owned() };
        body["message_thread_id"] = json!(topic.parse::<i64>().map_err(wrong)?);
    }
    post(target.below(&format!("/bot{}/sendMessage", segment(values.need("token")?))), &body)
}

pub(super) fn gotify(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let priority = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => 4,
        (_, Severity::Critical) => 9,
        (_, Severity::Warning) => 6,
        _ => 3,
    };
    let body = json!({
        "title": message.title,
        "message": message.body,
        "priority": priority,
        "extras": { "client::notification": { "click": { "url": message.link } } },
    });
    let mut headers = json_headers();
    headers.push(("x-gotify-key", values.need("token")?.to_owned()));
    Ok(http("POST", values.target("url")?.below("/message"), headers, body.to_string()))
}

pub(super) fn matrix(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let text = format!("{}\n{}\n{}", message.title, message.body, message.link);
    let html = format!(
        "<strong>{}</strong><br><pre>{}</pre><a href=\"{}\">Open it</a>",
        escaped(&message.title),
        escaped(&message.body),
        escaped(&message.link)
    );
    let body = json!({
        "msgtype": "m.text",
        "body": text,
        "format": "org.matrix.custom.html",
        "formatted_body": html,
    });
    // The homeserver takes one transaction id once.
    let path = format!(
        "/_matrix/client/v3/rooms/{}/send/m.room.message/{}",
        segment(values.need("room")?),
        segment(&message.id)
    );
    let mut headers = json_headers();
    headers.push(("authorization", format!("Bearer {}", values.need("token")?)));
    Ok(http("PUT", values.target("url")?.below(&path), headers, body.to_string()))
}

pub(super) fn teams(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let colour = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => "good",
        (_, Severity::Critical) => "attention",
        (_, Severity::Warning) => "warning",
        _ => "default",
    };
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            { "type": "TextBlock", "text": message.title, "weight": "bolder", "size": "medium", "color": colour, "wrap": true },
            { "type": "TextBlock", "text": cut(&message.body, 8000).replace('\n', "\n\n"), "wrap": true },
        ],
        "actions": [{ "type": "Action.OpenUrl", "title": "Open it", "url": message.link }],
    });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
    post(values.target("url")?, &json!({ "type": "message", "attachments": [attachment] }))
}

pub(super) fn pushover(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let server = values.get("url").unwrap_or("https://api.pushover.net");
    let target = Target::parse(server).map_err(|error| Unfit { field: "url", problem: error.to_string() })?;
    let priority = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => 0,
        (_, Severity::Critical) => 1,
        (_, Severity::Warning) => 0,
        _ => -1,
    };
    let body = json!({
        "token": values.need("token")?,
        "user": values.need("user")?,
        "title": cut(&message.title, 250),
        "message": cut(&message.body, 1000),
        "url": message.link,
        "priority": priority,
        "timestamp": message.created.as_milliseconds().div_euclid(1000),
    });
    post(target.below("/1/messages.json"), &body)
}

/// A check knows up and down alone: up again when nothing is open any more.
pub(super) fn healthchecks(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let target = values.target("url")?;
    let target = match message.kind {
        NoticeKind::Raised | NoticeKind::Reminder => target.below("/fail"),
        NoticeKind::Resolved if message.open == 0 => target,
        _ => target.below("/log"),
    };
    let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
    Ok(http("POST", target, headers, cut(&format!("{}\n{}", message.title, message.body), 9000)))
}

pub(super) fn alertmanager(values: &Values<'_>, message: &Message, now: Timestamp) -> Shaped {
    let of = |item: &super::group::Item| {
        let ends = if item.event == NoticeKind::Resolved { now } else { now.after(ALERTMANAGER_LASTS) };
        json!({
            "labels": {
                "alertname": item.kind,
                "severity": item.severity,
                "subject": item.subject,
                "alert": item.alert,
                "source": "restic-manager",
            },
            "annotations": { "summary": item.summary },
            "startsAt": item.since,
            "endsAt": ends,
            "generatorURL": message.link,
        })
    };
    let mut alerts: Vec<Value> = message.items.iter().map(of).collect();
    if alerts.is_empty() {
        alerts.push(json!({
            "labels": { "alertname": message.kind, "severity": message.severity, "source": "restic-manager" },
            "annotations": { "summary": message.title },
            "startsAt": message.created,
            "endsAt": now,
            "generatorURL": message.link,
        }));
    }
    let target = values.target("url")?.below("/api/v2/alerts");
    Ok(http("POST", target, with_token(values, json_headers()), Value::Array(alerts).to_string()))
}

pub(super) fn apprise(values: &Values<'_>, message: &Message, _: Timestamp) -> Shaped {
    let kind = match (message.kind, message.severity) {
        (NoticeKind::Resolved, _) => "success",
        (_, Severity::Critical) => "failure",
        (_, Severity::Warning) => "warning",
        _ => "info",
    };
    let mut body = json!({
        "title": message.title,
        "body": format!("{}\n\n{}", message.body, message.link),
        "type": kind,
        "format": "text",
    });
    if let Some(tag) = values.get("tag") {
        body["tag"] = json!(tag);
    }
    post(values.target("url")?.below(&format!("/notify/{}", segment(values.need("key")?))), &body)
}

pub(super) fn custom(values: &Values<'_>, _: &Message, _: Timestamp) -> Shaped {
    Ok(Outgoing::Custom(values.need("notifier")?.to_owned()))
}

fn http(
    method: &'static str,
    target: Target,
    headers: Vec<(&'static str, String)>,
    body: String,
) -> Outgoing {
    Outgoing::Http(HttpRequest { method, target, headers, body })
}

fn post(target: Target, body: &Value) -> Shaped {
    Ok(http("POST", target, json_headers(), body.to_string()))
}

fn json_headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json".to_owned())]
}

/// A token as Bearer; `user:password` as Basic.
fn with_token(values: &Values<'_>, mut headers: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    if let Some(token) = values.get("token") {
        let value = if token.contains(':') {
            format!("Basic {}", BASE64.encode(token.as_bytes()))
        } else {
            format!("Bearer {token}")
        };
        headers.push(("authorization", value));
    }
    headers
}

/// A text that is no markup in HTML, nor in what Slack calls mrkdwn.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => segment.push(byte.into()),
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}
