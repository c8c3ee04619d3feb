//! Hosts that announced themselves: taken in, kept waiting, told the verdict.
//!
//! What is decided is in their row; a waiting connection looks there when it is woken, and now and then, in case
//! another server decided. The agent gets its verdict over this connection and nothing else: to work, it connects anew.

use core::{net::IpAddr, sync::atomic::AtomicBool, time::Duration};
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
    vocabulary::{Action, ActorKind, Outcome, PendingHostState},
};
use restic_manager_store::{
    Audit, Error, PublicKey, Transaction,
    audit::{Actor, NewAuditEntry, Subject},
    hosts::Host,
    pending_hosts::{PendingHost, Sighting},
    retry,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};

use super::{
    connection::{FAREWELL, refuse},
    handshake::{Candidate, Rejected, refused, unavailable, welcome},
    token::hash_of,
};
use crate::{
    app::registration,
    shared::Shared,
    throttle::{self, Door},
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
pub(super) async fn count(shared: &Shared, address: Option<IpAddr>) -> Result<(), Rejected> {
    match throttle::take(shared, Door::Announcement, address, shared.now()).await {
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
            self.shared.lobby.wake(other);
        }
        tracing::info!(pending_host.id = %row.id, client.address = ?self.address, agent.key = %self.agent.fingerprint(), "a host announced itself");
        let PendingHost { id, public_key: key, facts, expires, .. } = *row;
        Ok(Guest { id, key, name: facts.hostname, expires, keys, address: self.address })
    }

    async fn take_in(&self) -> Result<Taken, Error> {
        let now = self.shared.now();
        let key = PublicKey::new(*self.agent.as_bytes());
        let mut transaction = self.shared.store.begin().await?;
        if !registration::takes_announcements_in(transaction.as_mut()).await? {
            return Ok(Taken::Closed);
        }
        let known = transaction.pending_hosts().with_key(&key).await?;
        let (row, pushed_out) = match known {
            Some(row) if is_current(transaction.as_mut(), &row, now).await? => {
                let sighting = self.sighting(now);
                transaction.pending_hosts().see(row.id, &sighting).await?;
                (row, None)
            }
            other => {
                if let Some(over) = other {
                    transaction.pending_hosts().remove(over.id).await?;
                }
                let row = self.newcomer(key, now);
                let Ok(pushed_out) = make_room(transaction.as_mut(), &row.network, now).await? else {
                    return Ok(Taken::Full);
                };
                transaction.pending_hosts().add(&row).await?;
                (row, pushed_out)
            }
        };
        transaction.commit(Audit::Routine("a host announced itself")).await?;
        Ok(Taken::In(Box::new(row), pushed_out))
    }

    fn newcomer(&self, public_key: PublicKey, now: Timestamp) -> PendingHost {
        let Sighting { facts, address, network, seen } = self.sighting(now);
        PendingHost {
            id: self.shared.mint.pending_host(),
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
    shared: Arc<Shared>,
    mut link: Link<S>,
    guest: Guest,
) {
    let seat = shared.lobby.enter(guest.id);
    let (now, left) = (link.now(), guest.expires.since(shared.now()));
    link.session().pend(now, Pending::new(left.as_secs()));
    shared.announce(FleetEvent::PendingHosts {});
    match attend(&shared, &mut link, &guest, &seat).await {
        Ok(Verdict::Accepted(host, token)) => {
            let now = link.now();
            link.session().welcome(now, welcome(&host, 0, Some(&token), &guest.keys));
            // The agent hangs up once it has kept the token.
            let _ = tokio::time::timeout(FAREWELL, async { while link.next().await.is_ok() {} }).await;
        }
        Ok(Verdict::Refused(refusal)) => refuse(&mut link, refusal).await,
        Ok(Verdict::Replaced) => {
            link.session().close(Close::Replaced);
            let _ = tokio::time::timeout(FAREWELL, link.next()).await;
        }
        Err(ended) => {
            tracing::info!(pending_host.id = %guest.id, reason = %ended, "an announced host went away");
        }
    }
    leave(&shared, &guest, &seat).await;
}

async fn leave(shared: &Shared, guest: &Guest, seat: &Arc<Seat>) {
    if !shared.lobby.leave(guest.id, seat) {
        return;
    }
    let noted = retry(async || {
        let mut transaction = shared.store.begin().await?;
        transaction.pending_hosts().note_last_seen(guest.id, shared.now()).await?;
        transaction.commit(Audit::Routine("an announced host went away")).await
    });
    if let Err(error) = noted.await {
        tracing::error!(
            error = &error as &dyn core::error::Error,
            "could not note when an announced host was last seen"
        );
    }
    shared.announce(FleetEvent::PendingHosts {});
}

/// How the wait of an announced host ends.
enum Verdict {
    Accepted(Box<Host>, SecretString),
    Refused(Refusal),
    /// Its agent has connected anew.
    Replaced,
}

async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    link: &mut Link<S>,
    guest: &Guest,
    seat: &Seat,
) -> Result<Verdict, Ended> {
    loop {
        match look(shared, guest, seat).await {
            Ok(Some(verdict)) => return Ok(verdict),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn core::error::Error,
                    "could not look after an announced host"
                );
                let message = "the server's database does not answer; try again later";
                return Ok(Verdict::Refused(Refusal::new(RefusalCode::Busy, message)));
            }
        }
        let next_look = LOOK.min(guest.expires.since(shared.now()));
        let woken = async {
            tokio::select! {
                () = seat.word.notified() => {}
                () = tokio::time::sleep(next_look) => {}
            }
        };
        tokio::pin!(woken);
        // Heartbeats are all that comes in between, and wake nobody.
        loop {
            tokio::select! {
                biased;
                () = shared.shutdown.requested() => {
                    let message = "the server is stopping; try again later";
                    return Ok(Verdict::Refused(Refusal::new(RefusalCode::Busy, message)));
                }
                received = link.next() => drop(received?),
                () = &mut woken => break,
            }
        }
    }
}

