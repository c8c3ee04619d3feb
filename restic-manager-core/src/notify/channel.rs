//! What a kind of channel is: its fields, the rule of each, and the values of one channel.

use core::fmt;
use restic_manager_proto::{SecretText, Timestamp, vocabulary::ChannelKind};
use std::collections::BTreeMap;

use super::{message::Message, outgoing::Outgoing, target::Target};

/// One row of the table of kinds.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "rows of one table")]
pub struct Kind {
    /// The kind.
    pub kind: ChannelKind,
    /// Its name, as people know it.
    pub name: &'static str,
    /// What it does and needs.
    pub about: &'static str,
    /// Its fields, in the order of a form.
    pub fields: &'static [Field],
    /// The request for a message at a moment.
    pub shape: fn(&Values<'_>, &Message, Timestamp) -> Result<Outgoing, Unfit>,
}

/// One field of a kind.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "rows of one table")]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What belongs there.
    pub help: &'static str,
    /// What its values are held to.
    pub check: Check,
    /// Whether it is kept sealed and never shown.
    pub secret: bool,
    /// Whether it may not be left out.
    pub required: bool,
    /// Whether it says where secrets are sent: when it changes, they must be given again.
    pub place: bool,
}

/// What the values of a field are held to.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "rows of one table")]
pub enum Check {
    /// An address of HTTP.
    Url,
    /// An address of Microsoft Teams: those of the retired connectors are refused.
    TeamsUrl,
    /// A host.
    Host,
    /// A port.
    Port,
    /// One mail address.
    Address,
    /// Mail addresses between commas, 16 at most.
    Addresses,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A part of a path: letters, digits, `-`, `_`.
    Name,
    /// The secret of a webhook.
    WebhookSecret,
    /// Any text of one line.
    Text,
}

/// A channel's values cannot make a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
#[expect(clippy::exhaustive_structs, reason = "a field and what is wrong with it")]
pub struct Unfit {
    /// The field.
    pub field: &'static str,
    /// What should stand there.
    pub problem: String,
}

/// The values of a channel, secret or not.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "borrowed by whoever has the values")]
pub struct Values<'v> {
    /// Those that are shown.
    pub fields: &'v BTreeMap<String, String>,
    /// Those that are not.
    pub secrets: &'v BTreeMap<String, SecretText>,
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(…)")
    }
}

impl<'v> Values<'v> {
    /// A value, if it is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'v str> {
        let plain = self.fields.get(name).map(String::as_str);
        plain.or_else(|| self.secrets.get(name).map(SecretText::expose)).filter(|value| !value.is_empty())
    }

    pub(super) fn need(&self, name: &'static str) -> Result<&'v str, Unfit> {
        self.get(name).ok_or_else(|| Unfit { field: name, problem: "it is missing".to_owned() })
    }

    pub(super) fn target(&self, name: &'static str) -> Result<Target, Unfit> {
        Target::parse(self.need(name)?).map_err(|error| Unfit { field: name, problem: error.to_string() })
    }
}
