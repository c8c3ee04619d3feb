//! Whether hosts may join: by token, and by announcing themselves. A server that was never told is open to tokens, and to
//! nothing else.

use restic_manager_proto::{
    api::{
        events::FleetEvent,
        registration::{Registration, Show, Update},
    },
    vocabulary::Action,
};
use restic_manager_store::audit::Subject;

use super::install::{Invitation, Way};
use crate::{
    call::{Cx, Request},
    domain::registration,
    failure::Failure,
    parts::{Follow, Parts},
};

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Registration, Failure> {
    let found = registration::find(cx.read().await?.meta()).await?;
    Ok(body(cx.parts(), found))
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Registration, Failure> {
    let wanted = registration::Registration { open: request.body.open, announce: request.body.announce };
    let mut change = cx.begin().await?;
    let detail = registration::set(change.as_mut(), wanted).await?;
    if !(wanted.open && wanted.announce) {
        change.pending_hosts().clear().await?;
    }
    let subject = Subject { kind: "server".to_owned(), id: None, name: None };
    change.then(Follow::AllDecided);
    change.tell(FleetEvent::PendingHosts {});
    change.commit(cx.audit_with(Action::RegistrationUpdate, Some(subject), detail)).await?;
    tracing::info!(open = wanted.open, announce = wanted.announce, "registration of hosts was set");
    Ok(body(cx.parts(), wanted))
}

fn body(parts: &Parts, found: registration::Registration) -> Registration {
    let invitation = Invitation::new(parts, Way::Announce);
    Registration { open: found.open, announce: found.announce, linux_command: invitation.linux_command() }
}
