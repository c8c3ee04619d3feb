//! Each kind's request, held to a recorded one. `RM_RECORD=1` writes those that are missing.

use restic_manager_proto::{
    SecretText,
    vocabulary::{ChannelKind, NoticeKind},
};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use super::{at, item};
use crate::notify::{
    Check, HttpRequest, Item, KINDS, Kind, Mail, Message, Outgoing, Values, compose, description, prepare,
    problems,
};

type Map<T> = BTreeMap<String, T>;

/// A channel of a kind with every field filled in.
fn filled(row: &Kind) -> (Map<String>, Map<SecretText>) {
    let (mut fields, mut secrets) = (Map::new(), Map::new());
    for field in row.fields {
        let value = match (row.kind, field.name, field.check) {
            (ChannelKind::Telegram, "topic", _) => "7".to_owned(),
            (ChannelKind::Telegram, "token", _) => "12:a/b".to_owned(),
            (ChannelKind::Matrix, "room", _) => "!room:example.com".to_owned(),
            (_, _, Check::Url) => format!("https://{}.example.com/base", row.kind),
            (_, _, Check::TeamsUrl) => "https://prod.logic.azure.com/workflows/x?sig=y".to_owned(),
            (_, _, Check::Host) => "mail.example.com".to_owned(),
            (_, _, Check::Port) => "465".to_owned(),
            (_, _, Check::Address) => "backups@example.com".to_owned(),
            (_, _, Check::Addresses) => "alice@example.com, bob@example.com".to_owned(),
            (_, _, Check::Words(words)) => words[0].to_owned(),
            (_, _, Check::WebhookSecret) => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            (_, name, _) => format!("the-{name}"),
        };
        if field.secret {
            secrets.insert(field.name.to_owned(), SecretText::new(value));
        } else {
            fields.insert(field.name.to_owned(), value);
        }
    }
    (fields, secrets)
}

fn message(event: NoticeKind) -> Message {
    let items = if event == NoticeKind::Test { vec![] } else { vec![item(1, event)] };
    let count = items.len() as u64;
    let id = "01932f6e-1c2d-7a4b-8e9f-0123456789ab".to_owned();
    compose(id, event, items, count, 0, "https://backup.example.com", at(30))
}

fn request(row: &Kind, message: &Message) -> Outgoing {
    let (fields, secrets) = filled(row);
    prepare(row.kind, &Values { fields: &fields, secrets: &secrets }, message, at(31)).unwrap()
}

fn written(outgoing: &Outgoing) -> String {
    let mut text = String::new();
    match outgoing {
        Outgoing::Http(HttpRequest { method, target, headers, body }) => {
            writeln!(text, "{method} https://{}{}", target.authority(), target.path).unwrap();
            headers.iter().for_each(|(name, value)| writeln!(text, "{name}: {value}").unwrap());
            match serde_json::from_str::<serde_json::Value>(body) {
                Ok(value) => writeln!(text, "\n{}", serde_json::to_string_pretty(&value).unwrap()),
                Err(_) => writeln!(text, "\n{body}"),
            }
            .unwrap();
        }
        Outgoing::Mail(mail) => {
            let Mail { host, port, security, login, from, to, subject, text: body, message_id, thread_id } =
                mail;
            writeln!(text, "{host}:{port} {security:?} {login:?}\nfrom {from}\nto {to:?}\nsubject {subject}")
                .unwrap();
            writeln!(text, "message-id {message_id}\nthread-id {thread_id}\n\n{body}").unwrap();
        }
        Outgoing::Custom(name) => writeln!(text, "custom {name}").unwrap(),
    }
    text
}

#[test]
fn requests_are_as_recorded() {
    for row in KINDS {
        for event in [NoticeKind::Raised, NoticeKind::Resolved, NoticeKind::Test] {
            let text = written(&request(row, &message(event)));
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/golden/notify/{}-{event}.txt", row.kind));
            match fs::read_to_string(&path) {
                Ok(recorded) => assert_eq!(text, recorded, "{}", path.display()),
                Err(_) if std::env::var_os("RM_RECORD").is_some() => fs::write(path, text).unwrap(),
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }
}

#[test]
fn every_kind_has_a_row_whose_fields_are_named_once() {
    for kind in ChannelKind::ALL {
        let row = description(*kind).unwrap();
        assert_eq!(KINDS.iter().filter(|row| row.kind == *kind).count(), 1, "{kind}");
        let mut names: Vec<_> = row.fields.iter().map(|field| field.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), row.fields.len(), "{kind}");
        let (fields, secrets) = filled(row);
        assert_eq!(problems(*kind, &Values { fields: &fields, secrets: &secrets }), [], "{kind}");
    }
}

#[test]
fn what_is_wrong_is_told_by_field() {
    let of = |kind, fields: &[(&str, &str)], secrets: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let secrets =
            secrets.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(*value))).collect();
        let found = problems(kind, &Values { fields: &fields, secrets: &secrets });
        found.into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    assert_eq!(of(ChannelKind::Slack, &[], &[]), ["secrets.url"]);
    assert_eq!(
        of(ChannelKind::Slack, &[("url", "https://a.example")], &[]),
        ["fields.url"],
        "a secret is not shown"
    );
    let mail = [
        ("host", "0x7f.1"),
        ("port", "0"),
        ("security", "maybe"),
        ("from", "a@b\r\nBcc: c@d"),
        ("to", "a@b.example,"),
    ];
    assert_eq!(
        of(ChannelKind::Email, &mail, &[]),
        ["fields.host", "fields.port", "fields.security", "fields.from", "fields.to"]
    );
    assert_eq!(of(ChannelKind::Teams, &[], &[("url", "https://x.webhook.office.com/y")]), ["secrets.url"]);
    assert_eq!(
        of(ChannelKind::Webhook, &[("url", "ftp://x")], &[("secret", "short"), ("more", "x")]),
        ["secrets.more", "fields.url", "secrets.secret"]
    );
}

/// A name or a finding is a text in every channel: no markup, no second line where there is one line, no header.
#[test]
fn hostile_texts_stay_texts() {
    let hostile = Item { subject: "<b>@everyone</b>\r\nBcc: x".to_owned(), ..item(1, NoticeKind::Raised) };
    let message = compose(
        "id".to_owned(),
        NoticeKind::Raised,
        vec![hostile],
        1,
        1,
        "https://backup.example.com",
        at(30),
    );
    for row in KINDS {
        match request(row, &message) {
            Outgoing::Http(HttpRequest { headers, body, target, .. }) => {
                assert!(headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])), "{}", row.kind);
                assert!(!target.path.contains([' ', '<', '\r', '\n']), "{}", row.kind);
                if matches!(row.kind, ChannelKind::Telegram | ChannelKind::Slack) {
                    assert!(body.contains("&lt;b&gt;"), "{}", row.kind);
                }
            }
            Outgoing::Mail(mail) => assert!(!mail.subject.contains(['\r', '\n'])),
            Outgoing::Custom(_) => {}
        }
    }
}

#[test]
fn no_secret_is_shown_by_debug() {
    for row in KINDS {
        let shown = format!("{:?}", request(row, &message(NoticeKind::Raised)));
        for secret in filled(row).1.values() {
            assert!(!shown.contains(secret.expose()), "{}: {shown}", row.kind);
        }
    }
}
