//! The secrets of notification channels: sealed together in the row, opened for whoever sends.

use restic_manager_crypto::{Context, Sealed};
use restic_manager_proto::{ChannelId, SecretText};
use restic_manager_store::{SealedBlob, channels::Channel};
use std::collections::BTreeMap;

use super::secrets::seal as seal_bytes;
use crate::parts::Parts;

/// The secrets of a channel by their names.
pub(crate) type Secrets = BTreeMap<String, SecretText>;

/// Seals them; nothing when there are none.
pub(crate) fn seal(parts: &Parts, channel: ChannelId, secrets: &Secrets) -> Option<SealedBlob> {
    let json = serde_json::to_vec(secrets).ok().filter(|_| !secrets.is_empty())?;
    Some(seal_bytes(parts, &Context::channel_secrets(channel.as_bytes()), &json))
}

/// Opens them; nothing when the server's key does not.
pub(crate) fn open(parts: &Parts, channel: &Channel) -> Option<Secrets> {
    let Some(sealed) = &channel.sealed else { return Some(Secrets::new()) };
    let context = Context::channel_secrets(channel.id.as_bytes());
    let opened = parts.keyring.open(&context, &Sealed::from_bytes(sealed.as_bytes())).ok()?;
    serde_json::from_slice(opened.expose()).ok()
}
