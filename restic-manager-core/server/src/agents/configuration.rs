//! What a connected agent does by itself, compared with what it shall do.

use restic_manager_crypto::ChannelContext;
use restic_manager_proto::{
    HostId,
    agent::{Configuration, ConfigurationVersion},
    vocabulary::AlertKind,
};
use restic_manager_store::{
    Audit, Error,
    alerts::{AlertSubject, NewAlert},
    retry,
};

use crate::{
    domain::{
        alerts,
        configuration::{LIMIT, draft},
    },
    parts::Parts,
};

/// What is to be done about what a connected agent shall have.
#[derive(Debug)]
pub(super) enum Offer {
    /// It has it.
    Held,
    /// It is to be sent.
    Send(Box<Configuration>),
    /// It cannot be sent; why, for people.
    Unfit(String),
}

/// Compares what a connected agent has with what it shall have, from the rows as they are now.
pub(super) async fn offer(
    parts: &Parts,
    host: HostId,
    held: Option<&ConfigurationVersion>,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Offer, Error> {
    let mut read = parts.store.read().await?;
    let Some(draft) = draft(read.as_mut(), host).await? else { return Ok(Offer::Held) };
    let wanted = read.hosts().find(host).await?.and_then(|host| host.configuration.wanted);
    drop(read);
    let digest = draft.digest();
    let wanted = match wanted {
        Some(wanted) if wanted.digest == digest => wanted,
        // A change that nobody told, or a build that writes configurations in another way.
        _ => want(parts, host, &digest).await?,
    };
    if held == Some(&wanted) {
        return Ok(Offer::Held);
    }
    if draft.size() > LIMIT {
        return Ok(Offer::Unfit(
            "it is too large for one message; let fewer source groups run by a schedule".to_owned(),
        ));
    }
    Ok(match draft.seal(parts, wanted, seal) {
        Ok(configuration) => Offer::Send(Box::new(configuration)),
        Err(unfit) => Offer::Unfit(unfit.detail.into_owned()),
    })
}

async fn want(parts: &Parts, host: HostId, digest: &str) -> Result<ConfigurationVersion, Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        let wanted = change.hosts().want_configuration(host, digest, parts.now()).await?;
        change.commit(Audit::Routine("a host's configuration follows its rows")).await?;
        Ok::<_, Error>(wanted)
    })
    .await
}

/// Notes which configuration an agent has.
pub(super) async fn hold(
    parts: &Parts,
    host: HostId,
    held: Option<&ConfigurationVersion>,
) -> Result<(), Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        change.hosts().hold_configuration(host, held, parts.now()).await?;
        let row = change.hosts().find(host).await?;
        if row.is_some_and(|row| row.configuration.drift_since.is_none()) {
            let about = AlertSubject::new("host", host);
            alerts::resolve(&mut change, AlertKind::ConfigurationRefused, &about).await?;
        }
        change.tell_host(host);
        change.commit(Audit::Routine("an agent said which configuration it has")).await
    })
    .await
}

/// Notes why an agent does not get the configuration that it shall have.
pub(super) async fn refuse(parts: &Parts, host: HostId, reason: &str) -> Result<(), Error> {
    tracing::warn!(host.id = %host, reason, "a host's agent does not take its configuration");
    let reason: String = reason.chars().take(500).collect();
    retry(async || {
        let mut change = parts.begin().await?;
        change.hosts().refuse_configuration(host, &reason).await?;
        let name = change.hosts().find(host).await?.map(|row| row.name).unwrap_or_default();
        let summary =
            format!("{name} goes on with an older configuration: its agent would not take the new one.");
        let (kind, about) = (AlertKind::ConfigurationRefused, AlertSubject::new("host", host));
        let finding = alerts::found(parts, kind, about, &name, summary, serde_json::Value::Null);
        alerts::raise(&mut change, &NewAlert { evidence: reason.clone(), ..finding }).await?;
        change.tell_host(host);
        change.commit(Audit::Routine("an agent would not take its configuration")).await
    })
    .await
}
