//! Channels, routes and silences.

use restic_manager_proto::{
    AlertId, ChannelId, DeliveryId, Matcher, QuietHours, RouteId, RouteRule, Scope, SilenceId,
    api::{
        Reference,
        channels::{Channel, Delivery, FieldDescription, KindDescription},
        routes::{Asked, Explanation, Route},
        silences::Silence,
    },
    vocabulary::{AlertKind, ChannelKind, DeliveryState, NoticeKind, Severity, Timing},
};
use std::time::Duration;

use super::{Fake, ago, id, now};

pub(crate) fn channel_id() -> ChannelId {
    id(ChannelId::from_parts, 7)
}

pub(crate) fn route_id() -> RouteId {
    id(RouteId::from_parts, 7)
}

fn field(name: &str, secret: bool, choices: &[&str]) -> FieldDescription {
    FieldDescription {
        name: name.to_owned(),
        label: format!("The {name}"),
        help: "What belongs there.".to_owned(),
        secret,
        required: true,
        choices: choices.iter().map(|word| (*word).to_owned()).collect(),
    }
}

impl Fake {
    pub(super) fn kinds(&self) -> Vec<KindDescription> {
        let fields = vec![
            field("host", false, &[]),
            field("security", false, &["tls", "none"]),
            field("password", true, &[]),
        ];
        let about = "Sends mail.".to_owned();
        vec![KindDescription { kind: ChannelKind::Email, name: "Email".to_owned(), about, fields }]
    }

    pub(super) fn channel(&self, works: bool) -> Channel {
        Channel {
            id: if works { channel_id() } else { id(ChannelId::from_parts, 8) },
            name: if works { self.name.clone() } else { "Pager".to_owned() },
            kind: ChannelKind::Email,
            fields: [("host", self.name.as_str()), ("security", "none")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            secrets: vec!["password".to_owned()],
            enabled: works,
            failing_since: (!works).then(|| ago(4000)),
            trouble: (!works).then(|| self.name.clone()),
            delivered_at: works.then(|| ago(60)),
            created_at: ago(90_000),
            version: 4,
        }
    }

    pub(super) fn route(&self) -> Route {
        let matcher = Matcher {
            severity: Severity::Warning,
            kinds: [AlertKind::CheckFailed].into(),
            scope: Scope::tags(["berlin"]),
            ..Matcher::default()
        };
        let quiet =
            QuietHours { from: "22:00".to_owned(), until: "07:00".to_owned(), unless: Severity::Critical };
        let rule = RouteRule {
            matcher,
            channels: vec![channel_id()],
            timing: Timing::Daily,
            resolved: true,
            reminders: false,
            goes_on: true,
            quiet: Some(quiet),
            zone: "Europe/Berlin".to_owned(),
            digest_at: "06:30".to_owned(),
        };
        Route { id: route_id(), place: 3, name: self.name.clone(), rule, created_at: ago(90_000), version: 4 }
    }

    pub(super) fn silence(&self) -> Silence {
        Silence {
            id: id(SilenceId::from_parts, 7),
            matcher: Matcher::default(),
            from: ago(60),
            until: now().after(Duration::from_secs(3600)),
            reason: self.name.clone(),
            made_by: self.name.clone(),
            created_at: ago(60),
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        Delivery {
            id: id(DeliveryId::from_parts, 7),
            channel: Reference { id: channel_id(), name: self.name.clone() },
            route: Some(route_id()),
            kind: NoticeKind::Raised,
            state: DeliveryState::Waiting,
            count: 12,
            alerts: vec![id(AlertId::from_parts, 7)],
            created_at: ago(60),
            due_at: Some(now().after(Duration::from_secs(60))),
            attempts: 2,
            answer: Some(self.name.clone()),
            ended_at: None,
        }
    }

    pub(super) fn explanation(&self) -> Explanation {
        let route = Reference { id: route_id(), name: self.name.clone() };
        let channels = vec![Reference { id: channel_id(), name: self.name.clone() }];
        Explanation {
            muted: None,
            routes: vec![Asked { route, verdict: "told".to_owned(), channels, due_at: Some(now()) }],
        }
    }
}