/// What the row says; `None` while nothing is decided.
async fn look(shared: &Arc<Shared>, guest: &Guest, seat: &Seat) -> Result<Option<Verdict>, Error> {
    if seat.is_replaced.load(Ordering::Acquire) {
        return Ok(Some(Verdict::Replaced));
    }
    let mut read = shared.store.read().await?;
    let row = read.pending_hosts().find(guest.id).await?;
    let refused = |code, message| Ok(Some(Verdict::Refused(Refusal::new(code, message))));
    match row {
        Some(PendingHost { state: PendingHostState::Accepted, .. }) => {
            drop(read);
            hand_over(shared, guest).await.map(Some)
        }
        Some(PendingHost { state: PendingHostState::Rejected, .. }) => {
            refused(RefusalCode::Rejected, REJECTED_MESSAGE)
        }
        _ if shared.now() >= guest.expires => refused(RefusalCode::Expired, EXPIRED_MESSAGE),
        Some(_) => Ok(None),
        None if !registration::takes_announcements(read.as_mut()).await? => {
            refused(RefusalCode::EnrolmentClosed, CLOSED_MESSAGE)
        }
        None => refused(RefusalCode::Busy, FULL_MESSAGE),
    }
}

/// Makes the token of an accepted host. Until the host has connected it gets another each time it asks: the connection may
/// have broken after the commit and before the welcome, and only the holder of the key gets here.
async fn hand_over(shared: &Arc<Shared>, guest: &Guest) -> Result<Verdict, Error> {
    let token = Token::mint(TokenKind::Agent, &*shared.random);
    let hash = hash_of(&token);
    let host = retry(async || {
        let mut transaction = shared.store.begin().await?;
        let accepted = transaction.pending_hosts().find(guest.id).await?.and_then(|row| row.host);
        let host = match accepted {
            Some(id) => transaction.hosts().find(id).await?.filter(|host| awaits_token(host, &guest.key)),
            None => None,
        };
        let Some(host) = host else { return Ok(None) };
        transaction.hosts().rotate_token(host.id, &hash).await?;
        transaction.commit(Audit::entry(enrolled(shared, guest, &host))).await?;
        Ok::<_, Error>(Some(host))
    });
    Ok(match host.await? {
        Some(host) => {
            shared.announce(FleetEvent::Host { host: host.id });
            Verdict::Accepted(Box::new(host), SecretString::new(token.expose()))
        }
        None => {
            let message = "this host was removed after it was accepted; announce it again";
            Verdict::Refused(Refusal::new(RefusalCode::Removed, message))
        }
    })
}

fn enrolled(shared: &Shared, guest: &Guest, host: &Host) -> NewAuditEntry {
    let (id, name) = (Some(host.id.to_string()), Some(host.name.clone()));
    let key = restic_manager_crypto::PublicKey::from_bytes(*guest.key.as_bytes());
    NewAuditEntry {
        id: shared.mint.audit(),
        moment: shared.now(),
        actor: Actor { kind: ActorKind::Agent, id: id.clone(), name: name.clone() },
        action: Action::HostEnrol,
        subject: Some(Subject { kind: "host".to_owned(), id, name }),
        outcome: Outcome::Done,
        address: guest.address.map(|address| address.to_string()),
        detail: serde_json::json!({ "announced_as": guest.name, "key": key.fingerprint().to_string() }),
    }
}

/// The announced hosts whose agents are connected to this server.
#[derive(Debug, Default)]
pub(crate) struct Lobby(Mutex<HashMap<PendingHostId, Arc<Seat>>>);

/// One waiting connection.
#[derive(Debug, Default)]
struct Seat {
    word: Notify,
    is_replaced: AtomicBool,
}

impl Lobby {
    /// Enters a connection; an older one of the same host is told that it was replaced.
    fn enter(&self, id: PendingHostId) -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        if let Some(older) = self.lock().insert(id, Arc::clone(&seat)) {
            older.is_replaced.store(true, Ordering::Release);
            older.word.notify_one();
        }
        seat
    }

    /// Removes a connection, unless a newer one took its place; says whether the host is gone.
    fn leave(&self, id: PendingHostId, seat: &Arc<Seat>) -> bool {
        let mut seats = self.lock();
        let is_ours = seats.get(&id).is_some_and(|taken| Arc::ptr_eq(taken, seat));
        if is_ours {
            seats.remove(&id);
        }
        is_ours
    }

    /// Tells a host's connection, if there is one, to look what was decided.
    pub(crate) fn wake(&self, id: PendingHostId) {
        if let Some(seat) = self.lock().get(&id) {
            seat.word.notify_one();
        }
    }

    /// Tells all connections to look what was decided.
    pub(crate) fn wake_all(&self) {
        self.lock().values().for_each(|seat| seat.word.notify_one());
    }

    /// Whether a host's agent is connected.
    pub(crate) fn is_connected(&self, id: PendingHostId) -> bool {
        self.lock().contains_key(&id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PendingHostId, Arc<Seat>>> {
        // Nothing panics while it is held, and every state of the map is a valid one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
