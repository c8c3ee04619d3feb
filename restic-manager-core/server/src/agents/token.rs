//! An agent's token, replaced while it works. The rules are [`agent_token`]'s.

use core::time::Duration;
use restic_manager_core::agent_token::{self, Tokens};
use restic_manager_crypto::{Token, TokenKind};
use restic_manager_proto::{HostId, vocabulary::Action};
use restic_manager_store::{Audit, Error, ErrorKind, TokenHash, audit::NewAuditEntry, hosts::Host, retry};

use crate::{
    entry::{self, entry, subject},
    parts::Parts,
};

/// How often a connection looks whether its agent's token has become old.
pub(super) const LOOK: Duration = Duration::from_secs(60 * 60);
/// Over how long the first look of the fleet is spread, so that a server that was away is not busy with tokens.
pub(super) const SPREAD: Duration = Duration::from_secs(10 * 60);

/// The hashes of a host's tokens.
pub(super) fn tokens(host: &Host) -> Tokens<TokenHash> {
    Tokens { current: host.agent_token, next: host.next_token, last: host.last_token }
}

/// When a connection looks for the first time: at once when a new token was asked for while the agent was away.
pub(super) fn first_look(host: &Host) -> Duration {
    host.token_since.map_or(Duration::ZERO, |_| SPREAD.mul_f64(agent_token::share(host.id)))
}

/// Whether a host's token is to be replaced now.
pub(super) async fn is_due(parts: &Parts, id: HostId) -> Result<bool, Error> {
    let Some(host) = parts.store.read().await?.hosts().find(id).await? else { return Ok(false) };
    Ok(agent_token::is_due(id, host.token_since, parts.config.agent_token_lifetime, parts.now()))
}

/// Makes an offer, on the disk before anybody hears of it; `None` while another is open, or the host is gone.
pub(super) async fn offer(parts: &Parts, id: HostId) -> Result<Option<Token>, Error> {
    let token = Token::mint(TokenKind::Agent, &*parts.random);
    let hash = hash_of(&token);
    let offered = retry(async || {
        let mut change = parts.begin().await?;
        match change.hosts().offer_token(id, &hash).await {
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                return Ok(false);
            }
            offered => offered?,
        }
        change.commit(Audit::Routine("an agent is offered a token")).await?;
        Ok::<_, Error>(true)
    });
    Ok(offered.await?.then_some(token))
}

/// The agent has kept the token: it is in force, and the old one is revoked.
pub(super) async fn confirm(parts: &Parts, host: &Host, hash: TokenHash) -> Result<(), Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        match change.hosts().confirm_token(host.id, &hash, parts.now()).await {
            // The agent has shown it already, or has been taken over.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => return Ok(()),
            confirmed => confirmed?,
        }
        change.tell_host(host.id);
        change.commit(Audit::entry(replaced(parts, host))).await
    })
    .await
}

/// The entry of a token that came into force.
pub(super) fn replaced(parts: &Parts, host: &Host) -> NewAuditEntry {
    NewAuditEntry {
        subject: subject("host", host.id, &host.name),
        address: host.address.clone(),
        ..entry(parts.mint.audit(), parts.now(), entry::agent(host), Action::AgentTokenReplace)
    }
}

pub(super) fn hash_of(token: &Token) -> TokenHash {
    TokenHash::new(*token.hash().as_bytes())
}
