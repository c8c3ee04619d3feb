//! The kinds of channels, one row each. The next kind is a row here, its word in the vocabulary, and a recorded request.

use restic_manager_proto::vocabulary::ChannelKind;

use super::{
    channel::{Check, Field, Kind},
    shape,
};

const fn field(name: &'static str, label: &'static str, help: &'static str, check: Check) -> Field {
    Field { name, label, help, check, secret: false, required: true, place: false }
}

impl Field {
    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    const fn place(self) -> Self {
        Self { place: true, ..self }
    }
}

const TOKEN: Field = field(
    "token",
    "Access token",
    "Sent as a bearer token; leave it empty where none is needed.",
    Check::Text,
)
.secret()
.optional();
const USER: Field =
    field("user", "User", "Leave it empty where no login is needed.", Check::Text).optional().place();
const PASSWORD: Field = field("password", "Password", "Of this user.", Check::Text).secret().optional();

/// Every kind, once.
pub const KINDS: &[Kind] = &[
    Kind {
        kind: ChannelKind::Webhook,
        name: "Webhook",
        about: "Posts JSON to an address of yours, signed as Standard Webhooks says, so that the receiver knows who sent it.",
        fields: &[
            field("url", "Address", "Such as https://hooks.example.com/backups.", Check::Url).place(),
            field("secret", "Signing secret", "`whsec_` and the Base64 of 24 to 64 bytes; the receiver has the same.", Check::WebhookSecret)
                .secret(),
        ],
        shape: shape::webhook,
    },
    Kind {
        kind: ChannelKind::Email,
        name: "Email",
        about: "Sends mail through an SMTP server of yours.",
        fields: &[
            field("host", "Mail server", "Such as mail.example.com.", Check::Host).place(),
            field("port", "Port", "Usually 465 for tls, 587 for starttls.", Check::Port).place(),
            field(
                "security",
                "Encryption",
                "tls from the first byte, starttls before anything is said, or none, for servers in allowed networks alone.",
                Check::Words(&["tls", "starttls", "none"]),
            )
            .place(),
            USER,
            PASSWORD,
            field("from", "Sender", "Such as backups@example.com.", Check::Address),
            field("to", "Recipients", "Addresses between commas.", Check::Addresses),
        ],
        shape: shape::email,
    },
    Kind {
        kind: ChannelKind::Ntfy,
        name: "ntfy",
        about: "Publishes to a topic of ntfy.sh or of your own ntfy server.",
        fields: &[
            field("url", "Server", "Such as https://ntfy.sh.", Check::Url).place(),
            field("topic", "Topic", "Whoever knows it can read it: choose one that nobody guesses.", Check::Name),
            TOKEN,
        ],
        shape: shape::ntfy,
    },
    Kind {
        kind: ChannelKind::Slack,
        name: "Slack",
        about: "Posts to a channel of Slack.",
        fields: &[field("url", "Webhook address", "Of an incoming webhook, https://hooks.slack.com/….", Check::Url).secret()],
        shape: shape::slack,
    },
    Kind {
        kind: ChannelKind::Discord,
        name: "Discord",
        about: "Posts to a channel of Discord.",
        fields: &[field("url", "Webhook address", "From the channel's settings, Integrations.", Check::Url).secret()],
        shape: shape::discord,
    },
    Kind {
        kind: ChannelKind::Telegram,
        name: "Telegram",
        about: "A bot writes to a chat, a group or a topic of Telegram.",
        fields: &[
            field("token", "Bot token", "From @BotFather.", Check::Text).secret(),
            field("chat", "Chat id", "A number, or @name of a public channel.", Check::Text),
            field("topic", "Topic id", "Of a group with topics.", Check::Text).optional(),
            field("url", "Server", "https://api.telegram.org unless you run one of your own.", Check::Url).optional().place(),
        ],
        shape: shape::telegram,
    },
    Kind {
        kind: ChannelKind::Gotify,
        name: "Gotify",
        about: "Sends to an application of your Gotify server.",
        fields: &[
            field("url", "Server", "Such as https://gotify.example.com.", Check::Url).place(),
            field("token", "Application token", "Of the application that shall show the messages.", Check::Text).secret(),
        ],
        shape: shape::gotify,
    },
    Kind {
        kind: ChannelKind::Matrix,
        name: "Matrix",
        about: "Writes to a room that is not encrypted.",
        fields: &[
            field("url", "Homeserver", "Such as https://matrix.example.com.", Check::Url).place(),
            field("room", "Room id", "Such as !abc:example.com, from the room's settings.", Check::Text),
            field("token", "Access token", "Of an account that has joined the room.", Check::Text).secret(),
        ],
        shape: shape::matrix,
    },
    Kind {
        kind: ChannelKind::Teams,
        name: "Microsoft Teams",
        about: "Posts a card to a channel or a chat, by a workflow of Teams.",
        fields: &[field("url", "Workflow address", "Of a workflow that posts when a webhook request is received.", Check::TeamsUrl).secret()],
        shape: shape::teams,
    },
    Kind {
        kind: ChannelKind::Pushover,
        name: "Pushover",
        about: "Sends to the devices of a Pushover user or group.",
        fields: &[
            field("user", "User or group key", "From your Pushover dashboard.", Check::Name).secret(),
            field("token", "Application token", "Of an application that you made there.", Check::Name).secret(),
            field("url", "Server", "https://api.pushover.net unless there is a proxy of yours before it.", Check::Url).optional().place(),
        ],
        shape: shape::pushover,
    },
    Kind {
        kind: ChannelKind::Healthchecks,
        name: "Healthchecks",
        about: "Reports failure to a check while an alert lasts, and success when none is open any more.",
        fields: &[field("url", "Ping address", "Such as https://hc-ping.com/ and the check's id.", Check::Url).secret()],
        shape: shape::healthchecks,
    },
    Kind {
        kind: ChannelKind::Alertmanager,
        name: "Alertmanager",
        about: "Hands alerts to the Alertmanager of Prometheus, which routes them further.",
        fields: &[
            field("url", "Server", "Such as https://alertmanager.example.com.", Check::Url).place(),
            TOKEN,
        ],
        shape: shape::alertmanager,
    },
    Kind {
        kind: ChannelKind::Apprise,
        name: "Apprise",
        about: "Hands messages to an Apprise API server, which knows many more services.",
        fields: &[
            field("url", "Server", "Such as https://apprise.example.com.", Check::Url).place(),
            field("key", "Configuration key", "Under which the server keeps its services.", Check::Name).secret(),
            field("tag", "Tag", "Only services of this tag.", Check::Text).optional(),
        ],
        shape: shape::apprise,
    },
    Kind {
        kind: ChannelKind::Custom,
        name: "Custom",
        about: "Hands messages to a notifier that the program around this server registered.",
        fields: &[field("notifier", "Notifier", "The name under which it was registered.", Check::Name)],
        shape: shape::custom,
    },
];
