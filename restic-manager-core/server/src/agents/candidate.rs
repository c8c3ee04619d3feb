//! Somebody who holds a key and shows a token, before it is known whether they are let in.

use core::net::IpAddr;
use restic_manager_core::handshake::agent_token_context;
use restic_manager_crypto::{ChannelKeys, PublicKey, SecretString};
use restic_manager_proto::{
    HostFacts, Opaque,
    agent::{OutboxPosition, Welcome},
    capability::Capabilities,
    vocabulary::{Action, Outcome},
};
use restic_manager_store::{
    Audit, Error,
    audit::{Actor, NewAuditEntry, Subject},
    hosts::Host,
    retry,
};
use std::sync::Arc;

use crate::{
    domain::watch,
    entry::{self, ANONYMOUS},
    parts::{Change, Parts, refusals::Refused},
};

/// Somebody who holds a key and shows a token.
pub(super) struct Candidate<'a> {
    pub(super) parts: &'a Arc<Parts>,
    pub(super) agent: PublicKey,
    pub(super) facts: HostFacts,
    pub(super) address: Option<IpAddr>,
}

impl Candidate<'_> {
    pub(super) async fn note_connection(
        &self,
        change: &mut Change<'_>,
        mut host: Host,
    ) -> Result<Host, Error> {
        let now = self.parts.now();
        let address = self.address.map(|address| address.to_string());
        host.generation = change.hosts().connect(host.id, now, &self.facts, address.as_deref()).await?;
        watch::came(change, host.id).await?;
        host.last_seen = Some(now);
        host.facts.clone_from(&self.facts);
        Ok(host)
    }

    /// Records a refusal, within a budget, so that repeated attempts do not fill the audit log.
    pub(super) async fn note_refusal(&self, action: Action, subject: &str, id: &str, reason: &'static str) {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(client.address = address, agent.key = %self.agent.fingerprint(), reason, "refused an agent");
        if !self.parts.refusals.may_record(Refused::ByAgents, self.parts.now()) {
            return;
        }
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        let subject = Subject { kind: subject.to_owned(), id, name: None };
        let detail = serde_json::json!({ "reason": reason, "key": self.agent.fingerprint().to_string() });
        let entry = NewAuditEntry {
            subject: Some(subject),
            outcome: Outcome::Refused,
            detail,
            ..self.entry(ANONYMOUS, action)
        };
        if let Err(error) = self.record(entry).await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not record a refusal");
        }
    }

    async fn record(&self, entry: NewAuditEntry) -> Result<(), Error> {
        retry(async || self.parts.begin().await?.commit(Audit::entry(entry.clone())).await).await
    }

    /// An entry of what this candidate did, from where.
    pub(super) fn entry(&self, actor: Actor, action: Action) -> NewAuditEntry {
        NewAuditEntry {
            address: self.address.map(|address| address.to_string()),
            ..entry::entry(self.parts.mint.audit(), self.parts.now(), actor, action)
        }
    }
}

/// The welcome of a host, with its token when it has just become one.
pub(super) fn welcome(
    host: &Host,
    generation: u64,
    token: Option<&SecretString>,
    keys: &ChannelKeys,
) -> Welcome {
    let reported =
        host.outbox.map(|position| OutboxPosition { outbox: position.outbox, through: position.sequence });
    let welcome = Welcome::new(host.id, host.name.clone(), generation)
        .with_reported(reported)
        .with_capabilities(Capabilities::of_server());
    match token {
        Some(token) => {
            let sealed = keys.seal(&agent_token_context(host.id), token.expose().as_bytes());
            welcome.with_token(Opaque::new(sealed))
        }
        None => welcome,
    }
}
