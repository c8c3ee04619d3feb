//! Becoming a host without a token: announce this host's key, and wait until an admin has compared and accepted it.

use core::time::Duration;
use std::sync::Arc;

use restic_manager_core::{
    backoff::Backoff, clock::Clock, handshake::enrolment_token_context, shutdown::Shutdown,
};
use restic_manager_crypto::{Fingerprint, Random, SecretString};
use restic_manager_proto::agent::{Intent, Pending, RefusalCode};

use super::{
    dial::{self, Dial},
    enrol::{EnrolError, EnrolRequest, Enrolled, Place, goodbye},
    introduce::{Introduction, LinkError},
};

/// What happens while an announced host waits, for whoever sits in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Announcing {
    /// The fingerprint of this host's key, before anything is sent: an admin compares it.
    Key(Fingerprint),
    /// The server has it; an admin decides within this time.
    Waiting(Duration),
    /// The server cannot be reached, or is busy; it is tried again.
    Again {
        /// Why.
        reason: String,
        /// How long from now.
        pause: Duration,
    },
}

/// Announces this host, and waits until an admin has decided or the announcement has died. Once accepted the host is as
/// one that enrolled. A host that announces itself again is known by its key.
///
/// # Errors
/// As [`enrol`](super::enrol()); besides when an admin rejects the host, nobody decides in time, or it is asked to stop.
pub async fn announce(
    request: EnrolRequest,
    told: &mut (dyn FnMut(Announcing) + Send),
    dialer: &dyn Dial,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    shutdown: &Shutdown,
) -> Result<Enrolled, EnrolError> {
    let place = Place::prepare(&request, random)?;
    told(Announcing::Key(place.vault.identity().public_key().fingerprint()));
    tokio::select! {
        biased;
        () = shutdown.requested() => Err(EnrolError::Stopped),
        enrolled = wait(&request, &place, told, dialer, clock, random) => enrolled,
    }
}

/// Comes back until there is a verdict.
async fn wait(
    request: &EnrolRequest,
    place: &Place,
    told: &mut (dyn FnMut(Announcing) + Send),
    dialer: &dyn Dial,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Enrolled, EnrolError> {
    let mut backoff = Backoff::default();
    loop {
        let mut waits = false;
        let mut pending = |pending: Pending| {
            waits = true;
            told(Announcing::Waiting(Duration::from_secs(pending.seconds)));
        };
        let error = match attempt(request, place, &mut pending, dialer, clock, random).await {
            Err(EnrolError::Link(error)) => match verdict(error) {
                Ok(error) => error,
                Err(verdict) => return Err(verdict),
            },
            done => return done,
        };
        if waits {
            backoff.reset();
        }
        let pause = backoff.next(random);
        told(Announcing::Again { reason: format!("could not {error}"), pause });
        tokio::time::sleep(pause).await;
    }
}

/// What a connection that failed means: trying again, or the end.
fn verdict(error: LinkError) -> Result<LinkError, EnrolError> {
    match error {
        LinkError::Refused(refusal) if refusal.code == RefusalCode::Rejected => Err(EnrolError::Rejected),
        LinkError::Refused(refusal) if refusal.code == RefusalCode::Expired => Err(EnrolError::Expired),
        LinkError::Refused(refusal) if refusal.code.is_final() => Err(LinkError::Refused(refusal).into()),
        LinkError::Untrusted => Err(LinkError::Untrusted.into()),
        error => Ok(error),
    }
}

/// One connection, from dialling to the verdict.
async fn attempt(
    request: &EnrolRequest,
    place: &Place,
    pending: &mut (dyn FnMut(Pending) + Send),
    dialer: &dyn Dial,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Enrolled, EnrolError> {
    let server = &request.config.server;
    let socket = dial::open(dialer, server, &server.pending_url()).await.map_err(LinkError::from)?;
    let introduction = Introduction {
        intent: Intent::Announce {},
        identity: place.vault.identity(),
        pinned: &request.config.server_fingerprint,
        token: &SecretString::new(""),
        context: enrolment_token_context(&place.vault.identity().public_key()),
        facts: request.facts.clone(),
        clock,
        random,
    };
    let (link, welcome, keys) = introduction.make(socket, Some(pending)).await?;
    let enrolled = place.keep(welcome, &keys)?;
    goodbye(link).await;
    Ok(enrolled)
}
