//! The values of a channel held to the rules of its kind, and the request that they make of a message.

use restic_manager_crypto::WebhookSecret;
use restic_manager_proto::{Timestamp, vocabulary::ChannelKind};

use super::{
    channel::{Check, Kind, Unfit, Values},
    message::Message,
    outgoing::Outgoing,
    table::KINDS,
    target::{Target, check_host},
};

/// The longest value of a field, in bytes.
const LONGEST: usize = 2048;

/// The row of a kind. Every kind has one: a test holds the table to it.
#[must_use]
pub fn description(kind: ChannelKind) -> Option<&'static Kind> {
    KINDS.iter().find(|row| row.kind == kind)
}

/// The request that a message becomes.
///
/// # Errors
/// When a value is missing or wrong.
pub fn prepare(
    kind: ChannelKind,
    values: &Values<'_>,
    message: &Message,
    now: Timestamp,
) -> Result<Outgoing, Unfit> {
    let unknown = || Unfit { field: "kind", problem: "this server does not know the kind".to_owned() };
    (description(kind).ok_or_else(unknown)?.shape)(values, message, now)
}

/// What is wrong with the values of a channel, by field; unknown fields, and secrets among those that are shown, are wrong.
#[must_use]
pub fn problems(kind: ChannelKind, values: &Values<'_>) -> Vec<(String, String)> {
    let Some(row) = description(kind) else { return vec![("kind".to_owned(), "not known here".to_owned())] };
    let known = |name: &str, secret: bool| {
        row.fields.iter().any(|field| field.name == name && field.secret == secret)
    };
    let strangers = values.fields.keys().map(|name| (name, "fields", false));
    let strangers = strangers.chain(values.secrets.keys().map(|name| (name, "secrets", true)));
    let mut found: Vec<_> = strangers
        .filter(|(name, _, secret)| !known(name, *secret))
        .map(|(name, list, _)| (format!("{list}.{name}"), format!("{} has no such field", row.name)))
        .collect();
    found.extend(row.fields.iter().filter_map(|field| {
        let list = if field.secret { "secrets" } else { "fields" };
        let problem = match values.get(field.name) {
            None if field.required => "it is needed".to_owned(),
            None => return None,
            Some(value) => check(field.check, value)?,
        };
        Some((format!("{list}.{}", field.name), problem))
    }));
    found
}

/// What should stand there instead.
fn check(check: Check, value: &str) -> Option<String> {
    if value.len() > LONGEST || value.chars().any(char::is_control) {
        return Some(format!("one line of at most {LONGEST} bytes"));
    }
    let unless = |fits: bool, problem: &str| (!fits).then(|| problem.to_owned());
    match check {
        Check::Url => Target::parse(value).err().map(|error| error.to_string()),
        Check::TeamsUrl => match Target::parse(value) {
            Ok(target) if target.host.ends_with("webhook.office.com") => Some(
                "Microsoft has retired these connectors; make a workflow in Teams (Workflows, `Post to a channel when a webhook \
                 request is received`) and give its address"
                    .to_owned(),
            ),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        },
        Check::Host => check_host(value).err().map(|error| error.to_string()),
        Check::Port => unless(value.parse::<u16>().is_ok_and(|port| port > 0), "a port, such as 465"),
        Check::Address => unless(is_address(value), "a mail address, such as backups@example.com"),
        Check::Addresses => {
            let all: Vec<_> = value.split(',').map(str::trim).collect();
            unless(all.len() <= 16 && all.iter().all(|one| is_address(one)), "1 to 16 mail addresses between commas")
        }
        Check::Words(words) => unless(words.contains(&value), &format!("one of {}", words.join(", "))),
        Check::Name => {
            let plain = value.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
            unless(plain && value.len() <= 64, "1 to 64 letters, digits, `-` or `_`")
        }
        Check::WebhookSecret => WebhookSecret::parse(value).err().map(|error| error.to_string()),
        Check::Text => None,
    }
}

/// Plain enough for every mail server; what lies beyond is refused here and not there.
fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    text.len() <= 254
        && text.split_once('@').is_some_and(|(user, host)| {
            (1..=64).contains(&user.len()) && user.chars().all(plain) && check_host(host).is_ok()
        })
}
