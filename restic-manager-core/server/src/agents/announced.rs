//! Hosts that announced themselves: taken in, kept waiting, told the verdict.
//!
//! What is decided is in their row; a waiting connection looks there when it is woken, and now and then, in case
//! another server decided. The agent gets its verdict over this connection and nothing else: to work, it connects anew.

use core::{net::IpAddr, time::Duration};
use restic_manager_core::{
    announce::{self, Room, Waiting},
    link::{Ended, Link},
};
use restic_manager_crypto::{ChannelKeys, SecretString, Token, TokenKind};
use restic_manager_proto::{
    PendingHostId, Timestamp,
    agent::{Pending, Refusal, RefusalCode},
    api::events::FleetEvent,
    session::Close,
    vocabulary::{Action, PendingHostState},
};
use restic_manager_store::{
    Audit, Error, PublicKey, Transaction,
    audit::NewAuditEntry,
    hosts::Host,
    pending_hosts::{PendingHost, Sighting},
    retry,
};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    candidate::{Candidate, welcome},
    refusal::{FAREWELL, Rejected, refuse, refused, unavailable},
    token::hash_of,
};
use crate::{
    domain::registration,
    entry::{self, entry, subject},
    parts::{
        Follow, Parts,
        lobby::Seat,
        throttle::{self, Door},
    },
};

/// How often a waiting connection looks without having been woken.
const LOOK: Duration = Duration::from_secs(30);

const CLOSED: &str = "announcements are switched off";
const CLOSED_MESSAGE: &str =
    "this server takes no announcements; ask an admin to switch them on, or for an enrolment token";
const FULL_MESSAGE: &str = "too many hosts wait for an admin; try again later";
const REJECTED_MESSAGE: &str = "an admin rejected this host";
const EXPIRED_MESSAGE: &str = "nobody decided within an hour; ask an admin, and announce this host again";

/// An announced host whose agent has proven its key.
#[derive(Debug)]
pub(super) struct Guest {
    id: PendingHostId,
    key: PublicKey,
    name: String,
    expires: Timestamp,
    keys: ChannelKeys,
    address: Option<IpAddr>,
}

/// Counts an announcement for its source and its network.
pub(super) async fn count(parts: &Parts, address: Option<IpAddr>) -> Result<(), Rejected> {
    match throttle::take(parts, Door::Announcement, address, parts.now()).await {
        Ok(_) => Ok(()),
        Err(failure) => {
            tracing::debug!(client.address = ?address, error = &failure as &dyn core::error::Error, "an announcement was not taken");
            let message = "too many announcements from this network; try again later";
            Err(refused(RefusalCode::Busy, message))
        }
    }
}

/// What became of an announcement.
enum Taken {
    In(Box<PendingHost>, Option<PendingHostId>),
    Closed,
    Full,
}

impl Candidate<'_> {
    /// Lets an announced host wait, or takes it up again where it was.
    pub(super) async fn announce(&self, keys: ChannelKeys) -> Result<Guest, Rejected> {
        let taken = retry(|| self.take_in()).await.map_err(|error| unavailable(&error))?;
        let (row, pushed_out) = match taken {
            Taken::In(row, pushed_out) => (row, pushed_out),
            Taken::Closed => {
                self.note_refusal(Action::EnrolmentRefused, "enrolment", "", CLOSED).await;
                return Err(refused(RefusalCode::EnrolmentClosed, CLOSED_MESSAGE));
            }
            Taken::Full => return Err(refused(RefusalCode::Busy, FULL_MESSAGE)),
        };
        if let Some(other) = pushed_out {
            tracing::info!(pending_host.id = %other, "an announced host gave way to another");
        }
        tracing::info!(pending_host.id = %row.id, client.address = ?self.address, agent.key = %self.agent.fingerprint(), "a host announced itself");
        let PendingHost { id, public_key: key, facts, expires, .. } = *row;
        Ok(Guest { id, key, name: facts.hostname, expires, keys, address: self.address })
    }

    async fn take_in(&self) -> Result<Taken, Error> {
        let now = self.parts.now();
        let key = PublicKey::new(*self.agent.as_bytes());
        let mut change = self.parts.begin().await?;
        if !registration::takes_announcements(change.meta()).await? {
            return Ok(Taken::Closed);
        }
        let known = change.pending_hosts().with_key(&key).await?;
        let (row, pushed_out) = match known {
            Some(row) if is_current(change.as_mut(), &row, now).await? => {
                let sighting = self.sighting(now);
                change.pending_hosts().see(row.id, &sighting).await?;
                (row, None)
            }
            other => {
                if let Some(over) = other {
                    change.pending_hosts().remove(over.id).await?;
                }
                let row = self.newcomer(key, now);
                let Ok(pushed_out) = make_room(change.as_mut(), &row.network, now).await? else {
                    return Ok(Taken::Full);
                };
                change.pending_hosts().add(&row).await?;
                (row, pushed_out)
            }
        };
        if let Some(other) = pushed_out {
            change.then(Follow::Decided(other));
        }
        change.commit(Audit::Routine("a host announced itself")).await?;
        Ok(Taken::In(Box::new(row), pushed_out))
    }

    fn newcomer(&self, public_key: PublicKey, now: Timestamp) -> PendingHost {
        let Sighting { facts, address, network, seen } = self.sighting(now);
        PendingHost {
            id: self.parts.mint.pending_host(),
            public_key,
            facts,
            address,
            network,
            first_seen: seen,
            last_seen: seen,
            expires: now.after(announce::LIFETIME),
            looked_at: None,
            state: PendingHostState::Waiting,
            host: None,
        }
    }

    fn sighting(&self, now: Timestamp) -> Sighting {
        let mut facts = self.facts.clone();
        // What the host allows is asked of it when it is one.
        facts.policy = None;
        let address = self.address.map(|address| address.to_canonical().to_string());
        let network = self.address.map(|address| announce::network(address).to_string());
        Sighting { facts, address, network: network.unwrap_or_default(), seen: now }
    }
}

