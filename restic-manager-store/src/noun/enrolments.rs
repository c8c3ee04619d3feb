//! Invitations for one host each.

use async_trait::async_trait;
use restic_manager_proto::{
    EnrolmentId, HostId, RepositoryId, Scope, Timestamp, UserId,
    vocabulary::{EnrolmentState, PresenceMode},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Page, PageRequest, TokenHash};

/// An invitation: what the host will be called, and what it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Which.
    pub id: EnrolmentId,
    /// What the host shows once; unique.
    pub token: TokenHash,
    /// What the host will be called.
    pub host_name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How it will be expected to be reachable.
    pub presence_mode: PresenceMode,
    /// What it will be attached to.
    pub attachments: Vec<PlannedAttachment>,
    /// The first include paths.
    pub include_paths: Vec<String>,
    /// The host whose record the new agent takes over; name, attachments and the rest are then that host's.
    pub take_over: Option<HostId>,
    /// Who invites.
    pub created_by: Option<UserId>,
    /// When.
    pub created: Timestamp,
    /// Until when the token can be spent.
    pub expires: Timestamp,
    /// Whether it still can. An open one past `expires` counts as expired before the sweep has said so.
    pub state: EnrolmentState,
    /// Who spent it.
    pub spent_by: Option<HostId>,
    /// The invitation that took its place.
    pub replaced_by: Option<EnrolmentId>,
}

impl Enrolment {
    /// Whether somebody of this scope sees it: its host will be within by its tags.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.holds_tags(&self.tags)
    }
}

/// A repository that a host will be attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAttachment {
    /// Which repository.
    pub repository: RepositoryId,
    /// Its location as seen from that host, when it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Queries about invitations.
#[async_trait]
pub trait EnrolmentQueries: Send {
    /// One invitation.
    async fn find(&mut self, id: EnrolmentId) -> Result<Option<Enrolment>, Error>;
    /// The invitation of a token, in whatever state.
    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Enrolment>, Error>;
    /// Invitations that somebody sees, newest first.
    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<EnrolmentId>,
    ) -> Result<Page<Enrolment, EnrolmentId>, Error>;
}

/// Changes to invitations. Only open ones change: anything else is a `Conflict`.
#[async_trait]
pub trait Enrolments: EnrolmentQueries {
    /// Adds an open invitation. `Taken` when the token is known.
    async fn issue(&mut self, enrolment: &Enrolment) -> Result<(), Error>;
    /// Spends an invitation for a host.
    async fn spend(&mut self, id: EnrolmentId, host: HostId) -> Result<(), Error>;
    /// Withdraws one.
    async fn revoke(&mut self, id: EnrolmentId) -> Result<(), Error>;
    /// Withdraws `old`, which may have expired too, and adds `new` in its place.
    async fn reissue(&mut self, old: EnrolmentId, new: &Enrolment) -> Result<(), Error>;
    /// Marks open ones whose time has passed; says how many.
    async fn expire(&mut self, now: Timestamp) -> Result<u64, Error>;
    /// Forgets those whose time passed before a moment and that are not open, `limit` at most; says how many.
    async fn purge(&mut self, expired_before: Timestamp, limit: usize) -> Result<u64, Error>;
}
