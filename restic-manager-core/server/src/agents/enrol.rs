//! What an enrolment token brings about.

use restic_manager_crypto::{SecretString, Token, TokenKind};
use restic_manager_proto::{
    HostId,
    agent::RefusalCode,
    api::events::FleetEvent,
    session::Close,
    vocabulary::{Action, EnrolmentState},
};
use restic_manager_store::{
    Audit, Error, ErrorKind, PublicKey, TokenHash, Transaction, audit::NewAuditEntry, enrolments::Enrolment,
    hosts::Host, retry,
};

use super::{
    candidate::Candidate,
    refusal::{Rejected, refused, unavailable},
    token::hash_of,
};
use crate::{
    domain::{
        newcomer::{self, Plan},
        registration,
    },
    entry::{self, subject},
    parts::{
        Change, Follow,
        throttle::{self, Door},
    },
};

const ENROLMENT_REFUSED: &str =
    "the enrolment token cannot be spent; issue a new one and run the install line again";

const ENROLMENT_CLOSED: &str =
    "this server is closed to new hosts; ask an admin to open it, then run the install line again";
const CLOSED: &str = "the server is closed to new hosts";

impl Candidate<'_> {
    /// Spends an enrolment token: the host and all that the invitation promised come into being at once.
    pub(super) async fn enrol(&self, token: &SecretString) -> Result<(Host, SecretString), Rejected> {
        let Ok(token) = Token::parse(TokenKind::Enrolment, token.expose()) else {
            return Err(self.refuse_enrolment("the token is malformed").await);
        };
        let hash = hash_of(&token);
        let outcome = retry(|| self.spend(hash)).await.map_err(|error| unavailable(&error))?;
        match outcome {
            Ok((host, agent_token)) => Ok((*host, agent_token)),
            Err(CLOSED) => {
                self.note_refusal(Action::EnrolmentRefused, "enrolment", "", CLOSED).await;
                Err(refused(RefusalCode::EnrolmentClosed, ENROLMENT_CLOSED))
            }
            Err(reason) => Err(self.refuse_enrolment(reason).await),
        }
    }

    /// Whoever tries too often is told to come again later, which a mistaken agent does by itself.
    async fn refuse_enrolment(&self, reason: &'static str) -> Rejected {
        let door = Door::Token("enrolment");
        if let Err(failure) = throttle::take(self.parts, door, self.address, self.parts.now()).await {
            tracing::debug!(error = &failure as &dyn core::error::Error, "an enrolment was not counted");
            return refused(RefusalCode::Busy, "too many failed attempts from this network; try again later");
        }
        self.note_refusal(Action::EnrolmentRefused, "enrolment", "", reason).await;
        refused(RefusalCode::EnrolmentRefused, ENROLMENT_REFUSED)
    }

    async fn spend(&self, hash: TokenHash) -> Result<Result<(Box<Host>, SecretString), &'static str>, Error> {
        let now = self.parts.now();
        let mut change = self.parts.begin().await?;
        // Before the token is looked at: a closed server tells nobody whether a token is good.
        if !registration::is_open(change.meta()).await? {
            return Ok(Err(CLOSED));
        }
        let Some(invitation) = change.enrolments().with_token(&hash).await? else {
            return Ok(Err("the token is unknown"));
        };
        if invitation.expires <= now {
            return Ok(Err("the token has expired"));
        }
        let agent_token = Token::mint(TokenKind::Agent, &*self.parts.random);
        let host = match (invitation.state, invitation.take_over) {
            (EnrolmentState::Open, Some(host)) => {
                self.take_over(change.as_mut(), &invitation, host, &agent_token).await?
            }
            (EnrolmentState::Open, None) => self.make_host(&mut change, &invitation, &agent_token).await?,
            (EnrolmentState::Spent, _) => self.repeat(change.as_mut(), &invitation, &agent_token).await?,
            _ => Err("the token was withdrawn"),
        };
        let host = match host {
            Ok(id) => change.hosts().find(id).await?.ok_or(Error::new(ErrorKind::NotFound, "host"))?,
            Err(reason) => return Ok(Err(reason)),
        };
        let host = self.note_connection(&mut change, host).await?;
        if invitation.take_over.is_some() {
            change.then(Follow::Disconnect(host.id, Close::Removed));
        }
        change.tell(FleetEvent::Enrolment { enrolment: invitation.id });
        change.commit(Audit::entry(self.enrolled(&host, &invitation))).await?;
        Ok(Ok((Box::new(host), SecretString::new(agent_token.expose()))))
    }

    /// The record that an open invitation gives to this agent. Key and token of the old one end with this commit.
    async fn take_over(
        &self,
        transaction: &mut dyn Transaction,
        invitation: &Enrolment,
        host: HostId,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let key = PublicKey::new(*self.agent.as_bytes());
        match transaction.hosts().take_over(host, &key, &hash_of(agent_token), self.parts.now()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err("the host was removed")),
            taken => taken?,
        }
        transaction.enrolments().spend(invitation.id, host).await?;
        Ok(Ok(host))
    }

    /// The host that an open invitation promises.
    async fn make_host(
        &self,
        change: &mut Change<'_>,
        invitation: &Enrolment,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let plan = Plan {
            host_name: &invitation.host_name,
            tags: &invitation.tags,
            presence_mode: invitation.presence_mode,
            attachments: &invitation.attachments,
            include_paths: &invitation.include_paths,
        };
        let key = PublicKey::new(*self.agent.as_bytes());
        let made = newcomer::make(change, plan, key, hash_of(agent_token)).await;
        match made {
            Err(error) if error.kind() == ErrorKind::Taken => Ok(Err("the host's name is in use")),
            made => {
                let id = made?;
                change.enrolments().spend(invitation.id, id).await?;
                Ok(Ok(id))
            }
        }
    }

    /// The host that this very agent became with this token without hearing of it: the connection broke after the commit
    /// and before the welcome. Only the holder of the token and of the key gets an answer again.
    async fn repeat(
        &self,
        transaction: &mut dyn Transaction,
        invitation: &Enrolment,
        agent_token: &Token,
    ) -> Result<Result<HostId, &'static str>, Error> {
        let host = match invitation.spent_by {
            Some(id) => transaction.hosts().find(id).await?,
            None => None,
        };
        let ours = host.filter(|host| {
            host.deleted.is_none()
                && host.outbox.is_none()
                && host.public_key.as_bytes() == self.agent.as_bytes()
        });
        let Some(host) = ours else { return Ok(Err("the token was spent")) };
        transaction.hosts().rotate_token(host.id, &hash_of(agent_token)).await?;
        Ok(Ok(host.id))
    }

    fn enrolled(&self, host: &Host, invitation: &Enrolment) -> NewAuditEntry {
        let detail = serde_json::json!({
            "enrolment": invitation.id.to_string(),
            "key": self.agent.fingerprint().to_string(),
        });
        let action = if invitation.take_over.is_some() { Action::HostTakeOver } else { Action::HostEnrol };
        let subject = subject("host", host.id, &host.name);
        NewAuditEntry { subject, detail, ..self.entry(entry::agent(host), action) }
    }
}