/// Whether a row stands for this announcement, and not for one that is over: it has died, or it became a host which has
/// connected since, or was removed.
async fn is_current(
    transaction: &mut dyn Transaction,
    row: &PendingHost,
    now: Timestamp,
) -> Result<bool, Error> {
    if row.expires <= now {
        return Ok(false);
    }
    match row.host {
        Some(id) => {
            let host = transaction.hosts().find(id).await?;
            Ok(host.is_some_and(|host| awaits_token(&host, &row.public_key)))
        }
        None => Ok(true),
    }
}

/// Whether a host came of an announcement and its agent may not have heard so yet.
fn awaits_token(host: &Host, key: &PublicKey) -> bool {
    host.deleted.is_none() && host.generation == 0 && host.public_key == *key
}

/// Makes room for one more; gives who had to go. An error when nobody can.
async fn make_room(
    transaction: &mut dyn Transaction,
    network: &str,
    now: Timestamp,
) -> Result<Result<Option<PendingHostId>, ()>, Error> {
    let rows = transaction.pending_hosts().waiting().await?;
    let waiting: Vec<_> = rows
        .iter()
        .filter(|row| row.expires > now)
        .map(|row| Waiting { id: row.id, network: &row.network, is_looked_at: row.looked_at.is_some() })
        .collect();
    Ok(match announce::room(&waiting, network) {
        Room::Free => Ok(None),
        Room::InPlaceOf(id) => {
            transaction.pending_hosts().remove(id).await?;
            Ok(Some(id))
        }
        Room::No => Err(()),
    })
}

/// Keeps an announced host waiting until its verdict.
pub(super) async fn wait<S: AsyncRead + AsyncWrite + Unpin>(
    parts: Arc<Parts>,
    mut link: Link<S>,
    guest: Guest,
) {
    let seat = parts.announced_connected(guest.id);
    let (now, left) = (link.now(), guest.expires.since(parts.now()));
    link.session().pend(now, Pending::new(left.as_secs()));
    match attend(&parts, &mut link, &guest, &seat).await {
        Ok(WaitEnd::Accepted(host, token)) => {
            let now = link.now();
            link.session().welcome(now, welcome(&host, 0, Some(&token), &guest.keys));
            // The agent hangs up once it has kept the token.
            let _ = tokio::time::timeout(FAREWELL, async { while link.next().await.is_ok() {} }).await;
        }
        Ok(WaitEnd::Refused(refusal)) => refuse(&mut link, refusal).await,
        Ok(WaitEnd::Replaced) => {
            link.session().close(Close::Replaced);
            let _ = tokio::time::timeout(FAREWELL, link.next()).await;
        }
        Err(ended) => {
            tracing::info!(pending_host.id = %guest.id, reason = %ended, "an announced host went away");
        }
    }
    leave(&parts, &guest, &seat).await;
}

async fn leave(parts: &Parts, guest: &Guest, seat: &Arc<Seat>) {
    if !parts.announced_disconnected(guest.id, seat) {
        return;
    }
    let noted = retry(async || {
        let mut change = parts.begin().await?;
        change.pending_hosts().note_last_seen(guest.id, parts.now()).await?;
        change.tell(FleetEvent::PendingHosts {});
        change.commit(Audit::Routine("an announced host went away")).await
    });
    if let Err(error) = noted.await {
        tracing::error!(
            error = &error as &dyn core::error::Error,
            "could not note when an announced host was last seen"
        );
    }
}

/// How the wait of an announced host ends.
enum WaitEnd {
    Accepted(Box<Host>, SecretString),
    Refused(Refusal),
    /// Its agent has connected anew.
    Replaced,
}

async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    parts: &Arc<Parts>,
    link: &mut Link<S>,
    guest: &Guest,
    seat: &Seat,
) -> Result<WaitEnd, Ended> {
    loop {
        match find_decision(parts, guest, seat).await {
            Ok(Some(verdict)) => return Ok(verdict),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn core::error::Error,
                    "could not look after an announced host"
                );
                let message = "the server's database does not answer; try again later";
                return Ok(WaitEnd::Refused(Refusal::new(RefusalCode::Busy, message)));
            }
        }
        let next_look = LOOK.min(guest.expires.since(parts.now()));
        let woken = async {
            tokio::select! {
                () = seat.woken() => {}
                () = tokio::time::sleep(next_look) => {}
            }
        };
        tokio::pin!(woken);
        // Heartbeats are all that comes in between, and wake nobody.
        loop {
            tokio::select! {
                biased;
                () = parts.shutdown.requested() => {
                    let message = "the server is stopping; try again later";
                    return Ok(WaitEnd::Refused(Refusal::new(RefusalCode::Busy, message)));
                }
                received = link.next() => drop(received?),
                () = &mut woken => break,
            }
        }
    }
}

/// What the row says; `None` while nothing is decided.
async fn find_decision(parts: &Arc<Parts>, guest: &Guest, seat: &Seat) -> Result<Option<WaitEnd>, Error> {
    if seat.is_replaced() {
        return Ok(Some(WaitEnd::Replaced));
    }
    let mut read = parts.store.read().await?;
    let row = read.pending_hosts().find(guest.id).await?;
    let refused = |code, message| Ok(Some(WaitEnd::Refused(Refusal::new(code, message))));
    match row {
        Some(PendingHost { state: PendingHostState::Accepted, .. }) => {
            drop(read);
            hand_over(parts, guest).await.map(Some)
        }
        Some(PendingHost { state: PendingHostState::Rejected, .. }) => {
            refused(RefusalCode::Rejected, REJECTED_MESSAGE)
        }
        _ if parts.now() >= guest.expires => refused(RefusalCode::Expired, EXPIRED_MESSAGE),
        Some(_) => Ok(None),
        None if !registration::takes_announcements(read.meta()).await? => {
            refused(RefusalCode::EnrolmentClosed, CLOSED_MESSAGE)
        }
        None => refused(RefusalCode::Busy, FULL_MESSAGE),
    }
}

/// Makes the token of an accepted host. Until the host has connected it gets another each time it asks: the connection may
/// have broken after the commit and before the welcome, and only the holder of the key gets here.
async fn hand_over(parts: &Arc<Parts>, guest: &Guest) -> Result<WaitEnd, Error> {
    let token = Token::mint(TokenKind::Agent, &*parts.random);
    let hash = hash_of(&token);
    let host = retry(async || {
        let mut change = parts.begin().await?;
        let accepted = change.pending_hosts().find(guest.id).await?.and_then(|row| row.host);
        let host = match accepted {
            Some(id) => change.hosts().find(id).await?.filter(|host| awaits_token(host, &guest.key)),
            None => None,
        };
        let Some(host) = host else { return Ok(None) };
        change.hosts().rotate_token(host.id, &hash).await?;
        change.tell_host(host.id);
        change.commit(Audit::entry(enrolled(parts, guest, &host))).await?;
        Ok::<_, Error>(Some(host))
    });
    Ok(match host.await? {
        Some(host) => WaitEnd::Accepted(Box::new(host), SecretString::new(token.expose())),
        None => {
            let message = "this host was removed after it was accepted; announce it again";
            WaitEnd::Refused(Refusal::new(RefusalCode::Removed, message))
        }
    })
}

fn enrolled(parts: &Parts, guest: &Guest, host: &Host) -> NewAuditEntry {
    let key = restic_manager_crypto::PublicKey::from_bytes(*guest.key.as_bytes());
    NewAuditEntry {
        subject: subject("host", host.id, &host.name),
        address: guest.address.map(|address| address.to_string()),
        detail: serde_json::json!({ "announced_as": guest.name, "key": key.fingerprint().to_string() }),
        ..entry(parts.mint.audit(), parts.now(), entry::agent(host), Action::HostEnrol)
    }
}
